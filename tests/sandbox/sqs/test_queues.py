"""Queues and messages: hidden while in hand, back when nobody deletes them, dead letters, batches, long waits.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, refusal

GONE = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture
def sqs(aws: Aws) -> Any:
    return aws("sqs")


@pytest.fixture
def queue(aws: Aws, sqs: Any) -> str:
    return str(sqs.create_queue(QueueName=aws.name("queue"))["QueueUrl"])


def arn_of(sqs: Any, queue: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def taken(sqs: Any, queue: str, **more: Any) -> list[Mapping[str, Any]]:
    return list(sqs.receive_message(QueueUrl=queue, **{"MaxNumberOfMessages": 10, **more}).get("Messages", []))


def bodies(messages: list[Mapping[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def test_a_queue_is_found_and_told_about(aws: Aws, sqs: Any) -> None:
    name = aws.name("queue")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"}, tags={"a": "b"})["QueueUrl"]
    assert url == f"{aws.sandbox.endpoint_url}/{aws.account}/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (shown["VisibilityTimeout"], shown["MessageRetentionPeriod"], shown["DelaySeconds"]) == ("7", "345600", "0")
    assert shown["QueueArn"] == f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    assert abs(int(shown["CreatedTimestamp"]) - time.time()) < 120
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    sqs.tag_queue(QueueUrl=url, Tags={"c": "d"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"c": "d"}
    sqs.delete_queue(QueueUrl=url)
    assert refusal(sqs.get_queue_url, QueueName=name) == GONE
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == GONE


def test_making_a_queue_again_wants_the_same_attributes(aws: Aws, sqs: Any) -> None:
    name = aws.name("queue")
    wish = {"QueueName": name, "Attributes": {"DelaySeconds": "1"}}
    assert sqs.create_queue(**wish)["QueueUrl"] == sqs.create_queue(**wish)["QueueUrl"]
    assert refusal(sqs.create_queue, QueueName=name, Attributes={"DelaySeconds": "2"}) == "QueueAlreadyExists"


def test_queues_are_listed_in_pages(aws: Aws, sqs: Any) -> None:
    prefix = aws.name("listed")
    made = [sqs.create_queue(QueueName=f"{prefix}-{number}")["QueueUrl"] for number in range(3)]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    shown = [page["QueueUrls"] for page in pages]
    assert shown == [made[:2], made[2:]]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=f"{prefix}.none") or not shown[2:]


def test_a_message_in_hand_is_hidden_from_the_others(sqs: Any, queue: str) -> None:
    sent = sqs.send_message(QueueUrl=queue, MessageBody="cells")
    (message,) = taken(sqs, queue, VisibilityTimeout=30, AttributeNames=["All"])
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "cells")
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert taken(sqs, queue) == []
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert shown["ApproximateNumberOfMessages"] == "0"
    assert shown["ApproximateNumberOfMessagesNotVisible"] == "1"
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    (again,) = taken(sqs, queue, AttributeNames=["ApproximateReceiveCount"])
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    assert taken(sqs, queue) == []


def test_a_message_nobody_deletes_comes_back(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="cells")
    assert bodies(taken(sqs, queue, VisibilityTimeout=1)) == ["cells"]
    assert bodies(taken(sqs, queue, WaitTimeSeconds=20)) == ["cells"]


def test_waiting_ends_when_a_message_comes(sqs: Any, queue: str) -> None:
    late = threading.Timer(0.3, lambda: sqs.send_message(QueueUrl=queue, MessageBody="late"))
    late.start()
    began = time.monotonic()
    assert bodies(taken(sqs, queue, WaitTimeSeconds=20)) == ["late"]
    assert time.monotonic() - began < 15
    late.join()


def test_waiting_for_nothing_ends(sqs: Any, queue: str) -> None:
    began = time.monotonic()
    assert taken(sqs, queue, WaitTimeSeconds=1) == []
    assert time.monotonic() - began >= 0.9
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"ReceiveMessageWaitTimeSeconds": "1"})
    began = time.monotonic()
    assert taken(sqs, queue) == []
    assert time.monotonic() - began >= 0.9


def test_one_waiter_holds_up_nobody(aws: Aws, sqs: Any, queue: str) -> None:
    waiting = threading.Thread(target=taken, args=(aws.sandbox.client("sqs"), queue), kwargs={"WaitTimeSeconds": 2})
    waiting.start()
    began = time.monotonic()
    sqs.list_queues()
    assert time.monotonic() - began < 1.5
    waiting.join()


def test_what_comes_back_too_often_goes_to_the_dead_letters(aws: Aws, sqs: Any) -> None:
    dead = sqs.create_queue(QueueName=aws.name("dead"))["QueueUrl"]
    redrive = {"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 2}
    queue = sqs.create_queue(QueueName=aws.name("queue"), Attributes={"RedrivePolicy": json.dumps(redrive)})["QueueUrl"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for _ in range(2):
        (message,) = taken(sqs, queue)
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert taken(sqs, queue) == []
    assert bodies(taken(sqs, dead)) == ["poison"]
    lost = {"RedrivePolicy": json.dumps({**redrive, "deadLetterTargetArn": f"{redrive['deadLetterTargetArn']}x"})}
    assert refusal(sqs.set_queue_attributes, QueueUrl=queue, Attributes=lost) == "InvalidParameterValue"


def test_batches_succeed_and_fail_one_by_one(sqs: Any, queue: str) -> None:
    entries = [{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 901}]
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in sent["Successful"]] == ["a"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in sent["Failed"]] == [("b", True)]
    (message,) = taken(sqs, queue)
    handles = [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "none"}]
    hidden = sqs.change_message_visibility_batch(
        QueueUrl=queue, Entries=[{**entry, "VisibilityTimeout": 60} for entry in handles]
    )
    gone = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    for answer in (hidden, gone):
        assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
        assert [entry["Code"] for entry in answer["Failed"]] == ["ReceiptHandleIsInvalid"]
    twice = [entries[0], entries[0]]
    code = "AWS.SimpleQueueService."
    assert refusal(sqs.send_message_batch, QueueUrl=queue, Entries=twice) == f"{code}BatchEntryIdsNotDistinct"
    many = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]
    assert refusal(sqs.send_message_batch, QueueUrl=queue, Entries=many) == f"{code}TooManyEntriesInBatchRequest"
    assert refusal(sqs.send_message_batch, QueueUrl=queue, Entries=[]) == f"{code}EmptyBatchRequest"


def test_message_attributes_and_their_digest(sqs: Any, queue: str) -> None:
    """boto3 checks the digests of bodies itself; of attributes nobody does but the receiver."""
    given = {
        "kind": {"DataType": "String", "StringValue": "h5ad"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=given)
    (message,) = taken(sqs, queue, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == given
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


def test_delayed_and_purged_messages(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=1)
    assert taken(sqs, queue) == []
    assert bodies(taken(sqs, queue, WaitTimeSeconds=20, VisibilityTimeout=0)) == ["later"]
    sqs.purge_queue(QueueUrl=queue)
    assert taken(sqs, queue) == []


def test_setting_one_attribute_keeps_the_others(aws: Aws, sqs: Any, queue: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sqs:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "9"})
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy", "VisibilityTimeout"])["Attributes"]
    assert (json.loads(shown["Policy"]), shown["VisibilityTimeout"]) == (policy, "9")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "-1"}, "InvalidAttributeValue"),
        ({"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
        ({"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"),
        ({"DelaySeconds": "x"}, "InvalidAttributeValue"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "{}"}, "InvalidAttributeValue"),
        ({"Nothing": "1"}, "InvalidAttributeName"),
        ({"FifoQueue": "true"}, "AWS.SimpleQueueService.UnsupportedOperation"),
    ],
)
def test_bad_attributes_are_refused(sqs: Any, queue: str, attributes: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError, match=next(iter(attributes))) as refused:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"MaxNumberOfMessages": 0}, "InvalidParameterValue"),
        ({"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ({"WaitTimeSeconds": 21}, "InvalidParameterValue"),
        ({"VisibilityTimeout": 43_201}, "InvalidParameterValue"),
    ],
)
def test_bad_wishes_are_refused(sqs: Any, queue: str, wish: dict[str, int], code: str) -> None:
    assert refusal(sqs.receive_message, QueueUrl=queue, **wish) == code


def test_bad_messages_are_refused(sqs: Any, queue: str) -> None:
    sending = sqs.send_message
    assert refusal(sending, QueueUrl=queue, MessageBody="") == "MissingParameter"
    assert refusal(sending, QueueUrl=queue, MessageBody="a\x00b") == "InvalidMessageContents"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    assert refusal(sending, QueueUrl=queue, MessageBody="é" * 513) == "InvalidParameterValue"
    assert refusal(sending, QueueUrl=queue, MessageBody="é" * 512) is None
    assert refusal(sqs.delete_message, QueueUrl=queue, ReceiptHandle="none") == "ReceiptHandleIsInvalid"
    (message,) = taken(sqs, queue, VisibilityTimeout=0)
    late = {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 9}
    code = refusal(sqs.change_message_visibility, QueueUrl=queue, **late)
    assert code == "AWS.SimpleQueueService.MessageNotInflight"


def test_names_and_accounts(aws: Aws, sqs: Any, queue: str) -> None:
    for name in ("a b", "x" * 81, "orders.fifo", ""):
        assert refusal(sqs.create_queue, QueueName=name) == "InvalidParameterValue", name
    foreign = queue.replace(aws.account, "210987654321")
    assert refusal(sqs.send_message, QueueUrl=foreign, MessageBody="x") == GONE
    name = queue.rpartition("/")[2]
    assert refusal(sqs.get_queue_url, QueueName=name, QueueOwnerAWSAccountId="210987654321") == GONE


def test_an_operation_that_is_not_there_says_so(sqs: Any, queue: str) -> None:
    wish = {"QueueUrl": queue, "Label": "a", "AWSAccountIds": ["123456789012"], "Actions": ["SendMessage"]}
    assert refusal(sqs.add_permission, **wish) == "AWS.SimpleQueueService.UnsupportedOperation"
