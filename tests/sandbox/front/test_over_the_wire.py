"""Signed requests no client of AWS's makes: another Region, an old date, long bodies, keys as they come."""

import http.client
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws, allow, deny, document

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHOAMI = b"Action=GetCallerIdentity&Version=2011-06-15"


def send(
    sandbox: EmbeddedSandbox,
    method: str,
    target: str,
    *,
    service: str = "s3",
    region: str = "eu-central-1",
    body: bytes = b"",
    key: Credentials | None = None,
    at: datetime | None = None,
) -> tuple[int, str]:
    """Sign the path as AWS canonicalises it, and send it as it is given."""
    root = json.loads((sandbox.directory / "root.json").read_text())
    key = key or Credentials(root["access_key_id"], root["secret_access_key"])
    host = f"127.0.0.1:{sandbox.port}"
    headers = {"Host": host, **(FORM if service != "s3" else {})}
    request = AWSRequest(method, f"http://{host}{quote(target, safe='/~')}", data=body, headers=headers)
    with time_machine.travel(at or datetime.now(UTC), tick=False):
        (S3SigV4Auth if service == "s3" else SigV4Auth)(key, service, region).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=20)
    try:
        connection.request(method, target, body, {name: str(value) for name, value in request.headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_region_is_that_of_the_sandbox(sandbox: EmbeddedSandbox, aws: Aws) -> None:
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": "xx-nowhere-9"}}
    user = aws.make_user(allow("s3:*"), document(*deny("*", Condition=elsewhere)["Statement"]))
    key = Credentials(user["AccessKeyId"], user["SecretAccessKey"])
    status, text = send(sandbox, "GET", "/", key=key)
    assert (status, "AccessDenied" in text) == (403, True), text
    status, text = send(sandbox, "GET", "/", region="xx-nowhere-9", key=key)
    assert (status, "expecting 'eu-central-1'" in text) == (400, True), text
    status, text = send(sandbox, "POST", "/", service="sts", body=WHOAMI, region="xx-nowhere-9")
    assert (status, "SignatureDoesNotMatch" in text) == (403, True), text
    assert send(sandbox, "POST", "/", service="sts", body=WHOAMI, region="us-east-1")[0] == 200


@pytest.mark.parametrize(("service", "code"), [("s3", "RequestTimeTooSkewed"), ("sts", "SignatureDoesNotMatch")])
def test_an_old_signature_is_refused_in_each_services_words(sandbox: EmbeddedSandbox, service: str, code: str) -> None:
    old = datetime.now(UTC) - timedelta(minutes=20)
    method, body = ("GET", b"") if service == "s3" else ("POST", WHOAMI)
    status, text = send(sandbox, method, "/", service=service, body=body, at=old)
    assert (status, f"<Code>{code}</Code>" in text) == (403, True), text


def test_a_key_may_have_an_address_in_it(sandbox: EmbeddedSandbox, aws: Aws) -> None:
    bucket = aws.make_bucket()
    for key in ("x://y/z", "//a//b"):
        status, text = send(sandbox, "PUT", f"/{bucket}/{key}", body=b"x")
        assert status == 200, text
        assert send(sandbox, "GET", f"/{bucket}/{key}") == (200, "x")


def test_bodies_may_be_as_long_as_awss(sandbox: EmbeddedSandbox, aws: Aws) -> None:
    bucket = aws.make_bucket()
    names = [{"Key": "k" * 1018 + f"{number:04d}"} for number in range(1000)]
    answer = aws("s3").delete_objects(Bucket=bucket, Delete={"Objects": names})
    assert len(answer["Deleted"]) == 1000
    body = b"Action=ListUsers&Version=2010-05-08&x=" + b"x" * 3_000_000
    status, text = send(sandbox, "POST", "/", service="iam", body=body)
    assert (status, "<Code>RequestEntityTooLarge</Code>" in text) == (413, True), text
