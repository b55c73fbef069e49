"""Answers S3: decides every permission a request needs, then passes it on or answers bucket settings itself."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from xml.etree import ElementTree as ET

from aiohttp import web
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from multidict import CIMultiDict

from grants.sandbox.authorization import Context, decide, denial
from grants.sandbox.calls import Caller
from grants.sandbox.errors import AwsError, access_denied
from grants.sandbox.iam import IamService
from grants.sandbox.s3 import actions, deletion, settings
from grants.sandbox.s3.actions import Need, S3Request
from grants.sandbox.s3.deletion import Doomed
from grants.sandbox.s3.forwarding import Forwarder, body_mismatch, not_as_signed, onward, welcome
from grants.sandbox.s3.policies import BucketPolicies, is_public
from grants.sandbox.s3.settings import BucketSettings
from grants.sandbox.sessions import Sessions
from grants.sandbox.world import World

_READ = "sandbox.s3.request"
LARGEST_SETTING = 1024 * 1024 * 2
_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!xn--|sthree-)[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")


class S3Service:
    """The S3 of the sandbox."""

    SCHEMA = settings.SCHEMA

    def __init__(self, world: World, iam: IamService, sessions: Sessions) -> None:
        """Decide with `iam` and `sessions`, forward to the world's SeaweedFS."""
        self._world, self._iam, self._sessions = world, iam, sessions
        self._settings = BucketSettings(world.state)
        self._policies = BucketPolicies(world, iam, self._settings)
        self._forwarder = Forwarder(world.seaweed.endpoint_url)

    async def start(self) -> None:
        """Open the connections to SeaweedFS."""
        await self._forwarder.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._forwarder.close()

    def push_all(self) -> None:
        """Render every bucket's policy to SeaweedFS again."""
        self._policies.push_all(self._buckets())

    def reset(self) -> None:
        """Remove every bucket with all in it."""
        client = self._world.seaweed.client("s3")
        for bucket in self._buckets():
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
                for found in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                    client.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
            client.delete_bucket(Bucket=bucket)
        self._settings.forget_all()
        self._policies.forget()

    def operation(self, request: web.BaseRequest) -> str:
        """Name the operation a request asks for."""
        return self._read(request).operation

    async def handle(
        self, request: web.BaseRequest, caller: Caller, context: Context, request_id: str
    ) -> web.StreamResponse:
        """Answer one request; raises AwsError."""
        wish = self._read(request)
        for need in wish.needs:
            self._require(caller, need, context)
        extra = {"x-amz-request-id": request_id, "Server": "AmazonS3"}
        if wish.operation == "DeleteObjects":
            return await self._delete_objects(request, wish, caller, context, extra)
        if wish.setting in settings.KEPT or wish.setting in {"policy", "policyStatus"}:
            return await self._setting(request, wish, extra)
        if wish.operation == "CreateBucket":
            return await self._create_bucket(request, wish, extra)
        if wish.operation in {"HeadBucket", "GetBucketLocation"}:
            extra["x-amz-bucket-region"] = self._world.region
        if wish.operation == "GetBucketLocation":
            return self._location(wish, extra)
        if wish.operation == "DeleteBucket":
            return await self._delete_bucket(request, wish, extra)
        hidden = wish.operation in {"GetObject", "HeadObject"} and not self._may_list(caller, wish, context)
        return await self._forwarder.forward(request, _target(request), extra, hide_missing=hidden)

    def _read(self, request: web.BaseRequest) -> S3Request:
        found: S3Request | None = request.get(_READ)
        if found is None:
            path, _, query = _target(request).partition("?")
            headers = {name.lower(): text for name, text in request.headers.items()}
            found = request[_READ] = actions.read(request.method, path, query, headers)
        return found

    def _may_list(self, caller: Caller, wish: S3Request, context: Context) -> bool:
        """Tell whether the caller may know that a key is missing.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        return not self._refusal(caller, Need("s3:ListBucket", f"arn:aws:s3:::{wish.bucket}"), context)

    async def _delete_bucket(
        self, request: web.BaseRequest, wish: S3Request, extra: Mapping[str, str]
    ) -> web.StreamResponse:
        """Delete an empty bucket; SeaweedFS alone would take the objects with it."""
        self._require_bucket(wish.bucket)
        there = self._world.seaweed.client("s3").list_object_versions(Bucket=wish.bucket, MaxKeys=1)
        if there.get("Versions") or there.get("DeleteMarkers"):
            message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            raise AwsError("BucketNotEmpty", message, HTTPStatus.CONFLICT)
        response = await self._forwarder.forward(request, _target(request), extra)
        if response.status == HTTPStatus.NO_CONTENT:
            self._settings.forget(wish.bucket)
            self._policies.forget(wish.bucket)
        return response

    def _require(self, caller: Caller, need: Need, context: Context) -> None:
        refusal = self._refusal(caller, need, context)
        if refusal:
            raise access_denied(refusal)

    def _refusal(self, caller: Caller, need: Need, context: Context) -> str:
        """Say why a permission is missing, or nothing."""
        bucket = need.resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        policy = self._policies.of(bucket)
        anonymous = caller.access_key_id == "" and caller.arn == "anonymous"
        if policy is not None and anonymous and self._settings.blocks(bucket, "RestrictPublicBuckets"):
            policy = policy if not is_public(policy.document) else None
        account = self._world.account
        keys = {**context, "s3:ResourceAccount": account, "aws:ResourceAccount": account, **need.context}
        decision = decide(caller, need.action, need.resource, keys, resource_policy=policy)
        return "" if decision.allowed else denial(caller, need.action, need.resource, decision)

    async def _setting(self, request: web.BaseRequest, wish: S3Request, extra: Mapping[str, str]) -> web.Response:
        self._require_bucket(wish.bucket)
        if request.method == "PUT":
            self._put(wish, await _body(request))
            return web.Response(status=_PUT_STATUS.get(wish.setting, HTTPStatus.OK), headers=extra)
        if request.method == "DELETE":
            self._delete(wish)
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=extra)
        text, kind = self._get(wish)
        return web.Response(body=text.encode(), headers={**extra, "Content-Type": kind})

    def _get(self, wish: S3Request) -> tuple[str, str]:
        if wish.setting == "policy":
            return self._policies.text(wish.bucket), "application/json"
        if wish.setting == "policyStatus":
            public = str(is_public(json.loads(self._policies.text(wish.bucket)))).lower()
            return f'<PolicyStatus xmlns="{settings.NAMESPACE}"><IsPublic>{public}</IsPublic></PolicyStatus>', _XML
        return self._settings.shown(wish.bucket, wish.setting), _XML

    def _put(self, wish: S3Request, body: bytes) -> None:
        if wish.setting == "policy":
            self._policies.put(wish.bucket, body)
            return
        text = settings.checked(wish.setting, body)
        if wish.setting == "logging":
            target = ET.fromstring(text).findtext(".//{*}TargetBucket")  # noqa: S314
            if target is not None and target not in self._buckets():
                raise AwsError("InvalidTargetBucketForLogging", "The target bucket for logging does not exist")
        self._settings.put(wish.bucket, wish.setting, text)

    def _delete(self, wish: S3Request) -> None:
        if wish.setting == "policy":
            self._policies.delete(wish.bucket)
        else:
            self._settings.delete(wish.bucket, wish.setting)

    async def _create_bucket(
        self, request: web.BaseRequest, wish: S3Request, extra: Mapping[str, str]
    ) -> web.StreamResponse:
        body = await _body(request)
        self._check_new_bucket(wish.bucket, body)
        answer = await self._forwarder.ask("PUT", _target(request), onward(request), body)
        async with answer:
            text = await answer.read()
        if answer.status == HTTPStatus.OK:
            self._settings.begin(wish.bucket)
        headers = {**extra, "Location": f"/{wish.bucket}"}
        if answer.headers.get("Content-Type"):
            headers["Content-Type"] = answer.headers["Content-Type"]
        return web.Response(status=answer.status, headers=headers, body=text)

    def _check_new_bucket(self, bucket: str, body: bytes) -> None:
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
        if bucket in self._buckets():
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise AwsError("BucketAlreadyOwnedByYou", message, HTTPStatus.CONFLICT)

    def _location(self, wish: S3Request, extra: Mapping[str, str]) -> web.Response:
        self._require_bucket(wish.bucket)
        region = "" if self._world.region == "us-east-1" else self._world.region
        text = f'<LocationConstraint xmlns="{settings.NAMESPACE}">{region}</LocationConstraint>'
        return web.Response(body=text.encode(), headers={**extra, "Content-Type": _XML})

    def _require_bucket(self, bucket: str) -> None:
        if bucket not in self._buckets():
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", HTTPStatus.NOT_FOUND)

    def _buckets(self) -> set[str]:
        try:
            return {bucket["Name"] for bucket in self._world.seaweed.client("s3").list_buckets()["Buckets"]}
        except (ClientError, BotoCoreError) as error:
            message = "The object server is not there right now. Please retry."
            raise AwsError("ServiceUnavailable", message, HTTPStatus.SERVICE_UNAVAILABLE) from error

    async def _delete_objects(
        self, request: web.BaseRequest, wish: S3Request, caller: Caller, context: Context, extra: Mapping[str, str]
    ) -> web.StreamResponse:
        body = await _body(request)
        deletion.check_digest(body, request.headers.get("Content-MD5"))
        keys, quiet = deletion.read(body)
        judged = [
            Doomed(doomed.key, doomed.version, self._refusal(caller, doomed.need(wish.bucket), context))
            for doomed in keys
        ]
        allowed = [doomed for doomed in judged if not doomed.refusal]
        refused = [doomed for doomed in judged if doomed.refusal]
        headers, text = onward(request), body
        if refused and allowed:
            text = deletion.request_for(allowed, quiet=quiet)
            headers = self._signed_again(request, caller, text)
        answer, status = b"", HTTPStatus.OK.value
        if allowed:
            reply = await self._forwarder.ask("POST", _target(request), headers, text)
            async with reply:
                answer, status = await reply.read(), reply.status
        if status == HTTPStatus.OK and refused:
            answer = deletion.answer_with(answer, refused)
        return web.Response(status=status, body=answer, headers={**extra, "Content-Type": _XML})

    def _signed_again(self, request: web.BaseRequest, caller: Caller, body: bytes) -> CIMultiDict[str]:
        """Sign a reduced request as the same identity, whose secret the sandbox knows."""
        url = f"http://{request.headers['Host']}{_target(request)}"
        renewed = AWSRequest("POST", url, data=body, headers={"Host": request.headers["Host"]})
        S3SigV4Auth(self._credentials(caller), "s3", self._world.region).add_auth(renewed)
        return CIMultiDict({name: str(value) for name, value in renewed.headers.items()})

    def _credentials(self, caller: Caller) -> Credentials:
        session = self._sessions.find(caller.access_key_id)
        if session is not None:
            return Credentials(session.access_key_id, session.secret_access_key, session.session_token)
        key = self._iam.key(caller.access_key_id)
        if key is None:
            raise access_denied("Access Denied")
        return Credentials(key.access_key_id, key.secret_access_key)


_XML = "application/xml"
_PUT_STATUS = {"policy": HTTPStatus.NO_CONTENT}


async def _body(request: web.BaseRequest) -> bytes:
    await welcome(request)
    body = await request.read()
    if len(body) > LARGEST_SETTING:
        raise AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if not_as_signed(body, request.headers.get("x-amz-content-sha256", "")):
        raise body_mismatch()
    return body


def _target(request: web.BaseRequest) -> str:
    """Give path and query as they came, also of a request made to a proxy."""
    raw = request.raw_path
    if not raw.startswith("/") and "://" in raw:
        return "/" + raw.split("://", 1)[1].partition("/")[2]
    return raw
