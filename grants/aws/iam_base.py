"""What the parts of IAM share."""

from collections.abc import Iterator
from typing import Any

from grants.aws.calls import Caller


class IamPart:
    """A part of IAM that speaks through the account's client."""

    def __init__(self, caller: Caller) -> None:
        """Speak through a client of IAM."""
        self._caller = caller

    def _listed(self, operation: str, member: str, **parameters: Any) -> Iterator[Any]:
        for page in self._caller.pages(operation, sent="Marker", got="Marker", **parameters):
            yield from page.get(member, ())
