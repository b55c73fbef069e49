"""A bucket of the local AWS as the h5ad store, somebody who sends files there, and deaths on the way."""

import base64
import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from cellenium_admin.core.storage.multipart import MultipartStore
from imports.models import Upload
from imports.services import sending
from tests.builders.people import person
from tests.sandbox.conftest import put_right
from tests.support.crashes import Crash
from tests.support.gateway import aws_environment
from tests.support.sandbox import Aws, aws, sandbox

__all__ = ["aws", "aws_environment", "put_right", "sandbox"]
MIB = 1024**2
ACTOR = Actor.system("test")


class Sender:
    """A browser, as far as sending files goes."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = APIClient(raise_request_exception=False)
        self.client.force_login(user)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return getattr(self.client, method)(f"/api/v1/{path}", body)

    def begin(self, size: int, name: str = "a.h5ad") -> dict[str, Any]:
        answer = self.call("post", "uploads", {"filename": name, "size": size})
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    def send(self, upload: dict[str, Any], content: bytes, *, numbers: list[int] | None = None) -> None:
        """Send parts of the content, all of them by default."""
        for number in numbers or range(1, upload["part_count"] + 1):
            part = part_of(upload, content, number)
            assert put(self.order(upload, number, part), part) == 200

    def order(self, upload: dict[str, Any], number: int, part: bytes) -> dict[str, Any]:
        wish = {"parts": [{"number": number, "checksum_sha256": checksum(part)}]}
        answer = self.call("post", f"uploads/{upload['id']}/parts", wish)
        assert answer.status_code == 200, answer.content
        return dict(answer.json()["parts"][0])

    def complete(self, upload: dict[str, Any]) -> Any:
        return self.call("post", f"uploads/{upload['id']}/complete", {})


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def part_of(upload: dict[str, Any], content: bytes, number: int) -> bytes:
    return content[(number - 1) * upload["part_size"] : number * upload["part_size"]]


def put(order: dict[str, Any], content: bytes, **headers: str) -> int:
    """Send bytes to a signed address as a browser would; gives the status."""
    request = urllib.request.Request(order["url"], content, {**order["headers"], **headers}, method=order["method"])
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


@contextmanager
def dying(where: Any, name: str, *, after: bool = False) -> Iterator[None]:
    """Die before a function is called, or once it has been."""
    real = getattr(where, name)

    def die(*arguments: Any, **named: Any) -> Any:
        if after:
            real(*arguments, **named)
        raise Crash

    with mock.patch.object(where, name, die), pytest.raises(Crash):
        yield


def begun(store: MultipartStore) -> list[str]:
    """Name the keys of all multipart uploads under way in the bucket."""
    return [one.key for one in store.begun("")]


def stored(bucket: str, aws: Aws) -> dict[str, bytes]:
    """Read the newest version of everything in the bucket."""
    s3 = aws("s3")
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found}


@pytest.fixture
def bucket(aws: Aws, aws_environment: None, settings: Any) -> str:
    name = aws.make_bucket(versioned=True)
    settings.H5AD_STORE = f"s3://{name}"
    return name


@pytest.fixture
def store(bucket: str) -> MultipartStore:
    return MultipartStore()


@pytest.fixture
def uploader(db: None) -> User:
    return person("uploader", upload_prefix="input/uploader@example.org/")


@pytest.fixture
def neighbour(db: None) -> User:
    return person("neighbour", upload_prefix="input/neighbour@example.org/")


@pytest.fixture
def sender(uploader: User) -> Sender:
    return Sender(uploader)


def start(user: User, size: int = 9 * MIB) -> Upload:
    return sending.start(user=user, filename="a.h5ad", size=size, actor=ACTOR)
