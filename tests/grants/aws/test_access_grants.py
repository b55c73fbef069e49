"""S3 Access Grants through the gateway."""

import pytest

from grants.aws.access_grants import Boto3AccessGrants
from grants.aws.calls import Caller
from grants.aws.errors import (
    AwsExistsError,
    AwsInvalidError,
    AwsNotFoundError,
    AwsNotSettledError,
    AwsRefusedError,
)
from grants.aws.gateway import Aws
from tests.grants.aws.conftest import Place
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow


def test_an_instance_comes_and_goes(gateway: Aws) -> None:
    grants = gateway.access_grants
    gateway.sts.caller()
    sandbox_is_empty = grants.instance() is None
    if not sandbox_is_empty:
        for grant in grants.grants():
            grants.delete_grant(grant.id)
        for location in grants.locations():
            grants.delete_location(location.id)
        grants.delete_instance()
    assert grants.instance() is None
    with pytest.raises(AwsNotFoundError) as missing:
        list(grants.locations())
    assert missing.value.code == "AccessGrantsInstanceNotExistsError"
    made, receipt = grants.create_instance({"kept-by": "test"})
    assert (made.id, made.arn) == ("default", gateway.instance_arn)
    assert grants.instance() == made
    assert grants.tags(made.arn) == {"kept-by": "test"}
    assert (receipt.status, receipt.attempts) == (200, 1)
    assert receipt.request_id
    with pytest.raises(AwsExistsError):
        grants.create_instance({})


def test_a_location_comes_changes_and_goes(place: Place) -> None:
    grants, location = place.gateway.access_grants, place.location
    assert location.scope == f"s3://{place.bucket}/"
    assert location.role_arn == place.role_arn
    assert location.id in location.arn
    assert grants.location(location.id) == location
    assert location in list(grants.locations())
    other = place.role()
    assert grants.update_location(location.id, other).status == 200
    changed = grants.location(location.id)
    assert changed is not None
    assert (changed.role_arn, changed.scope) == (other, location.scope)
    with pytest.raises(AwsExistsError):
        grants.create_location(location.scope, other, {})
    assert grants.delete_location(location.id).request_id
    assert grants.location(location.id) is None
    with pytest.raises(AwsNotFoundError):
        grants.delete_location(location.id)


def test_an_instance_with_locations_and_a_location_with_grants_stay(place: Place, aws: Sandbox) -> None:
    with pytest.raises(AwsNotSettledError) as instance:
        place.gateway.access_grants.delete_instance()
    assert instance.value.code == "AccessGrantsInstanceNotEmptyError"
    place.grant(aws.make_user()["Arn"])
    with pytest.raises(AwsNotSettledError) as location:
        place.gateway.access_grants.delete_location(place.location.id)
    assert location.value.code == "AccessGrantsLocationNotEmptyError"


def test_a_location_needs_a_role_that_is_there(place: Place) -> None:
    missing = f"arn:aws:iam::{place.gateway.account}:role/nobody"
    with pytest.raises(AwsNotSettledError) as refused:
        place.gateway.access_grants.create_location(f"s3://{place.bucket}/a/*", missing, {})
    assert refused.value.code == "InvalidIamRole"


@pytest.mark.parametrize(("sub_prefix", "is_object"), [("a/b/*", False), ("a/readme.md", True)])
def test_a_grant_comes_and_goes(place: Place, aws: Sandbox, sub_prefix: str, is_object: bool) -> None:
    grants, user = place.gateway.access_grants, aws.make_user()["Arn"]
    made, receipt = grants.create_grant(
        location_id=place.location.id,
        sub_prefix=sub_prefix,
        grantee=user,
        permission="READWRITE",
        is_object=is_object,
        tags={"opkey": "1"},
    )
    assert made.scope == f"s3://{place.bucket}/{sub_prefix}"
    assert (made.sub_prefix, made.permission, made.location_id) == (sub_prefix, "READWRITE", place.location.id)
    assert (made.grantee_type, made.grantee, made.application_arn) == ("IAM", user, "")
    assert receipt.request_id
    assert receipt.attempts == 1
    assert grants.grant(made.id) == made
    assert grants.tags(made.arn) == {"opkey": "1"}
    assert grants.tag(made.arn, {"opkey": "2", "more": "x"}).request_id
    assert grants.tags(made.arn) == {"opkey": "2", "more": "x"}
    assert grants.delete_grant(made.id).status == 200
    assert grants.grant(made.id) is None
    with pytest.raises(AwsNotFoundError):
        grants.delete_grant(made.id)
    with pytest.raises(AwsNotFoundError):
        grants.tags(made.arn)


