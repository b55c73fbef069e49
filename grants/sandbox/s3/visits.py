"""One request to S3 on its way through the front."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from grants.sandbox.authorization import Context
from grants.sandbox.calls import Caller
from grants.sandbox.s3.actions import S3Request
from grants.sandbox.s3.forwarding import target_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The request as it came, what it wishes, who made it, and the headers every answer to it has."""

    request: web.BaseRequest
    wish: S3Request
    caller: Caller
    context: Context
    extra: Mapping[str, str]

    @property
    def request_id(self) -> str:
        """Give the id that the answer tells."""
        return self.extra["x-amz-request-id"]

    @property
    def target(self) -> str:
        """Give path and query as they came."""
        return target_of(self.request)

    @property
    def parameters(self) -> dict[str, str]:
        """Give the headers in lower case, and what a presigned URL carries in their stead."""
        carried = {name.lower(): value for name, value in self.wish.query.items()}
        return carried | {name.lower(): value for name, value in self.request.headers.items()}
