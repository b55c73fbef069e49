"""Signatures: whatever botocore signs is accepted, and nothing that was changed afterwards."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from grants.sandbox import sigv4
from grants.sandbox.errors import AwsError
from grants.sandbox.sigv4 import SignedRequest

KEY = Credentials("AKIAEXAMPLEEXAMPLE00", "a secret of the tests")
SESSION = Credentials("ASIAEXAMPLEEXAMPLE00", "another secret", "a+token/with=signs")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
WORDS = st.text(st.sampled_from("abz 09-_.~+%/*?=&:;,()'\"é中😀"), max_size=12)


def signed(
    method: str = "GET",
    path: str = "/b/k",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    credentials: Credentials = KEY,
    presigned: int | None = None,
) -> SignedRequest:
    """Sign as botocore does, and give the request as the front reads it."""
    written = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in (query or {}).items())
    url = f"http://127.0.0.1:8333{quote(path, safe='/~')}" + (f"?{written}" if written else "")
    request = AWSRequest(method, url, data=body, headers={"Host": "127.0.0.1:8333", **(headers or {})})
    if presigned is None:
        S3SigV4Auth(credentials, "s3", "eu-central-1").add_auth(request)
    else:
        S3SigV4QueryAuth(credentials, "s3", "eu-central-1", expires=presigned).add_auth(request)
    return as_received(request)


def as_received(request: AWSRequest, body_hash: str | None = None) -> SignedRequest:
    target = urlsplit(request.url)
    headers = {name.lower(): [str(value)] for name, value in request.headers.items()}
    return SignedRequest(
        method=request.method, path=target.path, query=target.query, headers=headers, body_hash=body_hash
    )


def changed(request: SignedRequest, **parts: object) -> SignedRequest:
    names = ("method", "path", "query", "headers", "body_hash")
    return SignedRequest(**{**{name: getattr(request, name) for name in names}, **parts})


def verdict(request: SignedRequest, secret: str = KEY.secret_key, now: datetime | None = None) -> str | None:
    """Give the error code, or None when the signature is good."""
    try:
        found = sigv4.read(request)
        assert found is not None
        sigv4.verify(found, request, secret, now or datetime.now(UTC))
    except AwsError as error:
        return error.code
    return None


@settings(max_examples=300, deadline=None)
@given(
    path=TEXT | WORDS,
    query=st.dictionaries(WORDS.filter(bool), WORDS, max_size=4),
    headers=st.dictionaries(st.sampled_from(["x-amz-meta-a", "x-amz-acl", "content-type"]), WORDS.map(str.strip)),
    body=st.binary(max_size=20),
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
)
def test_what_botocore_signs_is_accepted(
    path: str, query: dict[str, str], headers: dict[str, str], body: bytes, method: str
) -> None:
    assert verdict(signed(method, f"/b/{path}", query, headers, body)) is None


@settings(max_examples=150, deadline=None)
@given(path=TEXT | WORDS, query=st.dictionaries(WORDS.filter(bool), WORDS, max_size=3))
def test_what_botocore_presigns_is_accepted(path: str, query: dict[str, str]) -> None:
    assert verdict(signed(path=f"/b/{path}", query=query, presigned=60)) is None


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=60), changed_to=st.binary(max_size=60))
def test_the_control_planes_bodies_are_signed(body: bytes, changed_to: bytes) -> None:
    request = AWSRequest("POST", "http://127.0.0.1:8333/", data=body, headers={"Host": "127.0.0.1:8333"})
    SigV4Auth(KEY, "iam", "us-east-1").add_auth(request)
    received = as_received(request, hashlib.sha256(changed_to).hexdigest())
    assert verdict(received) == (None if body == changed_to else "SignatureDoesNotMatch")


def test_nothing_that_is_signed_may_change() -> None:
    request = signed("PUT", "/b/own/k", {"prefix": "a"}, {"x-amz-acl": "private"})
    headers = dict(request.headers)
    for other in (
        changed(request, method="DELETE"),
        changed(request, path="/b/other/k"),
        changed(request, path="/b/own/k/"),
        changed(request, path="/b/own%2Fk2"),
        changed(request, query="prefix=b"),
        changed(request, query=""),
        changed(request, query="prefix=a&acl="),
        changed(request, headers={**headers, "x-amz-acl": ["public-read"]}),
        changed(request, headers={**headers, "host": ["elsewhere"]}),
        changed(request, headers={**headers, "x-amz-content-sha256": ["UNSIGNED-PAYLOAD"]}),
    ):
        assert verdict(other) == "SignatureDoesNotMatch"
    assert verdict(request, secret="another") == "SignatureDoesNotMatch"


def test_a_header_of_amazons_must_be_signed() -> None:
    request = signed("PUT")
    added = changed(request, headers={**request.headers, "x-amz-copy-source": ["other/key"]})
    assert verdict(added) == "AccessDenied"
    twice = changed(request, headers={**request.headers, "x-amz-date": [*request.headers["x-amz-date"], "x"]})
    assert verdict(twice) == "AuthorizationHeaderMalformed"


def test_a_signature_is_good_for_fifteen_minutes() -> None:
    request, now = signed(), datetime.now(UTC)
    for minutes, expected in ((14, None), (-14, None), (16, "RequestTimeTooSkewed"), (-16, "RequestTimeTooSkewed")):
        assert verdict(request, now=now + timedelta(minutes=minutes)) == expected


def test_a_presigned_url_is_good_as_long_as_it_says() -> None:
    request, now = signed(presigned=60), datetime.now(UTC)
    assert verdict(request, now=now + timedelta(seconds=50)) is None
    assert verdict(request, now=now + timedelta(seconds=62)) == "AccessDenied"
    assert verdict(request, now=now - timedelta(minutes=20)) == "AccessDenied"
    for seconds in (604_801, -1, 10**30):
        assert verdict(signed(presigned=seconds)) == "AuthorizationQueryParametersError"


def test_a_session_token_is_part_of_the_signature() -> None:
    for request in (signed(credentials=SESSION), signed(credentials=SESSION, presigned=60)):
        found = sigv4.read(request)
        assert found is not None
        assert found.session_token == SESSION.token
        assert verdict(request, SESSION.secret_key) is None
    request = signed(credentials=SESSION)
    stolen = changed(request, headers={**request.headers, "x-amz-security-token": ["another"]})
    assert verdict(stolen, SESSION.secret_key) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("AWS AKIA:c2lnbmF0dXJl", "InvalidRequest"),
        ("AWS4-HMAC-SHA256 nonsense", "AuthorizationHeaderMalformed"),
        ("Bearer x", "AuthorizationHeaderMalformed"),
        (
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=x",
            "AuthorizationHeaderMalformed",
        ),
    ],
)
def test_other_authorizations_are_refused(authorization: str, code: str) -> None:
    request = signed()
    assert verdict(changed(request, headers={**request.headers, "authorization": [authorization]})) == code


def test_two_ways_to_sign_are_one_too_many() -> None:
    request = signed(presigned=60)
    both = changed(request, headers={**request.headers, "authorization": ["AWS4-HMAC-SHA256 x"]})
    assert verdict(both) == "InvalidArgument"


@pytest.mark.parametrize("name", ["Credential", "SignedHeaders", "Signature"])
def test_what_is_not_ascii_is_refused_and_breaks_nothing(name: str) -> None:
    request = signed(presigned=60)
    query = request.query.replace(f"X-Amz-{name}=", f"X-Amz-{name}=%FF")
    assert verdict(changed(request, query=query)) == "AuthorizationQueryParametersError"
    request = signed()
    authorization = request.headers["authorization"][0].replace(f"{name}=", f"{name}=\udcff")
    assert verdict(changed(request, headers={**request.headers, "authorization": [authorization]})) == (
        "AuthorizationHeaderMalformed"
    )


def test_an_unsigned_request_has_no_signature() -> None:
    assert sigv4.read(SignedRequest(method="GET", path="/", query="", headers={"host": ["x"]})) is None
