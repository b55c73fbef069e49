"""Answers S3: decides every permission a request needs, then hands it to who carries it out."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from grants.sandbox.authorization import Context
from grants.sandbox.calls import Caller
from grants.sandbox.iam import IamService
from grants.sandbox.s3 import actions, cors, lifecycle, settings, upload_records
from grants.sandbox.s3.actions import S3Request
from grants.sandbox.s3.buckets import Buckets
from grants.sandbox.s3.deletions import Deletions
from grants.sandbox.s3.documents import BucketDocuments
from grants.sandbox.s3.forwarding import Forwarder, target_of
from grants.sandbox.s3.judge import Judge
from grants.sandbox.s3.multipart import Multipart
from grants.sandbox.s3.notifications import Notifications, Queues
from grants.sandbox.s3.objects import Objects
from grants.sandbox.s3.policies import BucketPolicies
from grants.sandbox.s3.settings import BucketSettings
from grants.sandbox.s3.upload_records import UploadRecords
from grants.sandbox.s3.visits import Visit
from grants.sandbox.sessions import Sessions
from grants.sandbox.world import World

_READ = "sandbox.s3.request"


class S3Service:
    """The S3 of the sandbox."""

    SCHEMA = settings.SCHEMA + upload_records.SCHEMA

    def __init__(self, world: World, iam: IamService, sessions: Sessions, queues: Queues) -> None:
        """Decide with `iam` and `sessions`, forward to the world's SeaweedFS, tell `queues` of changes."""
        self._world = world
        self._settings, self._records = BucketSettings(world.state), UploadRecords(world.state)
        self._policies = BucketPolicies(world, iam, self._settings)
        self._documents = BucketDocuments(self._settings)
        self._judge = Judge(world.account, self._settings, self._policies)
        self._forwarder = Forwarder(world.seaweed.endpoint_url)
        notifications = Notifications(world, self._documents, queues)
        self._buckets = Buckets(
            world,
            self._forwarder,
            settings=self._settings,
            policies=self._policies,
            documents=self._documents,
            notifications=notifications,
        )
        self._multipart = Multipart(world, self._forwarder, self._records)
        self._objects = Objects(world, self._forwarder, self._multipart, notifications)
        self._deletions = Deletions(
            world, iam, sessions, forwarder=self._forwarder, judge=self._judge, notifications=notifications
        )

    async def start(self) -> None:
        """Open the connections to SeaweedFS."""
        await self._forwarder.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._forwarder.close()

    def push_all(self) -> None:
        """Render every bucket's policy to SeaweedFS again."""
        self._policies.push_all(self._buckets.names())

    def reset(self) -> None:
        """Remove every bucket with all in it."""
        client = self._world.seaweed.client("s3")
        for bucket in self._buckets.names():
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
                for found in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                    client.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
            client.delete_bucket(Bucket=bucket)
        self._settings.forget_all()
        self._policies.forget()
        self._documents.forget()
        self._records.forget_all()

    def run_lifecycle(self) -> list[dict[str, Any]]:
        """Abort the uploads that are overdue by the buckets' rules at this moment, and give them."""
        aborted = []
        for bucket in self._documents.having("lifecycle"):
            rules, uploads = self._documents.of(bucket, "lifecycle") or {}, self._multipart.unfinished(bucket)
            for key, upload in lifecycle.overdue(rules, uploads, self._world.clock.now()):
                self._multipart.abort(bucket, key, upload)
                begun = uploads[key, upload].astimezone(UTC).isoformat()
                aborted.append({"Bucket": bucket, "Key": key, "UploadId": upload, "Initiated": begun})
        return aborted

    def operation(self, request: web.BaseRequest) -> str:
        """Name the operation a request asks for."""
        return self._read(request).operation

    def is_preflight(self, request: web.BaseRequest) -> bool:
        """Tell whether a browser asks what it may ask for, which it does without a signature."""
        return self.operation(request) == actions.PREFLIGHT

    def preflight(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Answer a browser that asks before a request of another origin; raises AccessForbidden."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        allowed = cors.preflight(self._rules(request), headers)
        return web.Response(headers={"x-amz-request-id": request_id, "Server": "AmazonS3", **allowed})

    def cross_origin(self, request: web.BaseRequest) -> dict[str, str]:
        """Give the headers that let a page of another origin read the answer to a request, good or bad."""
        origin = request.headers.get("Origin")
        return {} if origin is None else cors.beside(self._rules(request), origin, request.method)

    async def handle(
        self, request: web.BaseRequest, caller: Caller, context: Context, request_id: str
    ) -> web.StreamResponse:
        """Answer one request; raises AwsError."""
        wish = self._read(request)
        for need in wish.needs:
            self._judge.require(caller, need, context)
        extra = {"x-amz-request-id": request_id, "Server": "AmazonS3", **self.cross_origin(request)}
        visit = Visit(request=request, wish=wish, caller=caller, context=context, extra=extra)
        return await (self._of_object(visit) if wish.key else self._of_bucket(visit))

    async def _of_object(self, visit: Visit) -> web.StreamResponse:
        wish = visit.wish
        if wish.operation in self._objects.operations:
            return await self._objects.operations[wish.operation](visit)
        seen = wish.operation not in {"GetObject", "HeadObject"} or self._judge.may_list(
            visit.caller, wish.bucket, visit.context
        )
        return await self._forwarder.forward(visit.request, visit.target, visit.extra, hide_missing=not seen)

    async def _of_bucket(self, visit: Visit) -> web.StreamResponse:
        wish = visit.wish
        if self._buckets.answers(wish):
            return await self._buckets.handle(visit)
        if wish.operation == "DeleteObjects":
            return await self._deletions.handle(visit)
        if wish.operation in self._multipart.operations:
            return await self._multipart.operations[wish.operation](visit)
        region = {"x-amz-bucket-region": self._world.region} if wish.operation == "HeadBucket" else {}
        return await self._forwarder.forward(visit.request, visit.target, {**visit.extra, **region})

    def _rules(self, request: web.BaseRequest) -> list[Mapping[str, Any]] | None:
        bucket = unquote(target_of(request).partition("?")[0].removeprefix("/").partition("/")[0])
        document = self._documents.of(bucket, "cors")
        return None if document is None else list(document["CORSRules"])

    def _read(self, request: web.BaseRequest) -> S3Request:
        found: S3Request | None = request.get(_READ)
        if found is None:
            path, _, query = target_of(request).partition("?")
            headers = {name.lower(): text for name, text in request.headers.items()}
            found = request[_READ] = actions.read(request.method, path, query, headers)
        return found
