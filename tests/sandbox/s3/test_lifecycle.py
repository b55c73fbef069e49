"""Lifecycle rules: kept, refused with a reason, and run by order for uploads nobody finished.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.sandbox import Aws, allow, refusal

DAY = 86_400
RULE = {
    "ID": "unfinished",
    "Status": "Enabled",
    "Filter": {"Prefix": "input/"},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}


def test_rules_come_back_and_go(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [RULE]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [RULE]
    unnamed = {name: value for name, value in RULE.items() if name != "ID"}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [unnamed]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([], "MalformedXML"),
        ([RULE, RULE], "InvalidArgument"),
        ([{**RULE, "Status": "Perhaps"}], "MalformedXML"),
        ([{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}}], "InvalidRequest"),
        ([{"Status": "Enabled", "Expiration": {"Days": 1}}], "MalformedXML"),
        ([{**RULE, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}}], "InvalidArgument"),
        ([{**RULE, "Filter": {"Tag": {"Key": "a", "Value": "b"}}}], "InvalidRequest"),
    ],
)
def test_bad_rules_are_refused(aws: Aws, rules: list[Mapping[str, Any]], code: str) -> None:
    wish = {"Bucket": aws.make_bucket(), "LifecycleConfiguration": {"Rules": rules}}
    assert refusal(aws("s3").put_bucket_lifecycle_configuration, **wish) == code


def test_overdue_uploads_end_when_the_rules_are_run(aws: Aws) -> None:
    s3, bucket, control = aws("s3"), aws.make_bucket(), aws.sandbox.control
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [RULE]})
    for key in ("input/a", "other/a"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    assert [found for found in control.run_lifecycle() if found["Bucket"] == bucket] == []
    control.move_clock(8 * DAY)
    ended = [found for found in control.run_lifecycle() if found["Bucket"] == bucket]
    assert [found["Key"] for found in ended] == ["input/a"]
    control.move_clock(0)
    assert [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["other/a"]


def test_a_disabled_rule_does_nothing(aws: Aws) -> None:
    s3, bucket, control = aws("s3"), aws.make_bucket(), aws.sandbox.control
    rules = {"Rules": [{**RULE, "Status": "Disabled"}]}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
    s3.create_multipart_upload(Bucket=bucket, Key="input/a")
    control.move_clock(8 * DAY)
    assert [found for found in control.run_lifecycle() if found["Bucket"] == bucket] == []


def test_rules_need_their_own_permissions(aws: Aws) -> None:
    bucket = aws.make_bucket()
    writer = aws("s3", aws.make_user(allow("s3:PutLifecycleConfiguration", f"arn:aws:s3:::{bucket}")))
    wish = {"Bucket": bucket, "LifecycleConfiguration": {"Rules": [RULE]}}
    assert refusal(writer.put_bucket_lifecycle_configuration, **wish) is None
    assert refusal(writer.get_bucket_lifecycle_configuration, Bucket=bucket) == "AccessDenied"
    assert refusal(writer.delete_bucket_lifecycle, Bucket=bucket) is None
    other = aws("s3", aws.make_user(allow("s3:GetLifecycleConfiguration", f"arn:aws:s3:::{bucket}")))
    assert refusal(other.put_bucket_lifecycle_configuration, **wish) == "AccessDenied"
