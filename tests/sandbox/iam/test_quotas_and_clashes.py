"""Quotas of the account and of a user, and what clashes with what is there.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from typing import Any

import pytest

from grants.sandbox.iam import groups, policies, roles, users
from tests.sandbox.iam.test_deletion import NAME, SSH_KEY, certificate, enabled_device
from tests.support.iam import Driver, allow, trusting

TRUST, POLICY = json.dumps(trusting("*")), json.dumps(allow("s3:*"))
MAKERS: dict[str, tuple[Any, str, dict[str, str]]] = {
    "User": (users, "UsersPerAccount", {}),
    "Group": (groups, "GroupsPerAccount", {}),
    "Role": (roles, "RolesPerAccount", {"AssumeRolePolicyDocument": TRUST}),
    "Policy": (policies, "PoliciesPerAccount", {"PolicyDocument": POLICY}),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_an_account_has_only_so_many(iam: Driver, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, quota, more = MAKERS[kind]
    monkeypatch.setattr(module, "QUOTA", 2)
    for number in range(2):
        iam(f"Create{kind}", **{f"{kind}Name": f"n{number}"}, **more)
    message = iam.refused(f"Create{kind}", "LimitExceeded", **{f"{kind}Name": "n2"}, **more)
    assert message == f"Cannot exceed quota for {quota}: 2"


def test_awss_quotas_are_these() -> None:
    assert (users.QUOTA, groups.QUOTA, roles.QUOTA, policies.QUOTA) == (5_000, 300, 1_000, 1_500)


def test_a_user_has_two_signing_certificates_and_five_ssh_keys_at_most(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    body = certificate()
    for _ in range(2):
        iam("UploadSigningCertificate", UserName=NAME, CertificateBody=body)
    message = iam.refused("UploadSigningCertificate", "LimitExceeded", UserName=NAME, CertificateBody=body)
    assert message == "Cannot exceed quota for CertificatesPerUser: 2"
    for _ in range(5):
        iam("UploadSSHPublicKey", UserName=NAME, SSHPublicKeyBody=SSH_KEY)
    message = iam.refused("UploadSSHPublicKey", "LimitExceeded", UserName=NAME, SSHPublicKeyBody=SSH_KEY)
    assert message == "Cannot exceed quota for SSHPublicKeysPerUser: 5"


def test_a_user_has_two_passwords_for_a_service_at_most(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    for service in ("codecommit.amazonaws.com", "cassandra.amazonaws.com"):
        for _ in range(2):
            iam("CreateServiceSpecificCredential", UserName=NAME, ServiceName=service)
        iam.refused("CreateServiceSpecificCredential", "LimitExceeded", UserName=NAME, ServiceName=service)
    iam.refused("CreateServiceSpecificCredential", "NoSuchEntity", UserName=NAME, ServiceName="s3.amazonaws.com")
    listed = iam("ListServiceSpecificCredentials", UserName=NAME, ServiceName="cassandra.amazonaws.com")
    assert len(listed["ServiceSpecificCredentials"]) == 2


def test_a_user_has_eight_mfa_devices_at_most(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    for number in range(8):
        enabled_device(iam, NAME, f"phone{number}")
    serial = iam("CreateVirtualMFADevice", VirtualMFADeviceName="ninth")["VirtualMFADevice"]["SerialNumber"]
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    message = iam.refused("EnableMFADevice", "LimitExceeded", UserName=NAME, SerialNumber=serial, **codes)
    assert message == "Cannot exceed quota for MFADevicesPerUser: 8"


def test_two_devices_do_not_share_a_name_and_one_is_deactivated_for_its_user_only(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    iam("CreateUser", UserName="neighbour@example.org")
    serial = enabled_device(iam, NAME)
    iam.refused("CreateVirtualMFADevice", "EntityAlreadyExists", VirtualMFADeviceName="phone")
    for operation, more in (
        ("DeactivateMFADevice", {}),
        ("ResyncMFADevice", {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}),
    ):
        message = iam.refused(operation, "NoSuchEntity", UserName="neighbour@example.org", SerialNumber=serial, **more)
        assert "not enabled for neighbour@example.org" in message
    assert len(iam("ListMFADevices", UserName=NAME)["MFADevices"]) == 1


def test_an_alias_that_is_not_the_accounts_cannot_be_deleted(iam: Driver) -> None:
    iam("CreateAccountAlias", AccountAlias="cellenium")
    iam.refused("DeleteAccountAlias", "NoSuchEntity", AccountAlias="another")
    assert iam("ListAccountAliases")["AccountAliases"] == ["cellenium"]
    iam("DeleteAccountAlias", AccountAlias="cellenium")
    assert iam("ListAccountAliases")["AccountAliases"] == []


def test_renaming_a_group_needs_a_right_to_the_new_name_too(iam: Driver) -> None:
    iam("CreateGroup", GroupName="g", Path="/ours/")
    caller = iam.user(NAME, allow("iam:UpdateGroup", "arn:aws:iam::123456789012:group/ours/*"))
    iam.refused("UpdateGroup", "AccessDenied", by=caller, GroupName="g", NewPath="/theirs/")
    iam("UpdateGroup", by=caller, GroupName="g", NewGroupName="h")
    iam("CreateUser", UserName="u", Path="/ours/")
    caller = iam.user("curator@example.org", allow("iam:UpdateUser", "arn:aws:iam::123456789012:user/ours/*"))
    iam.refused("UpdateUser", "AccessDenied", by=caller, UserName="u", NewPath="/theirs/")
    iam("UpdateUser", by=caller, UserName="u", NewUserName="v")


def test_leaving_a_group_one_is_not_in_says_so(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    iam("CreateGroup", GroupName="g")
    message = iam.refused("RemoveUserFromGroup", "NoSuchEntity", GroupName="g", UserName=NAME)
    assert message == f"User {NAME} is not in group g."
