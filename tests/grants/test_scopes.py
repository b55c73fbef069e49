"""Scopes as an order, joins, and the session policy against what a scope covers, judged by the evaluator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants import policies, scopes
from grants.evaluator import Policy, Principal, Request, evaluate
from grants.scopes import Scope, ScopeError

LETTERS = st.text("ab/*?$", max_size=6)
BUCKETS = st.sampled_from(["gallery", "archive"])
SCOPES = st.builds(Scope, BUCKETS, LETTERS, is_prefix=st.booleans()).filter(lambda scope: scope.key or scope.is_prefix)
ANY_SCOPE = st.one_of(SCOPES, st.just(Scope("", "", is_prefix=True)))
ROLE = Principal(arn="arn:aws:iam::123456789012:role/r", principal_arn="arn:aws:iam::123456789012:role/r", account="1")
EVERYTHING = Policy.parse(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)


@given(ANY_SCOPE)
def test_covering_is_reflexive(scope: Scope) -> None:
    assert scope.covers(scope)


@given(ANY_SCOPE, ANY_SCOPE)
def test_covering_is_antisymmetric(one: Scope, two: Scope) -> None:
    assert not (one.covers(two) and two.covers(one)) or one == two


@given(ANY_SCOPE, ANY_SCOPE, ANY_SCOPE)
def test_covering_is_transitive(one: Scope, two: Scope, three: Scope) -> None:
    assert not (one.covers(two) and two.covers(three)) or one.covers(three)


@given(SCOPES, SCOPES)
def test_what_covers_is_among_the_covering(one: Scope, two: Scope) -> None:
    assert (one in set(scopes.covering(two))) == one.covers(two)


@given(st.lists(SCOPES, max_size=5), SCOPES)
def test_the_closest_covers_and_no_other_is_within_it(found: list[Scope], target: Scope) -> None:
    closest = scopes.closest(found, target)
    covering = [scope for scope in found if scope.covers(target)]
    assert (closest is None) == (not covering)
    assert closest is None or all(scope.covers(closest) for scope in covering)


@given(ANY_SCOPE.filter(lambda scope: scope.is_prefix or not scope.key.endswith("*")))
def test_a_scope_is_read_as_it_is_written(scope: Scope) -> None:
    assert scopes.parse(str(scope)) == scope


@given(
    st.sampled_from(["s3://", "s3://gallery", "s3://gallery/", "s3://gallery/p", "s3://gallery/p/", "s3://gallery/p*"]),
    st.text("ab/*", max_size=6).filter(lambda text: "//" not in text),
)
def test_a_join_makes_no_empty_folder_and_stays_within_its_location(location: str, sub_prefix: str) -> None:
    try:
        joined = scopes.join(location, sub_prefix)
    except ScopeError:
        assert location == "s3://"
        return
    assert "//" not in joined.removeprefix("s3://")
    assert joined.startswith(location.removesuffix("*"))
    if location.endswith("*") or scopes.parse(location).key == "":
        assert scopes.covers(location, joined)


@pytest.mark.parametrize(
    "path", ["gallery", "S3://gallery", "s3://*", "s3:///a", "s3://G/a", "s3://a", "s3:/gallery", ""]
)
def test_paths_that_name_nothing(path: str) -> None:
    with pytest.raises(ScopeError):
        scopes.parse(path)


@pytest.mark.parametrize("sub_prefix", ["", "*", "gallery", "gallery*", "gallery/", "/", "/*"])
def test_the_default_location_has_to_be_narrowed(sub_prefix: str) -> None:
    with pytest.raises(ScopeError):
        scopes.join("s3://", sub_prefix)


@given(SCOPES, BUCKETS, st.text("ab/*?$", min_size=1, max_size=6), st.sampled_from(["READ", "WRITE", "READWRITE"]))
def test_a_session_reaches_exactly_the_objects_of_its_scope(
    scope: Scope, bucket: str, key: str, permission: str
) -> None:
    covered = scope.covers(Scope(bucket, key, is_prefix=False))
    object_arn = f"arn:aws:s3:::{bucket}/{key}"
    for actions, part in ((policies.READ_OBJECTS, "READ"), (policies.WRITE_OBJECTS, "WRITE")):
        for action in actions:
            assert allowed(scope, permission, action, object_arn) == (covered and part in permission)
    for action in ("s3:PutObjectTagging", "s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:PutBucketPolicy"):
        assert not allowed(scope, permission, action, object_arn)


@given(SCOPES, BUCKETS, st.text("ab/*?$", max_size=6), st.sampled_from(["READ", "WRITE", "READWRITE"]))
def test_a_session_lists_exactly_the_prefixes_of_its_scope(
    scope: Scope, bucket: str, prefix: str, permission: str
) -> None:
    covered = scope.is_prefix and scope.covers(Scope(bucket, prefix, is_prefix=True))
    arn = f"arn:aws:s3:::{bucket}"
    for action in policies.READ_BUCKET:
        assert allowed(scope, permission, action, arn, prefix) == (covered and "READ" in permission)
        whole = scope == Scope(bucket, "", is_prefix=True)
        assert allowed(scope, permission, action, arn) == (whole and "READ" in permission)


def test_a_locations_trust_names_its_instance_alone() -> None:
    instance = "arn:aws:s3:eu-central-1:123456789012:access-grants/default"
    trust = Policy.parse(policies.location_trust(instance, directory=True), "trust")
    service = Principal(
        arn=policies.SERVICE, principal_arn=policies.SERVICE, account="123456789012", service=policies.SERVICE
    )

    def trusted(action: str, source: str) -> bool:
        context = {"aws:SourceArn": source, "aws:SourceAccount": source.split(":")[4]}
        return evaluate(Request(service, action, "arn:aws:iam::123456789012:role/r", context), resource=trust).allowed

    for action in ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:SetContext"):
        assert trusted(action, instance)
        assert not trusted(action, instance.replace("123456789012", "210987654321"))
        assert not trusted(action, instance.replace("eu-central-1", "us-east-1"))
    assert not trusted("sts:TagSession", instance)


def allowed(scope: Scope, permission: str, action: str, resource: str, prefix: str | None = None) -> bool:
    document = policies.session_policy(scope.bucket, scope.key, is_prefix=scope.is_prefix, permission=permission)
    context = {} if prefix is None else {"s3:prefix": prefix}
    request = Request(ROLE, action, resource, context)
    return evaluate(request, identity=(EVERYTHING,), session=(Policy.parse(document, "session"),)).allowed
