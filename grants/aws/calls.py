"""A service of AWS asked in one way: errors translated, receipts kept, all pages read or an error raised."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cellenium_admin.core import aws
from grants.aws.errors import (
    UNKNOWN,
    AwsError,
    AwsNotFoundError,
    AwsRefusedError,
    AwsUnknownOutcomeError,
    translate,
)
from grants.aws.gateway import Receipt

MOST_PAGES = 10_000
_SHORT = {"mfa": "MFA", "ssh": "SSH"}


class Caller:
    """A service's clients: one that repeats reads by itself, one that tells whoever changes something of each try."""

    def __init__(self, service: str, *, region: str, credentials: Mapping[str, str] | None = None) -> None:
        """Make the clients; the second only when it is needed."""
        self._service, self._region, self._credentials = service, region, credentials
        self._clients: dict[int, Any] = {}

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Read something. Raises AwsError."""
        return self._call(aws.MOST_ATTEMPTS, operation, parameters)

    def ask_or_none(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """Read something that may not be there. Raises AwsError."""
        try:
            return self.ask(operation, **parameters)
        except AwsNotFoundError:
            return None

    def change(self, operation: str, **parameters: Any) -> tuple[dict[str, Any], Receipt]:
        """Change something: one try, its outcome told. Raises AwsError."""
        answer = self._call(1, operation, parameters)
        return answer, receipt_of(answer)

    def pages(
        self, operation: str, *, sent: str = "NextToken", got: str = "NextToken", **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """Give all pages of a listing; `sent` and `got` name the token in question and answer.

        Raises AwsError also where AWS gives the same token twice, or none for the page that it says there is: a
        listing that ends early would be taken for all.
        """
        seen: set[str] = set()
        token = ""
        while True:
            page = self.ask(operation, **parameters, **({sent: token} if token else {}))
            yield page
            token = page.get(got) or ""
            if not token and page.get("IsTruncated"):
                raise AwsError(camel(operation), "MissingToken", "AWS has more and does not say how to get it.")
            if not token:
                return
            if token in seen or len(seen) > MOST_PAGES:
                raise AwsError(
                    camel(operation), "RepeatedToken", "AWS gave the same page twice; the listing is not whole."
                )
            seen.add(token)

    def _call(self, attempts: int, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        method = getattr(self._client(attempts), operation)
        try:
            answer: dict[str, Any] = method(**parameters)
        except (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError) as error:
            # The last three are of botocore's parsers, at answers that are not what they expect.
            failure = translate(camel(operation), error)
        else:
            if receipt_of(answer).request_id:
                return answer
            # An empty listing of a proxy's would be taken for AWS's.
            failure = AwsUnknownOutcomeError(camel(operation), UNKNOWN, "The answer is not AWS's: no request id.")
        # Out here the cause is left behind: botocore's exceptions may hold what was sent, or got.
        raise failure

    def _client(self, attempts: int) -> Any:
        if attempts not in self._clients:
            try:
                self._clients[attempts] = aws.client(
                    self._service, region=self._region, attempts=attempts, credentials=self._credentials
                )
            except ValueError as error:  # of an address or a Region that cannot be one
                raise AwsRefusedError(self._service, "InvalidConfiguration", str(error)) from None
            except BotoCoreError as error:
                raise translate(self._service, error) from None
        return self._clients[attempts]


def receipt_of(answer: Mapping[str, Any]) -> Receipt:
    """Give what AWS said of a call besides its answer."""
    meta = answer.get("ResponseMetadata", {})
    return Receipt(meta.get("RequestId", ""), meta.get("HTTPStatusCode", 0), meta.get("RetryAttempts", 0) + 1)


def camel(operation: str) -> str:
    """Write `create_access_grant` as AWS does: CreateAccessGrant."""
    return "".join(_SHORT.get(word, word.capitalize()) for word in operation.split("_"))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_dict(tags: list[dict[str, str]]) -> dict[str, str]:
    """Read tags as AWS gives them."""
    return {tag["Key"]: tag["Value"] for tag in tags}
