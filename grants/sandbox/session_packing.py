"""How much room session policies and tags take in a session token.

AWS compresses them into a form it does not publish and answers how full it is, in percent. The sandbox's measure is its
own: the policies' compact JSON, the managed policies' ARNs and the tags, compressed by zlib, of 1,024 bytes. Ordinary
policies of up to 2,048 characters fit; long ones full of random names do not, as happens on AWS.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

import json
import math
import zlib
from collections.abc import Mapping, Sequence

from grants.sandbox.errors import AwsError

ROOM_BYTES = 1024


def packed_size(documents: Sequence[str], arns: Sequence[str], tags: Mapping[str, str]) -> int:
    """Give the share of the room that is used, in percent, rounded up, 0 when there is nothing to pack.

    Raises AwsError PackedPolicyTooLarge above 100.
    """
    if not (documents or arns or tags):
        return 0
    parts = [_compact(document) for document in documents] + list(arns) + [_compact(json.dumps(dict(tags)))]
    percent = math.ceil(len(zlib.compress("".join(parts).encode(), 9)) * 100 / ROOM_BYTES)
    if percent > 100:
        raise AwsError("PackedPolicyTooLarge", _message(percent, tags_only=not documents and not arns))
    return percent


def _compact(document: str) -> str:
    return json.dumps(json.loads(document), separators=(",", ":"))


def _message(percent: int, *, tags_only: bool) -> str:
    if tags_only:
        return f"Packed size of session tags consumes {percent}% of allotted space."
    return f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
