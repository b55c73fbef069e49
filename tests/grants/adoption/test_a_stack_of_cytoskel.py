"""A bucket that was kept with cytoskel, made by the very calls it makes, and taken over as it is."""

from dataclasses import dataclass
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from grants.aws.gateway import Aws
from grants.models import Grant, Location, Origin, Principal, State
from grants.services import adoption, explain, grants, locations, operations, principals, reconcile
from tests.grants.commands.conftest import Terminal
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow, document

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]
GRANTS = 104
CHANGES = ("Create", "Delete", "Put", "Tag", "Untag", "Update", "Add", "Remove", "Attach", "Detach")


@dataclass
class Old:
    """What cytoskel has left."""

    bucket: str
    users: list[str]
    location: str
    grants: list[str]


@pytest.fixture
def old(aws: Sandbox, gateway: Aws) -> Old:
    """Make what `cytoskel up`, `create user` and `create grant` make: no tags, no paths, READWRITE for everybody."""
    control, iam, account = aws("s3control"), aws("iam"), {"AccountId": aws.account}
    if gateway.access_grants.instance() is None:
        control.create_access_grants_instance(**account)
    bucket, group = aws.make_bucket(), aws.name("staging-uploaders")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "access-grants.s3.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
    }
    role = aws.make_role(document(trust), allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}*"]))
    iam.create_group(GroupName=group)
    location = control.create_access_grants_location(**account, LocationScope=f"s3://{bucket}", IAMRoleArn=role)[
        "AccessGrantsLocationId"
    ]
    users = []
    for _ in range(2):
        name = aws.name("old")
        users.append(iam.create_user(UserName=name)["User"]["Arn"])
        iam.create_access_key(UserName=name)
        iam.add_user_to_group(UserName=name, GroupName=group)
    made = [
        control.create_access_grant(
            **account,
            AccessGrantsLocationId=location,
            AccessGrantsLocationConfiguration={"S3SubPrefix": sub_prefix},
            Grantee={"GranteeType": "IAM", "GranteeIdentifier": user},
            Permission="READWRITE",
        )["AccessGrantId"]
        for user in users
        for sub_prefix in ["*", *(f"cpg{number:04}*" for number in range(GRANTS // 2 - 1))]
    ]
    return Old(bucket, users, location, made)


def test_everything_is_taken_over_and_nothing_changes(
    aws: Sandbox, gateway: Aws, old: Old, actor: Actor, settings: Any
) -> None:
    control = aws.sandbox.control
    before = sorted(gateway.access_grants.grants(), key=lambda one: one.id)
    control.clear_calls()
    run = reconcile.plan(aws=gateway, actor=actor)
    assert run.counts["grant_foreign"] >= GRANTS
    counts = adoption.adopt(
        actor=actor, grants=Grant.objects.filter(aws_id__in=old.grants).select_related("location", "principal")
    )
    assert counts == {"locations": 1, "principals": 2, "grants": GRANTS}
    assert not [call["operation"] for call in control.calls() if call["operation"].startswith(CHANGES)]
    assert sorted(gateway.access_grants.grants(), key=lambda one: one.id) == before
    rows = Grant.objects.filter(aws_id__in=old.grants)
    assert set(rows.values_list("origin", "state")) == {(Origin.ADOPTED, State.ACTIVE)}
    assert not rows.filter(review_at=None).exists()
    settings.H5AD_STORE = f"s3://{old.bucket}"
    listed = {row["id"] for row in Terminal(old.bucket).told("list", "grant")}
    assert set(old.grants) <= listed, "a page holds a hundred"
    assert len(Terminal(old.bucket).told("list", "user")) >= 2

    reached = explain.who_can_reach(key_uri=f"s3://{old.bucket}/cpg0001-else/file", aws=gateway)
    assert set(old.users) <= {one.principal_arn for one in reached}
    assert [entry["kind"] for entry in reconcile.plan(aws=gateway, actor=actor).plan if entry["repair"]] == []
    is_replaced_and_deleted(gateway, old, actor)


def is_replaced_and_deleted(gateway: Aws, old: Old, actor: Actor) -> None:
    whole = Grant.objects.get(aws_id=old.grants[0])
    with pytest.raises(ConflictError, match="review"):
        grants.extend(grant=whole, expires_at=whole.review_at, actor=actor, reason="no expiry there")
    made, intended = grants.replace(
        grant=whole, actor=actor, reason="less", sub_prefix="cpg0001/*", permission="READ", created_by=None
    )
    done(gateway, *intended)
    made.refresh_from_db()
    assert (made.state, made.scope) == (State.ACTIVE, f"s3://{old.bucket}/cpg0001/*")
    for user in old.users:
        principal = Principal.objects.get(arn=user)
        done(gateway, *principals.remove(principal=principal, actor=actor, reason="moved on"))
        assert gateway.iam.user(principal.name) is not None, "the IAM user was never ours"
    assert not [one for one in gateway.access_grants.grants() if one.location_id == old.location]
    with pytest.raises(ConflictError, match="left alone"):
        locations.remove(location=Location.objects.get(aws_id=old.location), actor=actor, reason="not ours")


def done(gateway: Aws, *intended: Any) -> None:
    for operation in operations.execute_all(operation_ids=[one.pk for one in intended], aws=gateway):
        assert operation.state == "succeeded", operation.error_detail
