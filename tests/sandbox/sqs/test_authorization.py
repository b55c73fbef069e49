"""Who may do what with a queue: identity policies, the queue's own policy, and both together.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, deny, document, refusal

SCOPE = "arn:aws:sqs:eu-central-1:123456789012:"
LEFT_OUT = {
    "AddPermission", "RemovePermission", "StartMessageMoveTask", "CancelMessageMoveTask", "ListMessageMoveTasks",
}  # fmt: skip
# What AWS calls the permission of an operation where it is another name.
SINGULAR = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


@pytest.fixture
def name(aws: Aws) -> str:
    found = aws.name("queue")
    aws("sqs").create_queue(QueueName=found)
    return found


def url(aws: Aws, name: str) -> str:
    return f"{aws.sandbox.endpoint_url}/{aws.account}/{name}"


def wishes(queue: str, name: str) -> dict[str, Mapping[str, Any]]:
    """Give parameters with which root's every operation works or fails for another reason than permission."""
    of, entry = {"QueueUrl": queue}, {"Id": "a", "ReceiptHandle": "none"}
    return {
        "CreateQueue": {"QueueName": name},
        "GetQueueUrl": {"QueueName": name},
        "ListQueues": {},
        "GetQueueAttributes": {**of, "AttributeNames": ["All"]},
        "SetQueueAttributes": {**of, "Attributes": {"DelaySeconds": "0"}},
        "SendMessage": {**of, "MessageBody": "x"},
        "SendMessageBatch": {**of, "Entries": [{"Id": "a", "MessageBody": "x"}]},
        "ReceiveMessage": of,
        "DeleteMessage": {**of, "ReceiptHandle": "none"},
        "DeleteMessageBatch": {**of, "Entries": [entry]},
        "ChangeMessageVisibility": {**of, "ReceiptHandle": "none", "VisibilityTimeout": 1},
        "ChangeMessageVisibilityBatch": {**of, "Entries": [{**entry, "VisibilityTimeout": 1}]},
        "TagQueue": {**of, "Tags": {"a": "b"}},
        "UntagQueue": {**of, "TagKeys": ["a"]},
        "ListQueueTags": of,
        "ListDeadLetterSourceQueues": of,
        "PurgeQueue": of,
        "DeleteQueue": of,
    }


def method(client: Any, operation: str) -> Any:
    name = next(found for found, known in client.meta.method_to_api_mapping.items() if known == operation)
    return getattr(client, name)


def test_what_is_there_and_what_is_not(aws: Aws, name: str) -> None:
    known = set(aws("sqs").meta.service_model.operation_names)
    assert known - set(wishes(url(aws, name), name)) == LEFT_OUT


def test_every_operation_needs_its_permission_and_no_other(aws: Aws, name: str) -> None:
    user, nobody = aws.make_user(), aws("sqs", aws.make_user())
    for operation, parameters in wishes(url(aws, name), name).items():
        resource = "*" if operation == "ListQueues" else f"{SCOPE}{name}"
        policy = json.dumps(allow(f"sqs:{SINGULAR.get(operation, operation)}", resource))
        aws("iam").put_user_policy(UserName=user["UserName"], PolicyName="only", PolicyDocument=policy)
        assert refusal(method(nobody, operation), **parameters) == "AccessDenied", operation
        assert refusal(method(aws("sqs", user), operation), **parameters) != "AccessDenied", operation


def test_tags_at_birth_need_the_right_to_tag(aws: Aws, name: str) -> None:
    maker = aws("sqs", aws.make_user(allow("sqs:CreateQueue")))
    assert refusal(maker.create_queue, QueueName=name) is None
    assert refusal(maker.create_queue, QueueName=name, tags={"a": "b"}) == "AccessDenied"


def test_a_right_on_one_queue_is_none_on_another(aws: Aws, name: str) -> None:
    user = aws("sqs", aws.make_user(allow("sqs:*", f"{SCOPE}{name}-other")))
    with pytest.raises(ClientError, match="is not authorized to perform: sqs:SendMessage on resource") as refused:
        user.send_message(QueueUrl=url(aws, name), MessageBody="x")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_queues_own_policy_lets_in_and_keeps_out(aws: Aws, name: str) -> None:
    guest, member = aws.make_user(), aws.make_user(allow("sqs:*"))
    opened = {**allow("sqs:SendMessage", f"{SCOPE}{name}")["Statement"][0], "Principal": {"AWS": guest["Arn"]}}
    closed = {**deny("sqs:ReceiveMessage", f"{SCOPE}{name}")["Statement"][0], "Principal": {"AWS": member["Arn"]}}
    policy = json.dumps(document(opened, closed))
    aws("sqs").set_queue_attributes(QueueUrl=url(aws, name), Attributes={"Policy": policy})
    assert refusal(aws("sqs", guest).send_message, QueueUrl=url(aws, name), MessageBody="x") is None
    assert refusal(aws("sqs", guest).receive_message, QueueUrl=url(aws, name)) == "AccessDenied"
    assert refusal(aws("sqs", member).receive_message, QueueUrl=url(aws, name)) == "AccessDenied"
    assert refusal(aws("sqs", member).send_message, QueueUrl=url(aws, name), MessageBody="x") is None


def test_sessions_are_bounded_by_their_policy(aws: Aws, name: str) -> None:
    user = aws.make_user(allow("sts:*"))
    role = aws.make_role(user["Arn"], allow("sqs:*", f"{SCOPE}{name}"))
    bound = json.dumps(allow("sqs:ReceiveMessage", f"{SCOPE}{name}"))
    whole, part = aws.assume(role, user), aws.assume(role, user, Policy=bound)
    assert refusal(aws("sqs", whole).send_message, QueueUrl=url(aws, name), MessageBody="x") is None
    assert refusal(aws("sqs", part).send_message, QueueUrl=url(aws, name), MessageBody="x") == "AccessDenied"
    assert refusal(aws("sqs", part).receive_message, QueueUrl=url(aws, name)) is None


def test_unknown_keys_and_other_services_signatures_are_refused(aws: Aws, name: str) -> None:
    nobody = {"AccessKeyId": "AKIANOBODYNOBODYNOBO", "SecretAccessKey": "x" * 40}
    assert refusal(aws("sqs", nobody).receive_message, QueueUrl=url(aws, name)) == "InvalidClientTokenId"
    user = aws.make_user(allow("sqs:*"))
    forged = aws("sqs", {**user, "SecretAccessKey": "x" * 40})
    assert refusal(forged.receive_message, QueueUrl=url(aws, name)) == "SignatureDoesNotMatch"
