"""What comes in over the wire: proxies, strange requests, and answers to those who sign nothing."""

import http.client
import socket

import pytest

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws


def ask(sandbox: EmbeddedSandbox, method: str, target: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    try:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_as_a_proxy_it_serves_s3_control_alone(sandbox: EmbeddedSandbox) -> None:
    status, text = ask(sandbox, "GET", "http://example.org/")
    assert status == 502
    assert "NO_PROXY" in text
    target = f"http://{sandbox.account}.s3-control.sandbox.internal/v20180820/accessgrantsinstance"
    status, text = ask(sandbox, "GET", target, **{"x-amz-account-id": sandbox.account})
    assert (status, "MissingAuthenticationToken" in text) == (403, True)


def test_a_connect_is_no_tunnel(sandbox: EmbeddedSandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        connection.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
        assert b" 200 " not in connection.recv(4096).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/", 403, "AccessDenied"),
        ("GET", "/some-bucket/key", 403, "AccessDenied"),
        ("GET", "/some-bucket?acl&policy", 400, "InvalidArgument"),
        ("GET", "/some-bucket?AWSAccessKeyId=A&Signature=s&Expires=1", 501, "NotImplemented"),
        ("PATCH", "/some-bucket/key", 405, "MethodNotAllowed"),
    ],
)
def test_who_signs_nothing_is_nobody(
    sandbox: EmbeddedSandbox, method: str, target: str, status: int, code: str
) -> None:
    found, text = ask(sandbox, method, target)
    assert (found, f"<Code>{code}</Code>" in text) == (status, True), text


def test_an_unknown_action_is_named(sandbox: EmbeddedSandbox, aws: Aws) -> None:
    aws("iam").meta.events.register_first("before-call.iam.ListUsers", _rename)
    try:
        with pytest.raises(aws("iam").exceptions.ClientError) as refused:
            aws("iam").list_users()
    finally:
        aws("iam").meta.events.unregister("before-call.iam.ListUsers", _rename)
    assert refused.value.response["Error"]["Code"] == "InvalidAction"
    assert "MakeCoffee" in refused.value.response["Error"]["Message"]


def _rename(params: dict[str, dict[str, str]], **_: object) -> None:
    params["body"]["Action"] = "MakeCoffee"


def test_every_answer_has_a_request_id(aws: Aws) -> None:
    for answer in (aws("iam").list_users(), aws("sts").get_caller_identity(), aws("s3").list_buckets()):
        assert len(answer["ResponseMetadata"]["RequestId"]) == 16
