"""The sandbox's own interface: its token, its clock, its knobs and its log."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from grants.sandbox.control_client import SandboxControl, SandboxControlError
from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws, allow, refusal


def test_nothing_is_told_or_turned_without_the_token(sandbox: EmbeddedSandbox) -> None:
    for token in ("", "x" * 43):
        with pytest.raises(SandboxControlError, match=r"control\.json"):
            SandboxControl(sandbox.endpoint_url, token).health()


def test_the_clock_moves_and_comes_back(sandbox: EmbeddedSandbox) -> None:
    assert sandbox.control.move_clock(3600)["offset_seconds"] == 3600
    assert sandbox.control.clock()["offset_seconds"] == 3600
    sandbox.control.move_clock(0)


def test_knobs_are_named(sandbox: EmbeddedSandbox) -> None:
    assert sandbox.control.set_knobs(list_lag=2.5)["list_lag"] == 2.5
    sandbox.control.set_knobs(list_lag=0)
    with pytest.raises(SandboxControlError, match=r"there are .*list_lag"):
        sandbox.control.set_knobs(lost_lag=1)


def test_a_wrong_body_is_answered_with_a_sentence(sandbox: EmbeddedSandbox) -> None:
    control = json.loads((sandbox.directory / "control.json").read_text())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for path, body in (
        ("clock", b"{"),
        ("clock", b"{}"),
        ("clock", b"[]"),
        ("knobs", b"[]"),
        ("faults", b"3"),
        ("nothing", b""),
    ):
        request = urllib.request.Request(
            f"{sandbox.endpoint_url}/_sandbox/{path}",
            method="POST" if path == "faults" else "PUT",
            data=body,
            headers={"X-Sandbox-Token": control["token"]},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener.open(request, timeout=5)
        with refused.value as answer:
            assert refused.value.code in {400, 404}
            assert json.loads(answer.read())["error"]


@pytest.mark.parametrize("knobs", [{"list_lag": -1}, {"list_lag": float("inf")}, {"secure_transport": "false"}])
def test_a_knob_is_turned_whole_or_not_at_all(sandbox: EmbeddedSandbox, knobs: dict[str, Any]) -> None:
    before = sandbox.control.knobs()
    with pytest.raises(SandboxControlError):
        sandbox.control.set_knobs(key_lag=5, **knobs)
    assert sandbox.control.knobs() == before


@pytest.mark.parametrize("seconds", [1e20, 3e11, -3e11, float("nan")])
def test_the_clock_stays_where_there_is_time(aws: Aws, sandbox: EmbeddedSandbox, seconds: float) -> None:
    with pytest.raises(SandboxControlError):
        sandbox.control.move_clock(seconds)
    assert sandbox.control.clock()["offset_seconds"] == 0
    assert aws("sts").get_caller_identity()["Account"] == aws.account


def test_the_log_names_objects_and_policies(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    bucket, user = aws.make_bucket(), aws.make_user()
    sandbox.control.clear_calls()
    aws("s3").put_object(Bucket=bucket, Key="a b/é", Body=b"")
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    aws("iam").attach_user_policy(UserName=user["UserName"], PolicyArn=arn)
    put, attached = (call["parameters"] for call in sandbox.control.calls())
    assert put == {"Bucket": bucket, "Key": "a b/é"}
    assert attached == {"UserName": user["UserName"], "PolicyArn": arn}


def test_the_log_tells_who_asked_what_and_keeps_no_secrets(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    user = aws.make_user()
    sandbox.control.clear_calls()
    assert refusal(aws("iam", user).get_user, UserName="somebody") == "AccessDenied"
    aws("iam").create_login_profile(UserName=user["UserName"], Password="never to be seen")
    refused, made = sandbox.control.calls(service="iam")
    assert (refused["operation"], refused["caller"], refused["outcome"]) == ("GetUser", user["Arn"], "AccessDenied")
    assert refused["parameters"] == {"UserName": "somebody"}
    assert (made["operation"], made["outcome"], made["status"]) == ("CreateLoginProfile", "OK", 200)
    assert "never to be seen" not in json.dumps(sandbox.control.calls())
    assert user["SecretAccessKey"] not in json.dumps(sandbox.control.calls())


def test_files_with_secrets_are_for_the_owner_alone(sandbox: EmbeddedSandbox) -> None:
    for name in ("root.json", "control.json", "env", "sandbox.sqlite3"):
        assert (sandbox.directory / name).stat().st_mode & 0o077 == 0, name


def test_the_connection_may_count_as_insecure(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    secure = {"Bool": {"aws:SecureTransport": "true"}}
    user = aws.make_user(allow("s3:ListAllMyBuckets", Condition=secure))
    assert refusal(aws("s3", user).list_buckets) is None
    sandbox.control.set_knobs(secure_transport=False)
    assert refusal(aws("s3", user).list_buckets) == "AccessDenied"


def test_a_new_key_may_take_a_while(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    sandbox.control.set_knobs(key_lag=60)
    user = aws.make_user(allow("s3:ListAllMyBuckets"))
    assert refusal(aws("s3", user).list_buckets) == "InvalidAccessKeyId"
    assert refusal(aws("sts", user).get_caller_identity) == "InvalidClientTokenId"
    sandbox.control.move_clock(61)
    assert refusal(aws("s3", user).list_buckets) is None
