"""Lists in pages: IAM's Marker, MaxItems and IsTruncated."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from grants.sandbox.iam import refusals

Item = TypeVar("Item")
DEFAULT_ITEMS = 100


def page(
    member: str,
    items: Iterable[Item],
    parameters: Mapping[str, Any],
    *,
    key: Callable[[Item], str],
    shape: Callable[[Item], Any],
) -> dict[str, Any]:
    """Give one page of `items`, sorted by `key`, as the list `member` of an answer beside IsTruncated and Marker.

    The marker holds the key of the last item shown, so that what is deleted between two pages hides nothing.
    """
    after = _read(parameters.get("Marker"))
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    shown = rest[: parameters.get("MaxItems") or DEFAULT_ITEMS]
    answer: dict[str, Any] = {member: [shape(item) for item in shown], "IsTruncated": len(rest) > len(shown)}
    if answer["IsTruncated"]:
        answer["Marker"] = base64.urlsafe_b64encode(key(shown[-1]).encode()).decode()
    return answer


def _read(marker: str | None) -> str | None:
    if marker is None:
        return None
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refusals.invalid("Invalid Marker. Send the Marker of the page before, unchanged.") from error
