"""SeaweedFS's users and policies as the files it keeps them in, written through its filer.

Its IAM interface would do for a handful of users: there every call reads and writes all of them again, so that a
hundred users cost seconds a call. A file costs milliseconds, and SeaweedFS notices it by itself.
"""

import http.client
import json
import time
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from grants.sandbox.errors import AwsError
from grants.sandbox.seaweed_admin import UNREACHABLE

_ROOT = "/etc/iam"
_WITNESS = "sandbox:witness"  # a colon is in no name that IAM accepts
_TIMEOUT = 5.0  # seconds for an answer
# Seconds for SeaweedFS to notice a change: 0.02 as a rule, five more when a file went while it was reading.
_PATIENCE = 12.0
_QUIET = 0.05  # seconds it may still be reading after the last change


class IamDirectory:
    """The files of identities and policies; what `write` and `remove` did is in force once `settle` has returned."""

    def __init__(self, host: str, s3_port: int) -> None:
        """Prepare the connection for probes; `open` tells where the filer is."""
        self._host, self._s3_port = host, s3_port
        self._filer = self._s3 = http.client.HTTPConnection(host, s3_port, timeout=_TIMEOUT)
        self._known: dict[str, str] = {}
        self._count, self._unsettled, self._settled = 0, False, 0.0

    def open(self, filer_port: int) -> None:
        """Connect to a server that has just been started and read what is there: all of it survives a kill."""
        self.close()
        self._filer = http.client.HTTPConnection(self._host, filer_port, timeout=_TIMEOUT)
        self._s3 = http.client.HTTPConnection(self._host, self._s3_port, timeout=_TIMEOUT)
        self._known = {path: self._read(path) for folder in ("identities", "policies") for path in self._list(folder)}
        self._count = int(time.time() * 1000)  # so that nothing of an earlier run can be taken for a new sign
        self._unsettled = False

    def close(self) -> None:
        """Close the connections."""
        self._filer.close()
        self._s3.close()

    def identity(self, name: str) -> dict[str, Any] | None:
        """Give a user as SeaweedFS has it, or None."""
        text = self._known.get(f"identities/{name}.json")
        return json.loads(text) if text is not None else None

    def put_identity(self, identity: Mapping[str, Any]) -> None:
        """Write a user: `name`, `credentials` and `policy_names`."""
        self._write(f"identities/{identity['name']}.json", identity)

    def remove_identity(self, name: str) -> None:
        """Remove a user with their keys."""
        self._remove(f"identities/{name}.json")

    def put_policy(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a policy, which changes at once for all users and roles it is attached to."""
        self._write(f"policies/{name}.json", document)

    def remove_policy(self, name: str) -> None:
        """Remove a policy."""
        self._remove(f"policies/{name}.json")

    def settle(self) -> None:
        """Wait until SeaweedFS judges by everything written: it reads all files anew after each change, in order.

        A witness is written last, with a key and a right it never had before; once it is heard, so is the rest.
        Raises AwsError 503 when that takes too long.
        """
        if not self._unsettled:
            return
        self._count += 1
        bucket = f"sandbox-witness-{self._count}"
        keys = Credentials(f"AKIA{self._count:016d}", "witness")
        self.put_policy(_WITNESS, _may_list(bucket))
        self.put_identity(
            {
                "name": _WITNESS,
                "credentials": [{"access_key": keys.access_key, "secret_key": keys.secret_key, "status": "Active"}],
                "policy_names": [_WITNESS],
            }
        )
        deadline = time.monotonic() + _PATIENCE
        while not self._heard(bucket, keys):
            if time.monotonic() > deadline:
                raise _unavailable()
            time.sleep(0.001)
        self._unsettled, self._settled = False, time.monotonic()

    def _heard(self, bucket: str, keys: Credentials) -> bool:
        """Ask for a bucket there is not: who may ask is told so, others are refused."""
        request = AWSRequest("HEAD", f"http://{self._host}:{self._s3_port}/{bucket}")
        request.headers["Host"] = f"{self._host}:{self._s3_port}"
        S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
        status, _ = _exchange(self._s3, "HEAD", f"/{bucket}", headers=dict(request.headers.items()))
        return status == HTTPStatus.NOT_FOUND

    def _write(self, path: str, document: Mapping[str, Any]) -> None:
        text = json.dumps(document, separators=(",", ":"))
        if self._known.get(path) == text:
            return
        self._unsettled = True
        self._known.pop(path, None)
        self._ask("PUT", path, text.encode())
        self._known[path] = text

    def _remove(self, path: str) -> None:
        if self._known.pop(path, None) is not None:
            time.sleep(max(0.0, self._settled + _QUIET - time.monotonic()))
            self._unsettled = True
            self._ask("DELETE", path)

    def _list(self, folder: str) -> list[str]:
        listing = self._ask("GET", f"{folder}/", query="?limit=1000000")
        entries = json.loads(listing)["Entries"] if listing else None
        return [f"{folder}/{entry['FullPath'].rpartition('/')[2]}" for entry in entries or ()]

    def _read(self, path: str) -> str:
        return self._ask("GET", path).decode()

    def _ask(self, method: str, path: str, body: bytes | None = None, *, query: str = "") -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        address = f"{_ROOT}/{urllib.parse.quote(path)}{query}"
        status, answer = _exchange(self._filer, method, address, body, headers)
        if status == HTTPStatus.NOT_FOUND:
            return b""
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _unavailable()
        return answer


def _may_list(bucket: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [f"arn:aws:s3:::{bucket}"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Make a request, a second time when the server had closed the idle connection: each may be repeated."""
    try:
        try:
            return _once(connection, method, path, body, headers)
        except ConnectionError:
            return _once(connection, method, path, body, headers)
    except (OSError, http.client.HTTPException) as error:
        raise _unavailable() from error


def _once(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: Mapping[str, str] | None,
) -> tuple[int, bytes]:
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        raise


def _unavailable() -> AwsError:
    return AwsError("ServiceUnavailable", UNREACHABLE, HTTPStatus.SERVICE_UNAVAILABLE)
