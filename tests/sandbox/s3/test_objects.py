"""Objects through the front: whatever their names are, they come back as they went in, and prefixes stay prefixes."""

import hashlib
import io
from typing import Any
from urllib.parse import quote

import pytest
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sandbox import Aws, allow, refusal

REFUSALS = {"AccessDenied", "InvalidRequest", "SignatureDoesNotMatch"}
few = settings(max_examples=40, deadline=None)
# SeaweedFS keeps objects in a tree of names: no part may be empty, `.` or `..`; docs/sandbox.md tells.
PART = st.text(
    st.sampled_from("aZ09 +%&=?#~'\"()<>;:@,!*$é中😀_-."), min_size=1, max_size=10
).filter(lambda part: part.strip(". "))  # fmt: skip
KEYS = st.lists(PART, min_size=1, max_size=3).map("/".join)


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    return aws.make_bucket()


@few
@given(key=KEYS, body=st.binary(max_size=100))
def test_an_object_comes_back_whatever_its_name(aws: Aws, bucket: str, key: str, body: bytes) -> None:
    s3 = aws("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    assert key in [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]]
    s3.copy_object(Bucket=bucket, Key=f"copies/{key}", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key=f"copies/{key}")["Body"].read() == body
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": f"copies/{key}"}]})
    assert refusal(s3.get_object, Bucket=bucket, Key=key) == "NoSuchKey"


@pytest.fixture(scope="module")
def uploader(aws: Aws, bucket: str) -> Any:
    return aws("s3", aws.make_user(allow("s3:*", f"arn:aws:s3:::{bucket}/own/*")))


@few
@given(
    start=st.sampled_from(["own", "Own", "own ", "ow", "own.", "%6fwn", "own%2F", "./own", "../own", "/own"]),
    rest=KEYS.filter(lambda key: "*" not in key),  # which SeaweedFS may refuse though the policy allows it
)
def test_nothing_but_the_prefix_itself_opens_it(aws: Aws, bucket: str, uploader: Any, start: str, rest: str) -> None:
    key = f"{start}/{rest}"
    code = refusal(uploader.put_object, Bucket=bucket, Key=key, Body=b"x")
    if key.startswith("own/"):
        assert code is None
    else:
        assert code in {"AccessDenied", "InvalidRequest"}
        there = aws("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        assert key not in [found["Key"] for found in there]


@pytest.mark.parametrize("path", ["own/../other/x", "own/%2e%2e/other/x", "own%2f..%2fother/x", "own/./../other/x"])
def test_climbing_out_of_the_prefix_is_refused(aws: Aws, bucket: str, uploader: Any, path: str) -> None:
    aws("s3").put_object(Bucket=bucket, Key="other/x", Body=b"not for the uploader")

    def climb(request: Any, **_: object) -> None:
        request.url = request.url.replace(quote("own/x"), path)

    uploader.meta.events.register_first("before-sign.s3.GetObject", climb)
    try:
        assert refusal(uploader.get_object, Bucket=bucket, Key="own/x") in REFUSALS
    finally:
        uploader.meta.events.unregister("before-sign.s3.GetObject", climb)


def test_a_large_object_streams_through_in_parts(aws: Aws, bucket: str) -> None:
    body = hashlib.shake_128(b"large").digest(24 << 20)
    aws("s3").upload_fileobj(io.BytesIO(body), bucket, "large")
    back = io.BytesIO()
    aws("s3").download_fileobj(bucket, "large", back)
    assert back.getvalue() == body
    part = aws("s3").get_object(Bucket=bucket, Key="large", Range="bytes=1000000-1000009")
    assert part["Body"].read() == body[1_000_000:1_000_010]


def test_a_body_that_is_not_what_was_signed_is_refused(aws: Aws, bucket: str) -> None:
    s3 = aws("s3", config=Config(request_checksum_calculation="when_required"))

    def forge(request: Any, **_: object) -> None:
        request.body = b"forged"

    s3.meta.events.register("before-send.s3.PutObject", forge)
    assert refusal(s3.put_object, Bucket=bucket, Key="forged", Body=b"signed") == "XAmzContentSHA256Mismatch"
    assert refusal(aws("s3").get_object, Bucket=bucket, Key="forged") == "NoSuchKey"


def test_of_many_deletions_each_is_decided(aws: Aws, bucket: str) -> None:
    s3 = aws("s3")
    for key in ("trash/a & b", "trash/c", "kept"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    user = aws("s3", aws.make_user(allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/trash/*")))
    wish = [{"Key": "trash/a & b"}, {"Key": "kept"}, {"Key": "trash/c"}]
    answer = user.delete_objects(Bucket=bucket, Delete={"Objects": wish})
    assert {found["Key"] for found in answer["Deleted"]} == {"trash/a & b", "trash/c"}
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("kept", "AccessDenied")]
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="kept")["Contents"]] == ["kept"]
    refused = user.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "kept"}]})
    assert "Deleted" not in refused
    assert len(refused["Errors"]) == 1


def test_versions_come_back_and_have_rights_of_their_own(aws: Aws) -> None:
    bucket = aws.make_bucket(versioned=True)
    first = aws("s3").put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    aws("s3").put_object(Bucket=bucket, Key="k", Body=b"2")
    reader = aws("s3", aws.make_user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")))
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert refusal(reader.get_object, Bucket=bucket, Key="k", VersionId=first) == "AccessDenied"
    assert aws("s3").get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"


def test_who_may_not_list_does_not_learn_what_is_missing(aws: Aws, bucket: str) -> None:
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    blind, seeing = aws.make_user(allow("s3:GetObject", arns[1])), aws.make_user(allow("s3:*", arns))
    assert refusal(aws("s3", blind).get_object, Bucket=bucket, Key="none") == "AccessDenied"
    assert refusal(aws("s3", blind).head_object, Bucket=bucket, Key="none") == "403"
    assert refusal(aws("s3", seeing).get_object, Bucket=bucket, Key="none") == "NoSuchKey"
    assert refusal(aws("s3", seeing).head_object, Bucket=bucket, Key="none") == "404"
