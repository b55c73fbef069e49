"""Everything that must go before a user can.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
"""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from grants.sandbox.iam.mfa import code
from tests.support.iam import Driver, allow

NAME = "uploader@example.org"
RSA = rsa.generate_private_key(65_537, 2_048).public_key()
SSH_KEY = RSA.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
PEM_KEY = RSA.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
OTHER = ec.generate_private_key(ec.SECP256R1()).public_key()
ECDSA_KEY = OTHER.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def certificate() -> str:
    """Give a self-signed certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")])
    day = datetime(2026, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def enabled_device(iam: Driver, user: str, name: str = "phone") -> str:
    """Make an MFA device and enable it as a person with an authenticator does."""
    made = iam("CreateVirtualMFADevice", VirtualMFADeviceName=name)["VirtualMFADevice"]
    seed, step = made["Base32StringSeed"].decode(), int(iam.time.timestamp()) // 30
    codes = {"AuthenticationCode1": code(seed, step - 1), "AuthenticationCode2": code(seed, step)}
    iam("EnableMFADevice", UserName=user, SerialNumber=made["SerialNumber"], **codes)
    return str(made["SerialNumber"])


def furnish(iam: Driver) -> dict[str, Any]:
    """Give a user one of everything."""
    iam("CreateUser", UserName=NAME)
    iam("CreateLoginProfile", UserName=NAME, Password="correct horse")
    key = iam("CreateAccessKey", UserName=NAME)["AccessKey"]["AccessKeyId"]
    pem = iam("UploadSigningCertificate", UserName=NAME, CertificateBody=certificate())["Certificate"]["CertificateId"]
    ssh = iam("UploadSSHPublicKey", UserName=NAME, SSHPublicKeyBody=SSH_KEY)["SSHPublicKey"]["SSHPublicKeyId"]
    service = iam("CreateServiceSpecificCredential", UserName=NAME, ServiceName="codecommit.amazonaws.com")
    device = enabled_device(iam, NAME)
    iam("PutUserPolicy", UserName=NAME, PolicyName="p", PolicyDocument=json.dumps(allow("s3:*")))
    iam("AttachUserPolicy", UserName=NAME, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName=NAME)
    return {
        "key": key,
        "pem": pem,
        "ssh": ssh,
        "service": service["ServiceSpecificCredential"]["ServiceSpecificCredentialId"],
        "device": device,
    }


def test_each_thing_in_the_way_is_named_in_awss_order(iam: Driver) -> None:
    had = furnish(iam)
    steps: list[tuple[str, str, dict[str, str]]] = [
        ("login profile", "DeleteLoginProfile", {}),
        ("access keys", "DeleteAccessKey", {"AccessKeyId": had["key"]}),
        ("signing certificates", "DeleteSigningCertificate", {"CertificateId": had["pem"]}),
        ("SSH public keys", "DeleteSSHPublicKey", {"SSHPublicKeyId": had["ssh"]}),
        (
            "service specific credentials",
            "DeleteServiceSpecificCredential",
            {"ServiceSpecificCredentialId": had["service"]},
        ),
        ("MFA device", "DeactivateMFADevice", {"SerialNumber": had["device"]}),
        ("delete policies", "DeleteUserPolicy", {"PolicyName": "p"}),
        ("detach all policies", "DetachUserPolicy", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("groups", "RemoveUserFromGroup", {"GroupName": "g"}),
    ]
    for what, remedy, more in steps:
        message = iam.refused("DeleteUser", "DeleteConflict", UserName=NAME)
        assert message.startswith("Cannot delete entity, must ")
        assert what in message
        iam(remedy, UserName=NAME, **more)
    iam("DeleteUser", UserName=NAME)
    assert iam("ListUsers")["Users"] == []
    assert iam("GetGroup", GroupName="g")["Users"] == []
    assert (iam.seaweed.users, iam.seaweed.keys) == ({}, {})


def test_what_is_in_the_way_can_be_listed(iam: Driver) -> None:
    had = furnish(iam)
    who = {"UserName": NAME}
    assert iam("GetLoginProfile", **who)["LoginProfile"]["UserName"] == NAME
    assert iam("ListSigningCertificates", **who)["Certificates"][0]["CertificateId"] == had["pem"]
    assert iam("ListSSHPublicKeys", **who)["SSHPublicKeys"][0]["SSHPublicKeyId"] == had["ssh"]
    shown = iam("GetSSHPublicKey", **who, SSHPublicKeyId=had["ssh"], Encoding="SSH")["SSHPublicKey"]
    assert shown["SSHPublicKeyBody"] == SSH_KEY
    listed = iam("ListServiceSpecificCredentials", **who)["ServiceSpecificCredentials"]
    assert listed[0]["ServiceSpecificCredentialId"] == had["service"]
    assert "ServicePassword" not in listed[0]
    assert iam("ListMFADevices", **who)["MFADevices"][0]["SerialNumber"] == had["device"]
    assert iam("GetAccountSummary")["SummaryMap"]["MFADevicesInUse"] == 1


def test_the_new_user_of_a_name_has_nothing_of_the_old_ones(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME, Tags=[{"Key": "a", "Value": "b"}])
    iam("DeleteUser", UserName=NAME)
    iam("CreateUser", UserName=NAME)
    assert iam("ListUserTags", UserName=NAME)["Tags"] == []
    assert "Tags" not in iam("GetUser", UserName=NAME)["User"]


def test_a_certificate_that_is_none_is_refused_and_nothing_is_kept(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    iam.refused("UploadSigningCertificate", "MalformedCertificate", UserName=NAME, CertificateBody="no certificate")
    assert iam("ListSigningCertificates", UserName=NAME)["Certificates"] == []


@pytest.mark.parametrize("uploaded", [SSH_KEY, PEM_KEY])
def test_an_ssh_key_is_shown_in_either_encoding(iam: Driver, uploaded: str) -> None:
    iam("CreateUser", UserName=NAME)
    made = iam("UploadSSHPublicKey", UserName=NAME, SSHPublicKeyBody=uploaded)["SSHPublicKey"]
    assert len(made["Fingerprint"].split(":")) == 16
    for encoding, expected in (("SSH", SSH_KEY), ("PEM", PEM_KEY)):
        who = {"UserName": NAME, "SSHPublicKeyId": made["SSHPublicKeyId"]}
        assert iam("GetSSHPublicKey", **who, Encoding=encoding)["SSHPublicKey"]["SSHPublicKeyBody"] == expected


@pytest.mark.parametrize("body", ["ssh-rsa", "ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----", ECDSA_KEY])
def test_an_ssh_key_that_is_not_rsa_is_refused(iam: Driver, body: str) -> None:
    iam("CreateUser", UserName=NAME)
    iam.refused("UploadSSHPublicKey", "InvalidPublicKey", UserName=NAME, SSHPublicKeyBody=body)
    assert iam("ListSSHPublicKeys", UserName=NAME)["SSHPublicKeys"] == []


def test_a_login_profile_keeps_no_password(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    iam("CreateLoginProfile", UserName=NAME, Password="correct horse", PasswordResetRequired=True)
    assert iam("GetLoginProfile", UserName=NAME)["LoginProfile"]["PasswordResetRequired"]
    message = iam.refused("CreateLoginProfile", "EntityAlreadyExists", UserName=NAME, Password="another one")
    assert NAME in message
    iam("UpdateLoginProfile", UserName=NAME, PasswordResetRequired=False)
    assert not iam("GetLoginProfile", UserName=NAME)["LoginProfile"]["PasswordResetRequired"]
    content = b"".join(path.read_bytes() for path in iam.directory.iterdir())
    assert b"correct horse" not in content
    iam("DeleteLoginProfile", UserName=NAME)
    iam.refused("GetLoginProfile", "NoSuchEntity", UserName=NAME)
    iam.refused("DeleteLoginProfile", "NoSuchEntity", UserName=NAME)


def test_mfa_codes_must_be_the_devices_and_follow_each_other(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    made = iam("CreateVirtualMFADevice", VirtualMFADeviceName="phone", Path="/x/")["VirtualMFADevice"]
    assert made["SerialNumber"] == "arn:aws:iam::123456789012:mfa/x/phone"
    seed, step = made["Base32StringSeed"].decode(), int(iam.time.timestamp()) // 30
    for first, second in ((step, step - 1), (step, step), (step - 100, step - 99)):
        codes = {"AuthenticationCode1": code(seed, first), "AuthenticationCode2": code(seed, second)}
        iam.refused(
            "EnableMFADevice", "InvalidAuthenticationCode", UserName=NAME, SerialNumber=made["SerialNumber"], **codes
        )
    assert iam("ListVirtualMFADevices", AssignmentStatus="Unassigned")["VirtualMFADevices"] == [
        {"SerialNumber": made["SerialNumber"]}
    ]


def test_an_enabled_device_cannot_be_deleted_or_enabled_twice(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    serial = enabled_device(iam, NAME)
    iam.refused("DeleteVirtualMFADevice", "DeleteConflict", SerialNumber=serial)
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    iam.refused("EnableMFADevice", "EntityAlreadyExists", UserName=NAME, SerialNumber=serial, **codes)
    assert iam("ListVirtualMFADevices")["VirtualMFADevices"][0]["User"]["UserName"] == NAME
    iam("DeactivateMFADevice", UserName=NAME, SerialNumber=serial)
    iam("DeleteVirtualMFADevice", SerialNumber=serial)
    assert iam("ListVirtualMFADevices")["VirtualMFADevices"] == []


def test_the_codes_are_those_of_rfc_6238() -> None:
    """Source: RFC 6238, appendix B, SHA-1, the last six of its eight digits."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [code(seed, seconds // 30) for seconds in (59, 1_111_111_109, 20_000_000_000)] == [
        "287082",
        "081804",
        "353130",
    ]
