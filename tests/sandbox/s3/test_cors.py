"""Pages of another origin: what a bucket's rules let a browser do, and that nothing is let without them.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors-troubleshooting.html
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, refusal

PAGE = "http://127.0.0.1:8123"
RULE = {
    "AllowedMethods": ["GET", "PUT"],
    "AllowedOrigins": ["http://127.0.0.1:*"],
    "AllowedHeaders": ["content-type", "x-amz-*"],
    "ExposeHeaders": ["ETag", "x-amz-checksum-sha256"],
    "MaxAgeSeconds": 300,
}


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def ask(url: str, origin: str | None = PAGE, method: str | None = "PUT", headers: str = "") -> requests.Response:
    """Ask what a browser asks before a request."""
    given = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers or None,
    }
    return requests.options(url, headers={name: value for name, value in given.items() if value}, timeout=30)


def error(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


def allowances(headers: Mapping[str, str]) -> list[str]:
    return [name for name in headers if name.lower().startswith("access-control-")]


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    name = aws.make_bucket()
    aws("s3").put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [RULE]})
    return name


@pytest.fixture
def link(aws: Aws, bucket: str) -> str:
    """Give a presigned URL of a put, with the checksum of the bytes signed."""
    signed = {"Bucket": bucket, "Key": "input/a b", "ChecksumSHA256": digest(b"cells")}
    return str(aws("s3").generate_presigned_url("put_object", Params=signed))


def test_a_page_puts_what_was_presigned_for_it(aws: Aws, bucket: str, link: str) -> None:
    asked = ask(link, headers="content-type,x-amz-checksum-sha256")
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == PAGE
    assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    assert asked.headers["Access-Control-Allow-Headers"] == "content-type, x-amz-checksum-sha256"
    assert asked.headers["Access-Control-Max-Age"] == "300"
    headers = {"Origin": PAGE, "x-amz-checksum-sha256": digest(b"cells")}
    done = requests.put(link, data=b"cells", headers=headers, timeout=30)
    assert done.status_code == 200
    assert done.headers["Access-Control-Allow-Origin"] == PAGE
    assert done.headers["Access-Control-Expose-Headers"] == "ETag, x-amz-checksum-sha256"
    assert "Origin" in done.headers["Vary"]
    assert done.headers["ETag"]
    assert aws("s3").get_object(Bucket=bucket, Key="input/a b")["Body"].read() == b"cells"


def test_a_page_may_read_why_it_was_refused(link: str) -> None:
    headers = {"Origin": PAGE, "x-amz-checksum-sha256": digest(b"other")}
    refused = requests.put(link, data=b"other", headers=headers, timeout=30)
    assert error(refused) == (403, "SignatureDoesNotMatch")
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE
    headers["x-amz-checksum-sha256"] = digest(b"cells")
    wrong = requests.put(link, data=b"other", headers=headers, timeout=30)
    assert error(wrong) == (400, "BadDigest")
    assert wrong.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("http://127.0.0.1.evil.example", "PUT", ""),
        ("https://127.0.0.1:8123", "PUT", ""),
        ("http://evil.example", "PUT", ""),
        ("null", "PUT", ""),
        (PAGE, "DELETE", ""),
        (PAGE, "PUT", "x-amz-checksum-sha256,authorization"),
    ],
)
def test_what_no_rule_allows_is_refused(link: str, origin: str, method: str, headers: str) -> None:
    asked = ask(link, origin, method, headers)
    assert error(asked) == (403, "AccessForbidden")
    assert allowances(asked.headers) == []


def test_a_question_has_an_origin_and_a_method(link: str) -> None:
    assert error(ask(link, origin=None)) == (400, "BadRequest")
    assert error(ask(link, method=None)) == (400, "BadRequest")
    assert error(ask(link, method="PATCH")) == (400, "BadRequest")


def test_a_foreign_page_reads_nothing(aws: Aws, bucket: str, link: str) -> None:
    headers = {"Origin": "http://evil.example", "x-amz-checksum-sha256": digest(b"cells")}
    done = requests.put(link, data=b"cells", headers=headers, timeout=30)
    assert done.status_code == 200
    assert allowances(done.headers) == []
    url = aws("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "input/a b"})
    assert allowances(requests.get(url, timeout=30).headers) == []
    assert requests.get(url, headers={"Origin": PAGE}, timeout=30).headers["Access-Control-Allow-Origin"] == PAGE


def test_an_unsigned_request_is_not_let_in_by_a_rule(aws: Aws, bucket: str) -> None:
    url = f"{aws.sandbox.endpoint_url}/{bucket}/input/x"
    assert ask(url).status_code == 200
    assert error(requests.put(url, data=b"x", headers={"Origin": PAGE}, timeout=30)) == (403, "AccessDenied")


def test_a_bucket_without_rules_refuses_all(aws: Aws) -> None:
    bucket = aws.make_bucket()
    url = aws("s3").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert error(ask(url)) == (403, "AccessForbidden")
    done = requests.put(url, data=b"x", headers={"Origin": PAGE}, timeout=30)
    assert done.status_code == 200
    assert allowances(done.headers) == []


def test_everybody_is_told_with_an_asterisk_and_without_credentials(aws: Aws) -> None:
    bucket = aws.make_bucket()
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    aws("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    asked = ask(f"{aws.sandbox.endpoint_url}/{bucket}/k", "http://anybody.example", "GET")
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in asked.headers


def test_rules_come_back_and_go(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    assert refusal(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{**RULE, "ID": "pages"}]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [{**RULE, "ID": "pages"}]
    s3.delete_bucket_cors(Bucket=bucket)
    assert refusal(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    assert error(ask(f"{aws.sandbox.endpoint_url}/{bucket}/k")) == (403, "AccessForbidden")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AllowedMethods": ["PATCH"]}, "InvalidRequest"),
        ({"AllowedOrigins": ["http://*.*"]}, "InvalidRequest"),
        ({"AllowedHeaders": ["x-*-*"]}, "InvalidRequest"),
        ({"ExposeHeaders": ["x-amz-*"]}, "InvalidRequest"),
    ],
)
def test_bad_rules_are_told_why(aws: Aws, change: Mapping[str, Any], code: str) -> None:
    bucket = aws.make_bucket()
    with pytest.raises(ClientError, match=next(iter(change.values()))[0].replace("*", r"\*")) as refused:
        aws("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{**RULE, **change}]})
    assert refused.value.response["Error"]["Code"] == code
    assert refusal(aws("s3").get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"


def test_rules_need_their_own_permissions(aws: Aws, bucket: str) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    rules = {"Bucket": bucket, "CORSConfiguration": {"CORSRules": [RULE]}}
    reader, writer = (aws("s3", aws.make_user(allow(f"s3:{verb}BucketCORS", arn))) for verb in ("Get", "Put"))
    assert refusal(reader.get_bucket_cors, Bucket=bucket) is None
    assert refusal(reader.put_bucket_cors, **rules) == "AccessDenied"
    assert refusal(reader.delete_bucket_cors, Bucket=bucket) == "AccessDenied"
    assert refusal(writer.put_bucket_cors, **rules) is None
    assert refusal(writer.get_bucket_cors, Bucket=bucket) == "AccessDenied"
