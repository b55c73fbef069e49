"""Reading an account: whose policies bind whom, and what could not be read."""

from grants.reach_account import identities
from tests.support.explanations import account, managed, role, trusting, user
from tests.support.policies import ACCOUNT, document, statement

GROUP = {
    "GroupName": "uploaders",
    "GroupPolicyList": [{"PolicyName": "shared", "PolicyDocument": document(statement())}],
    "AttachedManagedPolicies": [{"PolicyName": "m", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/m"}],
}


def labels(found: object) -> list[str]:
    return [bound.label for bound in found.policies]  # type: ignore[attr-defined]


def test_a_user_is_bound_by_its_own_policies_and_those_of_its_groups() -> None:
    made = account(
        user("uploader", statement(), GroupList=["uploaders"], Tags=[{"Key": "team", "Value": "cells"}]),
        groups=[GROUP],
        managed=[managed("m", statement())],
    )
    found = made.identities[f"arn:aws:iam::{ACCOUNT}:user/uploader"]
    assert labels(found) == [
        "inline policy own of user uploader",
        "inline policy shared of group uploaders",
        f"managed policy arn:aws:iam::{ACCOUNT}:policy/m of group uploaders",
    ]
    assert (dict(found.tags), found.doubts, found.is_role) == ({"team": "cells"}, (), False)
    # The version that does not count denies everything.
    assert not any(bound.policy.denials for bound in found.policies)


def test_groups_may_come_on_a_later_page_than_their_members() -> None:
    pages = [
        {"UserDetailList": [user("uploader", GroupList=["uploaders"])]},
        {"GroupDetailList": [GROUP]},
        {"Policies": [managed("m", statement())]},
    ]
    assert len(labels(identities(pages)[f"arn:aws:iam::{ACCOUNT}:user/uploader"])) == 2


def test_what_cannot_be_read_is_told_and_never_left_out() -> None:
    odd = [{"PolicyName": "odd", "PolicyDocument": document(statement(Resource="bucket"))}]
    attached = [{"PolicyName": "far", "PolicyArn": "arn:aws:iam::aws:policy/Far"}]
    boundary = {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/Bound"}
    made = account(
        user(
            "uploader",
            UserPolicyList=odd,
            AttachedManagedPolicies=attached,
            GroupList=["gone"],
            PermissionsBoundary=boundary,
        ),
        roles=[role("odd", trust={"Version": "2012-10-17", "Statement": []})],
    )
    found = made.identities[f"arn:aws:iam::{ACCOUNT}:user/uploader"]
    assert found.policies == ()
    told = " ".join(found.doubts)
    for part in ("policy odd of user uploader could not be read", "aws:policy/Far", "group gone", "boundary"):
        assert part in told
    odd_role = made.identities[f"arn:aws:iam::{ACCOUNT}:role/odd"]
    assert odd_role.trust is None
    assert "the trust policy of role odd could not be read" in odd_role.doubts[0]


def test_a_boundary_is_read_and_a_role_keeps_its_trust() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/m"
    made = account(
        user("uploader", statement(), PermissionsBoundary={"PermissionsBoundaryArn": arn}),
        roles=[role("reader", statement(), trust=trusting({"AWS": ACCOUNT}))],
        managed=[managed("m", statement())],
    )
    uploader, reader = made.identities.values()
    assert uploader.boundary is not None
    assert uploader.boundary.label == f"the permissions boundary {arn}"
    assert reader.trust is not None
    assert (reader.is_role, reader.trust.label) == (True, "the trust policy of role reader")
