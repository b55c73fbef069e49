"""The fault plan, as boto3 meets it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from grants.sandbox.control_client import SandboxControlError
from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws, refusal


@pytest.fixture(autouse=True)
def without_faults(sandbox: EmbeddedSandbox) -> Iterator[None]:
    yield
    sandbox.control.clear_faults()


def test_the_nth_call_fails_and_is_not_carried_out(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    fault = {"service": "iam", "operation": "CreateUser", "nth": 2, "code": "ServiceFailure", "status": 500}
    sandbox.control.faults([fault])
    iam, names = aws("iam"), [aws.name("user") for _ in range(3)]
    assert [refusal(iam.create_user, UserName=name) for name in names] == [None, "ServiceFailure", None]
    assert [refusal(iam.get_user, UserName=name) for name in names] == [None, "NoSuchEntity", None]


def test_a_call_may_be_carried_out_and_its_answer_lost(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    sandbox.control.faults([{"service": "iam", "operation": "CreateUser", "when": "after", "kind": "reset"}])
    name = aws.name("user")
    with pytest.raises(ConnectionClosedError):
        aws("iam").create_user(UserName=name)
    assert refusal(aws("iam").get_user, UserName=name) is None
    assert refusal(aws("iam").create_user, UserName=name) == "EntityAlreadyExists"


def test_an_answer_may_take_too_long(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    sandbox.control.faults([{"service": "sts", "operation": "*", "kind": "timeout", "seconds": 3}])
    patient = aws("sts", config=Config(read_timeout=0.3, retries={"total_max_attempts": 1}))
    with pytest.raises(ReadTimeoutError):
        patient.get_caller_identity()
    assert patient.get_caller_identity()["Account"] == aws.account


@pytest.mark.parametrize("kind", ["reset", "error", "timeout"])
def test_an_object_may_be_stored_and_its_answer_lost(aws: Aws, sandbox: EmbeddedSandbox, kind: str) -> None:
    bucket, client = aws.make_bucket(), aws("s3", config=Config(max_pool_connections=1))
    sandbox.control.faults(
        [{"service": "s3", "operation": "PutObject", "when": "after", "kind": kind, "seconds": 0.1, "status": 500}]
    )
    with pytest.raises((ClientError, ConnectionClosedError)):
        client.put_object(Bucket=bucket, Key="k", Body=b"kept")
    # The connection brings no answer of a call before.
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
def test_a_long_answer_may_be_lost(aws: Aws, sandbox: EmbeddedSandbox, operation: str) -> None:
    bucket, client = aws.make_bucket(), aws("s3")
    client.put_object(Bucket=bucket, Key="k", Body=b"x" * 1_000_000)
    sandbox.control.faults([{"service": "s3", "operation": operation, "when": "after", "kind": "reset"}])
    ask = client.get_object if operation == "GetObject" else client.head_object
    with pytest.raises(ConnectionClosedError):
        ask(Bucket=bucket, Key="k")
    assert ask(Bucket=bucket, Key="k")["ContentLength"] == 1_000_000


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("iam", "list_users", "Throttling", 400),
        ("sts", "get_caller_identity", "Throttling", 400),
        ("s3", "list_buckets", "SlowDown", 503),
    ],
)
def test_throttling_has_each_services_own_words(
    aws: Aws, sandbox: EmbeddedSandbox, service: str, call: str, code: str, status: int
) -> None:
    sandbox.control.faults([{"service": service, "kind": "throttle", "times": 2}])
    ask: Any = getattr(aws(service), call)
    assert refusal(ask) == code
    assert sandbox.control.calls(service=service)[-1]["status"] == status
    assert refusal(ask) == code
    assert refusal(ask) is None


def test_boto3s_retries_get_through(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    sandbox.control.faults([{"service": "s3", "operation": "PutObject", "kind": "status", "status": 503, "times": 2}])
    bucket = aws.make_bucket()
    client = aws("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    client.put_object(Bucket=bucket, Key="k", Body=b"x" * 1000)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x" * 1000


def test_a_list_may_come_in_smaller_pages_than_asked_for(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    names = {aws.make_user()["UserName"] for _ in range(3)}
    sandbox.control.faults([{"service": "iam", "operation": "ListUsers", "kind": "partial_page", "page_size": 1}])
    first = aws("iam").list_users()
    assert first["IsTruncated"]
    assert len(first["Users"]) == 1
    rest = aws("iam").list_users(Marker=first["Marker"])
    assert names <= {user["UserName"] for user in first["Users"] + rest["Users"]}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "nonsense"},
        {"when": "sometimes"},
        {"nth": 0},
        {"operatoin": "CreateUser"},
        {"service": "sts", "kind": "partial_page"},
        {"service": "stss"},
        {"kind": "timeout", "seconds": "long"},
        {"nth": "2"},
        {"status": 200},
    ],
)
def test_a_fault_that_could_never_strike_is_refused(sandbox: EmbeddedSandbox, fault: dict[str, Any]) -> None:
    with pytest.raises(SandboxControlError):
        sandbox.control.faults([{"service": "iam"}, fault])
    assert sandbox.control.faults() == []
