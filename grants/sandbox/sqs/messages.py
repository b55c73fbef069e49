"""Messages as requests bring them and answers show them.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from moto.sqs.models import Message
from moto.sqs.utils import validate_message_attributes

from grants.sandbox.errors import AwsError

# https://www.w3.org/TR/REC-xml/#charsets, which SQS names
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SYSTEM = {
    "SenderId": lambda message: message.sender_id,
    "SentTimestamp": lambda message: str(message.sent_timestamp),
    "ApproximateReceiveCount": lambda message: str(message.approximate_receive_count),
    "ApproximateFirstReceiveTimestamp": lambda message: str(message.approximate_first_receive_timestamp),
}  # fmt: skip


def check_body(body: str, longest: int) -> None:
    """Raise the AwsError of a body that SQS does not take; `longest` is in bytes."""
    if not body:
        raise AwsError("MissingParameter", "The request must contain the parameter MessageBody.")
    if _FORBIDDEN.search(body):
        raise AwsError("InvalidMessageContents", "Invalid characters were found in the message body.")
    if len(body.encode()) > longest:
        message = f"One or more parameters are invalid. Reason: Message must be shorter than {longest} bytes."
        raise AwsError("InvalidParameterValue", message)


def attributes(given: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """Read message attributes, binary values as bytes; moto's SQSException or AwsError for bad ones."""
    read = {
        name: {kind: base64.b64decode(value) if kind == "BinaryValue" else value for kind, value in parts.items()}
        for name, parts in (given or {}).items()
    }
    validate_message_attributes(read)
    return read


def sent(message: Message) -> dict[str, Any]:
    """Give the answer to who sent a message."""
    found: dict[str, Any] = {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}
    if message.message_attributes:
        found["MD5OfMessageAttributes"] = message.attribute_md5
    return found


def received(message: Message, system: Iterable[str]) -> dict[str, Any]:
    """Give a message to who receives it, with the system attributes they named, or all."""
    wanted = set(system)
    found: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    shown = {name: give(message) for name, give in _SYSTEM.items() if name in wanted or "All" in wanted}
    if shown:
        found["Attributes"] = shown
    if message.message_attributes:
        found["MD5OfMessageAttributes"] = message.attribute_md5
        found["MessageAttributes"] = message.message_attributes
    return found
