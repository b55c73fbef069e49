"""IAM users, their keys, and all that must go before them."""

import json
import time
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from grants.aws.errors import AwsExistsError, AwsInvalidError, AwsNotFoundError, AwsNotSettledError, AwsQuotaError
from grants.aws.gateway import Aws, UserBelongings
from grants.sandbox.iam.mfa import code
from tests.sandbox.iam.test_deletion import SSH_KEY, certificate
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow

PATH = "/cellenium-admin/"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_a_user_comes_and_goes(gateway: Aws, aws: Sandbox) -> None:
    name, iam = aws.name("user"), gateway.iam
    assert iam.user(name) is None
    made, receipt = iam.create_user(name, PATH, {"opkey": "1"})
    assert (made.name, made.path, made.arn) == (name, PATH, f"arn:aws:iam::{gateway.account}:user{PATH}{name}")
    assert made.unique_id.startswith("AIDA")
    assert (receipt.status, receipt.attempts) == (200, 1)
    assert receipt.request_id
    assert iam.user(name) == made
    assert made in list(iam.users(PATH))
    assert made not in list(iam.users("/elsewhere/"))
    assert iam.user_tags(name) == {"opkey": "1"}
    assert iam.tag_user(name, {"opkey": "2", "more": "x"}).request_id
    assert iam.user_tags(name) == {"opkey": "2", "more": "x"}
    with pytest.raises(AwsExistsError):
        iam.create_user(name, PATH, {})
    assert iam.delete_user(name).request_id
    assert iam.user(name) is None
    for ask in (iam.delete_user, iam.user_tags, iam.keys, iam.groups_of, iam.user_belongings):
        with pytest.raises(AwsNotFoundError):
            ask(name)


def test_keys_of_a_user(gateway: Aws, aws: Sandbox) -> None:
    name, iam = aws.name("user"), gateway.iam
    iam.create_user(name, PATH, {})
    assert iam.keys(name) == []
    one, receipt = iam.create_key(name)
    assert receipt.request_id
    assert one.id.startswith("AKIA")
    assert one.secret.reveal() not in f"{one!r} {receipt!r}"
    assert [(key.id, key.status) for key in iam.keys(name)] == [(one.id, "Active")]
    iam.set_key_active(name, one.id, active=False)
    assert [key.status for key in iam.keys(name)] == ["Inactive"]
    iam.set_key_active(name, one.id, active=True)
    two, _ = iam.create_key(name)
    with pytest.raises(AwsQuotaError):
        iam.create_key(name)
    iam.delete_key(name, one.id)
    assert [key.id for key in iam.keys(name)] == [two.id]
    with pytest.raises(AwsNotFoundError):
        iam.delete_key(name, one.id)
    with pytest.raises(AwsNotFoundError):
        iam.set_key_active(name, one.id, active=True)


def test_when_a_key_was_used_last(gateway: Aws, aws: Sandbox) -> None:
    user = aws.make_user()
    assert gateway.iam.key_last_used(user["AccessKeyId"]) is None
    aws("sts", user).get_caller_identity()
    used = gateway.iam.key_last_used(user["AccessKeyId"])
    assert used is not None
    assert abs((datetime.now(UTC) - used).total_seconds()) < 600


