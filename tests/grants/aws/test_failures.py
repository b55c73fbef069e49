"""Calls that fail on the way: whoever changes something learns what AWS said, or that nobody knows."""

from typing import Any

import pytest

from cellenium_admin.core import aws as core_aws
from grants.aws.errors import (
    AwsError,
    AwsExistsError,
    AwsNotFoundError,
    AwsRefusedError,
    AwsThrottledError,
    AwsUnknownOutcomeError,
)
from grants.aws.factory import connect_anew
from grants.aws.gateway import Aws
from grants.sandbox.embedded import EmbeddedSandbox
from tests.grants.aws.conftest import Place
from tests.support.sandbox import Aws as Sandbox

PATH = "/cellenium-admin/"
LOST = [
    {"kind": "reset"},
    {"kind": "error", "code": "ServiceFailure", "status": 500},
    {"kind": "status", "status": 503, "code": "ServiceUnavailable"},
]


def fault(operation: str, **more: Any) -> dict[str, Any]:
    return {"service": "iam", "operation": operation, **more}


@pytest.mark.parametrize("more", LOST, ids=["reset", "500", "503"])
@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_an_answer_that_never_came(
    sandbox: EmbeddedSandbox, gateway: Aws, aws: Sandbox, more: dict[str, Any], when: str, done: bool
) -> None:
    name = aws.name("user")
    sandbox.control.faults([fault("CreateUser", when=when, **more)])
    with pytest.raises(AwsUnknownOutcomeError) as unknown:
        gateway.iam.create_user(name, PATH, {})
    assert unknown.value.operation == "CreateUser"
    assert (gateway.iam.user(name) is not None) == done


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_an_answer_that_took_too_long(
    sandbox: EmbeddedSandbox,
    aws_environment: None,
    aws: Sandbox,
    when: str,
    done: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(core_aws, "READ_SECONDS", 1)
    gateway, name = connect_anew(), aws.name("user")
    gateway.iam.user(name)
    sandbox.control.faults([fault("CreateUser", when=when, kind="timeout", seconds=2)])
    with pytest.raises(AwsUnknownOutcomeError) as unknown:
        gateway.iam.create_user(name, PATH, {})
    assert "ReadTimeoutError" in unknown.value.message
    monkeypatch.setattr(core_aws, "READ_SECONDS", 30)
    assert (connect_anew().iam.user(name) is not None) == done


def test_a_change_is_tried_once_and_a_question_again(
    sandbox: EmbeddedSandbox, gateway: Aws, aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    name = aws.name("user")
    sandbox.control.clear_calls()
    sandbox.control.faults([fault("CreateUser", status=500, times=9), fault("GetUser", status=500, times=2)])
    with pytest.raises(AwsUnknownOutcomeError):
        gateway.iam.create_user(name, PATH, {})
    assert gateway.iam.user(name) is None
    assert len(sandbox.control.calls(operation="CreateUser")) == 1
    assert len(sandbox.control.calls(operation="GetUser")) == 3


def test_a_key_whose_answer_was_lost_is_there(sandbox: EmbeddedSandbox, gateway: Aws, aws: Sandbox) -> None:
    name = aws.name("user")
    gateway.iam.create_user(name, PATH, {})
    sandbox.control.faults([fault("CreateAccessKey", when="after", kind="reset")])
    with pytest.raises(AwsUnknownOutcomeError):
        gateway.iam.create_key(name)
    assert len(gateway.iam.keys(name)) == 1


def test_what_was_done_after_all_exists(sandbox: EmbeddedSandbox, place: Place, aws: Sandbox) -> None:
    user = aws.make_user()["Arn"]
    sandbox.control.faults(
        [{"service": "s3control", "operation": "CreateAccessGrant", "when": "after", "kind": "reset"}]
    )
    with pytest.raises(AwsUnknownOutcomeError):
        place.grant(user)
    with pytest.raises(AwsExistsError):
        place.grant(user)
    grant = next(place.gateway.access_grants.grants(grantee=user))
    sandbox.control.clear_faults()
    sandbox.control.faults(
        [{"service": "s3control", "operation": "DeleteAccessGrant", "when": "after", "kind": "reset"}]
    )
    with pytest.raises(AwsUnknownOutcomeError):
        place.gateway.access_grants.delete_grant(grant.id)
    with pytest.raises(AwsNotFoundError):
        place.gateway.access_grants.delete_grant(grant.id)


@pytest.mark.parametrize("service", ["iam", "sts", "s3control", "s3"])
def test_throttling_is_told_at_once_of_changes(
    sandbox: EmbeddedSandbox, gateway: Aws, aws: Sandbox, service: str
) -> None:
    changes = {
        "iam": lambda: gateway.iam.create_user(aws.name("user"), PATH, {}),
        "sts": lambda: gateway.sts.assume_role("arn:aws:iam::1:role/r", session_name="xx", duration_seconds=900),
        "s3control": lambda: gateway.access_grants.delete_grant("x"),
        "s3": lambda: gateway.buckets.create(aws.name("bucket")),
    }
    sandbox.control.clear_calls()
    sandbox.control.faults([{"service": service, "kind": "throttle"}])
    with pytest.raises(AwsThrottledError) as throttled:
        changes[service]()
    assert throttled.value.request_id
    assert len(sandbox.control.calls(service=service)) == 1


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "InvalidClientTokenId"])
def test_a_refusal_is_never_an_absence(sandbox: EmbeddedSandbox, gateway: Aws, code: str) -> None:
    sandbox.control.faults(
        [{"service": service, "code": code, "status": 403, "times": 99} for service in ("iam", "s3control", "s3")]
    )
    questions = [
        lambda: gateway.iam.user("x"),
        lambda: gateway.iam.role("x"),
        lambda: gateway.iam.group_path("x"),
        lambda: gateway.iam.role_policy("x", "y"),
        gateway.access_grants.instance,
        lambda: gateway.access_grants.location("x"),
        lambda: gateway.access_grants.grant("x"),
        lambda: gateway.buckets.bucket("xxx"),
        lambda: gateway.buckets.policy("xxx"),
    ]
    for ask in questions:
        with pytest.raises(AwsRefusedError) as refused:
            ask()
        assert refused.value.code == code


def test_errors_bring_nothing_of_botocores_with_them(sandbox: EmbeddedSandbox, gateway: Aws) -> None:
    sandbox.control.faults([fault("CreateAccessKey", when="after", kind="reset")])
    with pytest.raises(AwsError) as failed:
        gateway.iam.create_key("nobody-here")
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None
