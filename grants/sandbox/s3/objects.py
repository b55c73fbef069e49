"""Changes of objects: carried out by SeaweedFS, and told to whoever wants to hear of them."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import checksums
from grants.sandbox.s3.events import Change
from grants.sandbox.s3.forwarding import Exchanged, Forwarder, with_right_words
from grants.sandbox.s3.multipart import Multipart
from grants.sandbox.s3.notifications import Notifications
from grants.sandbox.s3.visits import Visit
from grants.sandbox.world import World

Operation = Callable[[Visit], Awaitable[web.StreamResponse]]


class Objects:
    """Passes on what changes objects."""

    def __init__(self, world: World, forwarder: Forwarder, multipart: Multipart, notifications: Notifications) -> None:
        """Forward through `forwarder`, uploads in parts through `multipart`, and tell `notifications`."""
        self._world, self._forwarder = world, forwarder
        self._multipart, self._notifications = multipart, notifications
        self.operations: dict[str, Operation] = {
            **multipart.operations,
            "PutObject": self._put,
            "CopyObject": self._copy,
            "CompleteMultipartUpload": self._complete,
            "DeleteObject": self._delete,
        }

    async def _put(self, visit: Visit) -> web.Response:
        given = checksums.given(visit.parameters)
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if answer.good:
            headers, wish = visit.request.headers, visit.wish
            told = headers.get("x-amz-decoded-content-length") or headers.get("Content-Length")
            version = answer.headers.get("x-amz-version-id")
            size = int(told) if told else await asyncio.to_thread(self._size, wish.bucket, wish.key, version)
            self._tell(visit, answer, "ObjectCreated:Put", size=size, etag=answer.headers.get("ETag", ""))
        return with_right_words(answer, given).response(visit.extra)

    async def _copy(self, visit: Visit) -> web.Response:
        answer = await self._forwarder.exchange(visit.request, visit.target)
        made = ET.fromstring(answer.body) if answer.good else None  # noqa: S314
        if made is not None and made.tag.endswith("CopyObjectResult"):
            version = answer.headers.get("x-amz-version-id")
            size = await asyncio.to_thread(self._size, visit.wish.bucket, visit.wish.key, version)
            self._tell(visit, answer, "ObjectCreated:Copy", size=size, etag=made.findtext("{*}ETag") or "")
        return answer.response(visit.extra)

    async def _complete(self, visit: Visit) -> web.Response:
        response, change = await self._multipart.complete(visit)
        if change is not None:
            self._notifications.happened(visit, change)
        return response

    async def _delete(self, visit: Visit) -> web.Response:
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if answer.good:
            marked = answer.headers.get("x-amz-delete-marker") == "true" and "versionId" not in visit.wish.query
            name = "ObjectRemoved:DeleteMarkerCreated" if marked else "ObjectRemoved:Delete"
            self._tell(visit, answer, name)
        return answer.response(visit.extra)

    def _tell(self, visit: Visit, answer: Exchanged, name: str, *, size: int | None = None, etag: str = "") -> None:
        change = Change(
            name=name,
            bucket=visit.wish.bucket,
            key=visit.wish.key,
            size=size,
            etag=etag.strip('"'),
            version=answer.headers.get("x-amz-version-id") or visit.wish.query.get("versionId"),
        )
        self._notifications.happened(visit, change)

    def _size(self, bucket: str, key: str, version: str | None) -> int | None:
        """Ask how large an object is; None when it is gone already."""
        named: dict[str, Any] = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
        try:
            return int(self._world.seaweed.client("s3").head_object(**named)["ContentLength"])
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return None
            raise AwsError("InternalError", str(error), HTTPStatus.INTERNAL_SERVER_ERROR) from error
        except BotoCoreError as error:
            message = "The object server is not there right now. Please retry."
            raise AwsError("ServiceUnavailable", message, HTTPStatus.SERVICE_UNAVAILABLE) from error
