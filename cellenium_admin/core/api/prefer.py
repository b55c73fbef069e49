"""The `Prefer` header (RFC 7240): how long a client would wait for a job."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

_WAIT = re.compile(r'\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;.*)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds to wait, zero when the client named none; never more than the server's own limit."""

    seconds: int
    asked: bool

    @classmethod
    def of(cls, request: Request) -> "Wait":
        """Read the first usable `wait` preference; one that cannot be read is ignored, as the RFC has it."""
        for preference in request.headers.get("Prefer", "").split(","):
            if match := _WAIT.fullmatch(preference):
                seconds = int(match[1] or match[2])
                return cls(seconds=min(seconds, settings.WAIT_MAX_SECONDS), asked=True)
        return cls(seconds=0, asked=False)

    def mark(self, response: Response, *, honoured: bool) -> Response:
        """Say in the response which preference was honoured; one that no thread was free for was not."""
        patch_vary_headers(response, ["Prefer"])
        if self.asked and honoured:
            response["Preference-Applied"] = f"wait={self.seconds}"
        return response