def test_the_same_grant_twice_is_one(place: Place, aws: Sandbox) -> None:
    user = aws.make_user()["Arn"]
    place.grant(user)
    with pytest.raises(AwsExistsError) as again:
        place.grant(user)
    assert again.value.code == "AccessGrantAlreadyExists"


def test_a_grantee_that_is_not_there_may_yet_come(place: Place) -> None:
    with pytest.raises(AwsNotSettledError) as refused:
        place.grant(f"arn:aws:iam::{place.gateway.account}:user/nobody")
    assert refused.value.code == "InvalidRequest"


def test_what_aws_does_not_take_is_invalid(place: Place, aws: Sandbox) -> None:
    with pytest.raises(AwsInvalidError):
        place.grant(aws.make_user()["Arn"], permission="EVERYTHING")


def test_grants_are_found_by_grantee_scope_and_permission(place: Place, aws: Sandbox) -> None:
    one, other = aws.make_user()["Arn"], aws.make_user()["Arn"]
    read = place.grant(one, "a/*")
    write = place.grant(one, "b/*", "WRITE")
    theirs = place.grant(other, "a/*")
    find = place.gateway.access_grants.grants
    assert sorted(grant.id for grant in find(grantee=one)) == sorted([read.id, write.id])
    assert [grant.id for grant in find(grantee=one, permission="WRITE")] == [write.id]
    assert {grant.id for grant in find(scope=read.scope)} == {read.id, theirs.id}
    assert {read.id, write.id, theirs.id} <= {grant.id for grant in find()}


def as_user(place: Place, user: dict[str, str]) -> Boto3AccessGrants:
    """Speak with a user's own keys."""
    keys = {"aws_access_key_id": user["AccessKeyId"], "aws_secret_access_key": user["SecretAccessKey"]}
    caller = Caller("s3control", region=place.gateway.region, credentials=keys)
    return Boto3AccessGrants(caller, place.gateway.account)


def test_data_access_is_of_the_grant_or_of_less(place: Place, aws: Sandbox) -> None:
    user = aws.make_user(allow("s3:GetDataAccess"))
    place.grant(user["Arn"], "a/*")
    theirs = as_user(place, user)
    within = f"s3://{place.bucket}/a/b/*"
    whole = theirs.data_access(target=within, permission="READ", duration_seconds=900)
    assert whole.matched_scope == f"s3://{place.bucket}/a/*"
    less = theirs.data_access(
        target=within, permission="READ", duration_seconds=900, minimal=True, audit_context="issuance 1"
    )
    assert less.matched_scope == within
    one = theirs.data_access(
        target=f"s3://{place.bucket}/a/key", permission="READ", duration_seconds=900, minimal=True, is_object=True
    )
    assert one.matched_scope == f"s3://{place.bucket}/a/key"
    assert less.secret_access_key.reveal() not in repr(less)
    assert less.session_token.reveal() not in repr(less)
    assert "/access-grants-" in place.gateway.sts.caller_of(less).arn
    with pytest.raises(AwsRefusedError):
        theirs.data_access(target=within, permission="WRITE", duration_seconds=900)
    with pytest.raises(AwsInvalidError):
        theirs.data_access(target=within, permission="READ", duration_seconds=43_201)


def test_the_audit_context_reaches_aws(place: Place, aws: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, object] = {}

    def keep(self: Caller, operation: str, **parameters: object) -> None:
        sent.update(parameters, operation=operation)
        raise AwsRefusedError(operation, "stop")

    monkeypatch.setattr(Caller, "change", keep)
    with pytest.raises(AwsRefusedError):
        place.gateway.access_grants.data_access(
            target="s3://b/*", permission="READ", duration_seconds=900, audit_context="issuance 1"
        )
    assert sent == {
        "operation": "get_data_access",
        "AccountId": place.gateway.account,
        "Target": "s3://b/*",
        "Permission": "READ",
        "DurationSeconds": 900,
        "Privilege": "Default",
        "AuditContext": "issuance 1",
    }
