"""Our rules among those of others, and the names and policies of a stack: pure."""

import json
from typing import Any

import pytest

from grants import stack_policies
from grants.services import stack_rules, stack_uploads
from grants.services.stack_desired import in_account

ACCOUNT, REGION = "111122223333", "eu-central-1"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/administrator"
LONGEST_MANAGED_POLICY = 6144


def entry(name: str, prefix: str = "", suffix: str = "", event: str = "s3:ObjectCreated:*") -> dict[str, Any]:
    rules = [{"Name": "Prefix", "Value": prefix}, {"Name": "Suffix", "Value": suffix}]
    return {
        "Id": name,
        "QueueArn": f"arn:aws:sqs:::{name}",
        "Events": [event],
        "Filter": {"Key": {"FilterRules": [rule for rule in rules if rule["Value"]]}},
    }


@pytest.mark.parametrize(
    ("other", "stands"),
    [
        (entry("o"), True),
        (entry("o", "input/"), True),
        (entry("o", "input/a/"), True),
        (entry("o", "inp"), True),
        (entry("o", "other/"), False),
        (entry("o", suffix=".h5ad"), True),
        (entry("o", event="s3:ObjectCreated:Put"), True),
        (entry("o", event="s3:ObjectRemoved:*"), False),
        ({"Id": "o", "QueueArn": "arn", "Events": ["s3:ObjectCreated:*"]}, True),
    ],
)
def test_which_notification_stands_in_the_way(other: dict[str, Any], stands: bool) -> None:
    ours = entry("ours", "input/")
    for kind in stack_rules.DESTINATIONS:
        assert bool(stack_rules.in_the_way({kind: [other]}, ours)) is stands
    assert stack_rules.in_the_way({"QueueConfigurations": [ours]}, ours) == []


def test_two_suffixes_that_share_no_key_stand_beside_each_other() -> None:
    assert stack_rules.in_the_way({"QueueConfigurations": [entry("o", suffix=".csv")]}, entry("x", "", ".h5ad")) == []


def test_rules_are_the_same_in_another_order_and_case() -> None:
    one = entry("x", "input/")
    other = json.loads(json.dumps(one).replace('"Prefix"', '"prefix"'))
    assert stack_rules.same(one, other)
    assert stack_rules.same({"AllowedMethods": ["PUT", "GET"]}, {"AllowedMethods": ["GET", "PUT"]})
    assert not stack_rules.same(one, entry("x", "Input/"))
    assert not stack_rules.same({"AllowedMethods": ["PUT", "GET"]}, {"AllowedMethods": ["PUT"]})


def test_topics_functions_and_eventbridge_of_others_stay() -> None:
    others = {"TopicConfigurations": [{"Id": "t"}], "EventBridgeConfiguration": {}}
    ours = entry("ours", "input/")
    both = stack_rules.notifying({**others, "QueueConfigurations": [entry("q")]}, ours)
    assert both == {**others, "QueueConfigurations": [ours, entry("q")]}
    assert stack_rules.not_notifying(both, "ours") == {**others, "QueueConfigurations": [entry("q")]}
    assert stack_rules.not_notifying(stack_rules.notifying(others, ours), "ours") == others


def test_names_are_names_in_aws_and_never_shared() -> None:
    long = "b" * 62
    names = [*stack_uploads.queue_names(f"{long}1"), *stack_uploads.queue_names(f"{long}2")]
    names += [*stack_uploads.queue_names("a.b"), *stack_uploads.queue_names("a-b")]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 80 for name in names)
    assert all(name.replace("-", "").isalnum() for name in names)
    stacks = [in_account(ACCOUNT, REGION, bucket=f"{long}{number}", caller_arn=CALLER) for number in (1, 2)]
    roles = [role.name for stack in stacks for role in stack.roles]
    assert len(set(roles)) == len(roles) == 6
    assert all(len(role) <= 64 for role in roles)


def test_the_service_policy_fits_into_a_managed_policy(settings: Any) -> None:
    settings.BUCKET_KMS_KEY = f"arn:aws:kms:ap-northeast-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
    bucket = "b" * 63
    settings.H5AD_STORE = f"s3://{bucket}/{'r' * 100}"
    stack = in_account(ACCOUNT, "ap-northeast-1", bucket=bucket, caller_arn=CALLER)
    assert f"{'r' * 100}/input/*" in json.dumps(stack.service_policy)
    assert len(json.dumps(stack.service_policy, separators=(",", ":"))) < LONGEST_MANAGED_POLICY


def test_uploaders_delete_by_setting_alone(settings: Any) -> None:
    def actions() -> set[str]:
        policy = in_account(ACCOUNT, REGION, bucket="data", caller_arn=CALLER).role("importer role").policy
        return {action for statement in policy["Statement"] for action in statement["Action"]}

    assert not any("Delete" in action for action in actions())
    settings.CREDENTIALS_MAY_DELETE = True
    assert {action for action in actions() if "Delete" in action} == {"s3:DeleteObject"}


def test_unfinished_uploads_outlive_what_the_service_ends_itself(settings: Any) -> None:
    for hours, days in ((72, 7), (24 * 30, 32)):
        settings.UPLOAD_STALE_HOURS = hours
        rule = in_account(ACCOUNT, REGION, bucket="data", caller_arn=CALLER).uploads.lifecycle
        assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == days


def test_only_this_bucket_of_this_account_may_tell_the_queue() -> None:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    allowed, denied = stack_policies.event_queue(arn, bucket="data", account=ACCOUNT)["Statement"]
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::data"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
