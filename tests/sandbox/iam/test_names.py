"""Names and paths as IAM takes them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
"""

import json
from typing import Any

import pytest

from tests.support.iam import Driver, allow, trusting

TRUST = json.dumps(trusting({"Service": "access-grants.s3.amazonaws.com"}))
POLICY = json.dumps(allow("s3:GetObject"))
MAKERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "user": ("CreateUser", {}, 64),
    "group": ("CreateGroup", {}, 128),
    "role": ("CreateRole", {"AssumeRolePolicyDocument": TRUST}, 64),
    "policy": ("CreatePolicy", {"PolicyDocument": POLICY}, 128),
}


def parameters(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {f"{kind.title()}Name": name, **MAKERS[kind][1], **more}


@pytest.mark.parametrize("name", ["uploader@example.org", "a+b=c,d.e-f_g", "A", "7"])
@pytest.mark.parametrize("kind", MAKERS)
def test_a_name_may_have_letters_digits_and_a_few_signs(iam: Driver, kind: str, name: str) -> None:
    shown = iam(MAKERS[kind][0], **parameters(kind, name))[kind.title()]
    assert shown[f"{kind.title()}Name"] == name


@pytest.mark.parametrize("name", ["has space", "x*y", "ünï", "a/b", "q?", "tab\t", "${aws:username}", "line\n"])
@pytest.mark.parametrize("kind", MAKERS)
def test_any_other_sign_is_refused(iam: Driver, kind: str, name: str) -> None:
    message = iam.refused(MAKERS[kind][0], "ValidationError", **parameters(kind, name))
    assert "must contain only alphanumeric characters and/or the following: +=,.@_-" in message


@pytest.mark.parametrize("kind", MAKERS)
def test_a_name_has_a_greatest_length(iam: Driver, kind: str) -> None:
    operation, _, longest = MAKERS[kind]
    iam(operation, **parameters(kind, "a" * longest))
    message = iam.refused(operation, "ValidationError", **parameters(kind, "b" * (longest + 1)))
    assert f"length less than or equal to {longest}" in message
    assert "length greater than or equal to 1" in iam.refused(operation, "ValidationError", **parameters(kind, ""))


@pytest.mark.parametrize("kind", MAKERS)
def test_names_are_unique_whatever_their_case(iam: Driver, kind: str) -> None:
    iam(MAKERS[kind][0], **parameters(kind, "uploader"))
    for name in ("uploader", "Uploader", "UPLOADER"):
        message = iam.refused(MAKERS[kind][0], "EntityAlreadyExists", **parameters(kind, name, Path="/other/"))
        assert name in message


def test_a_user_and_a_group_may_share_a_name(iam: Driver) -> None:
    iam("CreateUser", UserName="curator")
    iam("CreateGroup", GroupName="curator")


@pytest.mark.parametrize("kind", MAKERS)
def test_a_path_is_kept_and_is_part_of_the_arn(iam: Driver, kind: str) -> None:
    shown = iam(MAKERS[kind][0], **parameters(kind, "one", Path="/cellenium/people/"))[kind.title()]
    assert shown["Path"] == "/cellenium/people/"
    assert shown["Arn"] == f"arn:aws:iam::123456789012:{kind}/cellenium/people/one"


@pytest.mark.parametrize("path", ["people/", "/people", "people", "/ /", "/ü/"])
@pytest.mark.parametrize("kind", MAKERS)
def test_a_path_begins_and_ends_with_a_slash(iam: Driver, kind: str, path: str) -> None:
    message = iam.refused(MAKERS[kind][0], "ValidationError", **parameters(kind, "one", Path=path))
    assert "must begin and end with /" in message


def test_a_path_has_512_characters_at_most(iam: Driver) -> None:
    iam("CreateUser", UserName="short", Path=f"/{'a' * 510}/")
    iam.refused("CreateUser", "ValidationError", UserName="long", Path=f"/{'a' * 511}/")


def test_a_missing_name_is_named(iam: Driver) -> None:
    assert "userName" in iam.refused("CreateUser", "ValidationError")


def test_an_operation_the_sandbox_leaves_out_is_refused_with_its_name(iam: Driver) -> None:
    message = iam.refused("CreateSAMLProvider", "NotImplemented", Name="x", SAMLMetadataDocument="y")
    assert "iam:CreateSAMLProvider" in message
    for operation in ("PutUserPermissionsBoundary", "PutRolePermissionsBoundary", "CreateServiceLinkedRole"):
        assert operation in iam.refused(operation, "NotImplemented")


def test_what_is_not_done_is_refused_rather_than_ignored(iam: Driver) -> None:
    boundary = {"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    iam.refused("CreateUser", "NotImplemented", UserName="bounded", **boundary)
    iam.refused("CreateRole", "NotImplemented", **parameters("role", "bounded", **boundary))
    tags = [{"Key": "a", "Value": "b"}]
    iam.refused("CreateVirtualMFADevice", "NotImplemented", VirtualMFADeviceName="phone", Tags=tags)
    assert iam("ListVirtualMFADevices")["VirtualMFADevices"] == []
    assert iam("ListUsers")["Users"] == []
