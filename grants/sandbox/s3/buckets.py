"""Buckets themselves: made, deleted, and their settings, which the front keeps and SeaweedFS never hears of."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from xml.etree import ElementTree as ET

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import cors, lifecycle, settings
from grants.sandbox.s3.actions import S3Request
from grants.sandbox.s3.documents import KINDS, BucketDocuments
from grants.sandbox.s3.forwarding import Forwarder, onward, read_body, target_of
from grants.sandbox.s3.notifications import Notifications
from grants.sandbox.s3.policies import BucketPolicies, is_public
from grants.sandbox.s3.settings import BucketSettings
from grants.sandbox.s3.visits import Visit
from grants.sandbox.world import World

XML = "application/xml"
_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!xn--|sthree-)[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
_POLICIES = {"policy", "policyStatus"}
_ANSWERED = {*settings.KEPT, *KINDS, *_POLICIES}
_PUT_STATUS = {"policy": HTTPStatus.NO_CONTENT}
_DEFAULT_SIZE = {"x-amz-transition-default-minimum-object-size": "all_storage_classes_128K"}
_UNCHECKED = "x-amz-skip-destination-validation"


class Buckets:
    """Makes and deletes buckets and answers for their settings."""

    def __init__(
        self,
        world: World,
        forwarder: Forwarder,
        *,
        settings: BucketSettings,
        policies: BucketPolicies,
        documents: BucketDocuments,
        notifications: Notifications,
    ) -> None:
        """Keep what is set in the three places that know its words."""
        self._world, self._forwarder = world, forwarder
        self._settings, self._policies, self._documents = settings, policies, documents
        self._notifications = notifications

    def answers(self, wish: S3Request) -> bool:
        """Tell whether a request is answered here."""
        return wish.setting in _ANSWERED or wish.operation in {"CreateBucket", "DeleteBucket", "GetBucketLocation"}

    async def handle(self, visit: Visit) -> web.StreamResponse:
        """Answer one request; raises AwsError."""
        request, wish, extra = visit.request, visit.wish, visit.extra
        if wish.operation == "CreateBucket":
            return await self._create(request, wish, extra)
        if wish.operation == "DeleteBucket":
            return await self._delete_bucket(request, wish, extra)
        if wish.operation == "GetBucketLocation":
            return self._location(wish, {**extra, "x-amz-bucket-region": self._world.region})
        return await self._setting(request, wish, extra)

    def names(self) -> set[str]:
        """Give the names of all buckets; raises 503 while SeaweedFS is away."""
        try:
            return {bucket["Name"] for bucket in self._world.seaweed.client("s3").list_buckets()["Buckets"]}
        except (ClientError, BotoCoreError) as error:
            message = "The object server is not there right now. Please retry."
            raise AwsError("ServiceUnavailable", message, HTTPStatus.SERVICE_UNAVAILABLE) from error

    def require(self, bucket: str) -> None:
        """Raise NoSuchBucket unless there is one of this name."""
        if bucket not in self.names():
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", HTTPStatus.NOT_FOUND)

    async def _setting(self, request: web.BaseRequest, wish: S3Request, extra: Mapping[str, str]) -> web.Response:
        self.require(wish.bucket)
        size = _DEFAULT_SIZE if wish.setting == "lifecycle" else {}
        if request.method == "PUT":
            self._put(wish, await read_body(request), unchecked=request.headers.get(_UNCHECKED, "") == "true")
            return web.Response(status=_PUT_STATUS.get(wish.setting, HTTPStatus.OK), headers={**extra, **size})
        if request.method == "DELETE":
            self._delete(wish)
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=extra)
        body, kind = self._get(wish)
        return web.Response(body=body, headers={**extra, **size, "Content-Type": kind})

    async def _create(self, request: web.BaseRequest, wish: S3Request, extra: Mapping[str, str]) -> web.StreamResponse:
        body = await read_body(request)
        self._check_new(wish.bucket, body)
        answer = await self._forwarder.ask("PUT", target_of(request), onward(request), body)
        async with answer:
            text = await answer.read()
        if answer.status == HTTPStatus.OK:
            self._forget(wish.bucket)
            self._settings.begin(wish.bucket)
        headers = {**extra, "Location": f"/{wish.bucket}"}
        if answer.headers.get("Content-Type"):
            headers["Content-Type"] = answer.headers["Content-Type"]
        return web.Response(status=answer.status, headers=headers, body=text)

    async def _delete_bucket(
        self, request: web.BaseRequest, wish: S3Request, extra: Mapping[str, str]
    ) -> web.StreamResponse:
        """Delete an empty bucket; SeaweedFS alone would take the objects with it."""
        self.require(wish.bucket)
        there = self._world.seaweed.client("s3").list_object_versions(Bucket=wish.bucket, MaxKeys=1)
        if there.get("Versions") or there.get("DeleteMarkers"):
            message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            raise AwsError("BucketNotEmpty", message, HTTPStatus.CONFLICT)
        response = await self._forwarder.forward(request, target_of(request), extra)
        if response.status == HTTPStatus.NO_CONTENT:
            self._forget(wish.bucket)
        return response

    def _location(self, wish: S3Request, extra: Mapping[str, str]) -> web.Response:
        self.require(wish.bucket)
        region = "" if self._world.region == "us-east-1" else self._world.region
        text = f'<LocationConstraint xmlns="{settings.NAMESPACE}">{region}</LocationConstraint>'
        return web.Response(body=text.encode(), headers={**extra, "Content-Type": XML})

    def _forget(self, bucket: str) -> None:
        self._settings.forget(bucket)
        self._policies.forget(bucket)
        self._documents.forget(bucket)

    def _get(self, wish: S3Request) -> tuple[bytes, str]:
        if wish.setting == "policy":
            return self._policies.text(wish.bucket).encode(), "application/json"
        if wish.setting == "policyStatus":
            public = str(is_public(json.loads(self._policies.text(wish.bucket)))).lower()
            text = f'<PolicyStatus xmlns="{settings.NAMESPACE}"><IsPublic>{public}</IsPublic></PolicyStatus>'
            return text.encode(), XML
        if wish.setting in KINDS:
            return self._documents.shown(wish.bucket, wish.setting), XML
        return self._settings.shown(wish.bucket, wish.setting).encode(), XML

    def _put(self, wish: S3Request, body: bytes, *, unchecked: bool) -> None:
        if wish.setting == "policy":
            self._policies.put(wish.bucket, body)
        elif wish.setting in KINDS:
            self._put_document(wish, body, unchecked=unchecked)
        else:
            text = settings.checked(wish.setting, body)
            if wish.setting == "logging":
                target = ET.fromstring(text).findtext(".//{*}TargetBucket")  # noqa: S314
                if target is not None and target not in self.names():
                    raise AwsError("InvalidTargetBucketForLogging", "The target bucket for logging does not exist")
            self._settings.put(wish.bucket, wish.setting, text)

    def _put_document(self, wish: S3Request, body: bytes, *, unchecked: bool) -> None:
        document = self._documents.read(wish.setting, body)
        if wish.setting == "cors":
            cors.check(document)
        elif wish.setting == "lifecycle":
            document = lifecycle.checked(document)
        else:
            document = self._notifications.checked(wish.bucket, document, unchecked=unchecked)
        self._documents.put(wish.bucket, wish.setting, document)

    def _delete(self, wish: S3Request) -> None:
        if wish.setting == "policy":
            self._policies.delete(wish.bucket)
        elif wish.setting in KINDS:
            self._documents.delete(wish.bucket, wish.setting)
        else:
            self._settings.delete(wish.bucket, wish.setting)

    def _check_new(self, bucket: str, body: bytes) -> None:
        if not _NAME.fullmatch(bucket) or ".." in bucket:
            raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
        try:
            place = ET.fromstring(body).findtext("{*}LocationConstraint") if body else None  # noqa: S314
        except ET.ParseError as error:
            raise AwsError("MalformedXML", "The XML you provided was not well-formed") from error
        wanted = place or "us-east-1"
        if wanted != self._world.region:
            message = (
                f"The {wanted} location constraint is incompatible for the region specific endpoint of the request"
            )
            raise AwsError("IllegalLocationConstraintException", message)
        if bucket in self.names():
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise AwsError("BucketAlreadyOwnedByYou", message, HTTPStatus.CONFLICT)
