"""The attributes of a queue: which there are, and what they may be.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import json
from collections.abc import Mapping
from typing import Any

from grants.evaluator import Policy, PolicyError
from grants.sandbox.errors import AwsError

_RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_MOST_RECEIVES = 1000
SETTABLE = (*_RANGES, "Policy", "RedrivePolicy", "SqsManagedSseEnabled")
LEFT_OUT = (
    "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds", "RedriveAllowPolicy",
)  # fmt: skip
_FALSE = {"", "false"}


def check(attributes: Mapping[str, str]) -> None:
    """Raise the AwsError of the first attribute a queue of the sandbox cannot have."""
    for name, value in attributes.items():
        if name in _RANGES:
            _check_number(name, value)
        elif name == "Policy":
            _check_policy(value)
        elif name == "RedrivePolicy":
            _check_redrive(value)
        elif name in LEFT_OUT:
            if value.lower() not in _FALSE:
                message = f"The sandbox has no {name}; see docs/sandbox.md for what it leaves out"
                raise AwsError("AWS.SimpleQueueService.UnsupportedOperation", message)
        elif name not in SETTABLE:
            raise AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def _check_number(name: str, value: str) -> None:
    least, most = _RANGES[name]
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise _invalid(name, f"it is a whole number from {least} to {most}")


def _check_policy(value: str) -> None:
    if not value:
        return
    try:
        Policy.parse(value, "resource")
    except PolicyError as error:
        raise _invalid("Policy", str(error)) from error


def _check_redrive(value: str) -> None:
    if not value:
        return
    try:
        found: Any = json.loads(value)
        most = int(found["maxReceiveCount"])
        known = set(found) == {"deadLetterTargetArn", "maxReceiveCount"}
    except (ValueError, TypeError, KeyError) as error:
        raise _invalid("RedrivePolicy", "it is a JSON object with deadLetterTargetArn and maxReceiveCount") from error
    if not known or not 1 <= most <= _MOST_RECEIVES:
        raise _invalid(
            "RedrivePolicy", f"it has deadLetterTargetArn and maxReceiveCount, from 1 to {_MOST_RECEIVES}, and no more"
        )


def _invalid(name: str, why: str) -> AwsError:
    return AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}: {why}.")
