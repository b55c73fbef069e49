"""Calls of SeaweedFS's IAM and STS interfaces: form requests signed by hand over one connection that stays open.

boto3 cannot make them all: SeaweedFS takes an access key of the caller's choosing, which AWS's model does not have.
"""

import http.client
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import botocore.parsers
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from grants.sandbox.errors import AwsError

_REGION = "us-east-1"
_VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
_TIMEOUT = 5.0  # seconds; an answer takes a few milliseconds, and the whole sandbox waits for it
UNREACHABLE = "The object store of the sandbox does not answer; it is started again by itself, try again in a moment."


class SeaweedError(Exception):
    """SeaweedFS answered a call of its administrator with an error."""

    def __init__(self, code: str, message: str) -> None:
        """Keep its error code and its message."""
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class AdminConnection:
    """A keep-alive connection to SeaweedFS's query interfaces; used from one thread."""

    def __init__(self, host: str, port: int) -> None:
        """Prepare the connection; it opens at the first call."""
        self._address = f"{host}:{port}"
        self._connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        self._models = {name: botocore.session.get_session().get_service_model(name) for name in _VERSIONS}
        self._parser = botocore.parsers.create_parser("query")

    def call(self, service: str, action: str, parameters: Mapping[str, str], keys: tuple[str, str]) -> dict[str, Any]:
        """Make one call signed with an access key and its secret, and give its parsed answer.

        Raises SeaweedError for an error SeaweedFS answers, AwsError 503 when it does not answer at all.
        """
        body = urllib.parse.urlencode({"Action": action, "Version": _VERSIONS[service], **parameters}).encode()
        status, headers, answer = self._send(body, self._signed(service, body, keys))
        shape = self._models[service].operation_model(action).output_shape
        parsed = self._parse(status, headers, answer, shape)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            error = parsed.get("Error", {})
            raise SeaweedError(str(error.get("Code", status)), str(error.get("Message", "")))
        return parsed

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._connection.close()

    def _signed(self, service: str, body: bytes, keys: tuple[str, str]) -> dict[str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Host": self._address}
        request = AWSRequest("POST", f"http://{self._address}/", data=body, headers=headers)
        SigV4Auth(Credentials(*keys), service, _REGION).add_auth(request)
        return dict(request.headers.items())

    def _send(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Send it; once more when the server had closed the idle connection, since every call here may be repeated."""
        try:
            try:
                return self._exchange(body, headers)
            except ConnectionError:
                return self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise AwsError("ServiceUnavailable", UNREACHABLE, HTTPStatus.SERVICE_UNAVAILABLE) from error

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        try:
            self._connection.request("POST", "/", body, dict(headers))
            answer = self._connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def _parse(self, status: int, headers: Mapping[str, str], body: bytes, shape: Any) -> dict[str, Any]:
        try:
            parsed: dict[str, Any] = self._parser.parse(
                {"status_code": status, "headers": headers, "body": body}, shape
            )
        except botocore.parsers.ResponseParserError as error:
            raise SeaweedError(str(status), "The answer is no XML of the query protocol.") from error
        return parsed
