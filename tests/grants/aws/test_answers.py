"""Answers that are none: what stands between us and AWS may answer too, and connections break in the middle."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from grants.aws.access_grants import Boto3AccessGrants
from grants.aws.calls import Caller
from grants.aws.errors import AwsError, AwsUnknownOutcomeError
from grants.aws.iam import Boto3Iam

CANARY = "canarysecret"
KEY = (
    "<CreateAccessKeyResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><CreateAccessKeyResult><AccessKey>"
    f"<UserName>u</UserName><AccessKeyId>AKIA</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>"
)
PAGE = "<html><body>Please sign in to this network.</body></html>"
Say = Callable[[int, str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Iterator[Say]:
    """Stand where AWS should, and answer every request as told."""
    told: dict[str, tuple[int, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = told["answer"]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PUT = answer  # noqa: N815 -- http.server's names

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    variables = {
        "AWS_ENDPOINT_URL": address,
        # The account's number comes before the name: the proxy is the way to it.
        "AWS_ENDPOINT_URL_S3_CONTROL": "http://s3-control.example.org",
        "HTTP_PROXY": address,
        "http_proxy": address,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    yield lambda status, text: told.update(answer=(status, text.encode()))
    server.shutdown()
    server.server_close()


@pytest.fixture
def iam(say: Say) -> Boto3Iam:
    return Boto3Iam(Caller("iam", region="eu-central-1"))


@pytest.fixture
def grants(say: Say) -> Boto3AccessGrants:
    return Boto3AccessGrants(Caller("s3control", region="eu-central-1"), "123456789012")


def test_a_key_that_breaks_off_is_unknown_and_not_told(
    say: Say, iam: Boto3Iam, caplog: pytest.LogCaptureFixture
) -> None:
    say(200, KEY)
    with pytest.raises(AwsUnknownOutcomeError) as unknown:
        iam.create_key("u")
    assert "ResponseParserError" in unknown.value.message
    assert CANARY not in f"{unknown.value!r} {unknown.value.args} {caplog.text}"
    assert unknown.value.__context__ is None


@pytest.mark.parametrize("text", [PAGE, "", "<ListAccessGrantsResult></ListAccessGrantsResult>"])
def test_a_page_of_the_networks_is_no_empty_listing(say: Say, grants: Boto3AccessGrants, text: str) -> None:
    say(200, text)
    with pytest.raises(AwsUnknownOutcomeError):
        list(grants.grants())
    with pytest.raises(AwsUnknownOutcomeError):
        list(grants.locations())


@pytest.mark.parametrize("text", [PAGE, "", "Not Found", "<Error><Code>NoSuchAccessGrantError</Code></Error>"])
def test_a_wrong_address_is_no_absence(say: Say, grants: Boto3AccessGrants, iam: Boto3Iam, text: str) -> None:
    say(404, text)
    questions: list[Callable[[], object]] = [
        grants.instance,
        lambda: grants.grant("x"),
        lambda: grants.delete_grant("x"),
        lambda: iam.user("u"),
    ]
    for ask in questions:
        with pytest.raises(AwsError) as failed:
            ask()
        assert type(failed.value).__name__ in {"AwsInvalidError", "AwsUnknownOutcomeError"}


def test_a_key_of_nobodys_is_unknown(say: Say, iam: Boto3Iam) -> None:
    say(200, PAGE)
    with pytest.raises(AwsUnknownOutcomeError):
        iam.create_key("u")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_that_gives_up_leaves_it_open(say: Say, iam: Boto3Iam, status: int) -> None:
    say(status, PAGE)
    with pytest.raises(AwsUnknownOutcomeError):
        iam.create_key("u")