def furnish(aws: Sandbox) -> tuple[str, UserBelongings]:
    """Make a user with one of everything, by boto3."""
    iam, name, group = aws("iam"), aws.name("user"), aws.name("group")
    iam.create_user(UserName=name)
    iam.create_login_profile(UserName=name, Password="correct horse")
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(allow("s3:*")))
    iam.attach_user_policy(UserName=name, PolicyArn=READ_ONLY)
    service = iam.create_service_specific_credential(UserName=name, ServiceName="codecommit.amazonaws.com")
    ssh = iam.upload_ssh_public_key(UserName=name, SSHPublicKeyBody=SSH_KEY)["SSHPublicKey"]
    signing = iam.upload_signing_certificate(UserName=name, CertificateBody=certificate())["Certificate"]
    return name, UserBelongings(
        keys=(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"],),
        groups=(group,),
        inline_policies=("own",),
        attached_policies=(READ_ONLY,),
        login_profile=True,
        mfa_devices=(enable_device(iam, name),),
        ssh_keys=(ssh["SSHPublicKeyId"],),
        signing_certificates=(signing["CertificateId"],),
        service_credentials=(service["ServiceSpecificCredential"]["ServiceSpecificCredentialId"],),
    )


def enable_device(iam: Any, user: str) -> str:
    """Make a virtual MFA device and enable it as a person with an authenticator does."""
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
    seed, step, serial = made["Base32StringSeed"].decode(), int(time.time()) // 30, made["SerialNumber"]
    codes = {"AuthenticationCode1": code(seed, step - 1), "AuthenticationCode2": code(seed, step)}
    iam.enable_mfa_device(UserName=user, SerialNumber=serial, **codes)
    return str(serial)


def test_all_that_belongs_to_a_user_is_listed_and_removed(gateway: Aws, aws: Sandbox) -> None:
    name, had = furnish(aws)
    assert gateway.iam.user_belongings(name) == had
    in_order = list(had.in_order())
    assert len(in_order) == len(fields(UserBelongings))
    for kind, identity in in_order:
        with pytest.raises(AwsNotSettledError) as refused:
            gateway.iam.delete_user(name)
        assert refused.value.code == "DeleteConflict"
        assert gateway.iam.remove_belonging(name, kind, identity).request_id
    assert gateway.iam.user_belongings(name) == UserBelongings()
    gateway.iam.delete_user(name)
    assert had.mfa_devices[0] not in devices(aws)


def devices(aws: Sandbox) -> list[str]:
    pages = aws("iam").get_paginator("list_virtual_mfa_devices").paginate()
    return [device["SerialNumber"] for page in pages for device in page["VirtualMFADevices"]]


def test_a_device_left_half_removed_is_removed_by_the_next_attempt(gateway: Aws, aws: Sandbox) -> None:
    name, had = furnish(aws)
    serial = had.mfa_devices[0]
    aws("iam").deactivate_mfa_device(UserName=name, SerialNumber=serial)
    assert serial in devices(aws)
    gateway.iam.remove_belonging(name, "mfa_device", serial)
    assert serial not in devices(aws)
    with pytest.raises(AwsNotFoundError):
        gateway.iam.remove_belonging(name, "mfa_device", serial)


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        ("key", "AKIAIOSFODNN7EXAMPLE"),
        ("group", "nobody"),
        ("inline_policy", "none"),
        ("attached_policy", READ_ONLY),
        ("login_profile", "login profile"),
        ("mfa_device", "arn:aws:iam::123456789012:mfa/nobody"),
        ("mfa_device", "GAHT12345678"),
        ("ssh_key", "APKAEXAMPLEEXAMPLE22"),
        ("signing_certificate", "TA7SMP42TDN5Z26OBPJE7EXAMPLE"),
        ("service_credential", "ACCAEXAMPLEEXAMPLE22"),
    ],
)
def test_what_is_gone_is_not_found(gateway: Aws, aws: Sandbox, kind: str, identity: str) -> None:
    user = aws.make_user()["UserName"]
    with pytest.raises(AwsNotFoundError):
        gateway.iam.remove_belonging(user, kind, identity)


def test_a_kind_that_is_none_is_named(gateway: Aws) -> None:
    with pytest.raises(ValueError, match=r"'house'.*use mfa_device or key, group"):
        gateway.iam.remove_belonging("user", "house", "x")


def test_a_name_iam_does_not_take_is_invalid(gateway: Aws) -> None:
    with pytest.raises(AwsInvalidError):
        gateway.iam.create_user("not a name", PATH, {})
    # Without a name IAM would take the caller's own.
    with pytest.raises(AwsInvalidError):
        gateway.iam.user("")
