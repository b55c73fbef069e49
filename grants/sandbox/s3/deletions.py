"""Carries out DeleteObjects: what may be deleted goes to SeaweedFS, the rest is refused key by key."""

from collections.abc import Iterator
from http import HTTPStatus
from xml.etree import ElementTree as ET

from aiohttp import web
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from multidict import CIMultiDict

from grants.sandbox.calls import CallerKind
from grants.sandbox.errors import access_denied
from grants.sandbox.iam import IamService
from grants.sandbox.s3 import deletion
from grants.sandbox.s3.deletion import Doomed
from grants.sandbox.s3.events import Change
from grants.sandbox.s3.forwarding import Forwarder, onward, read_body
from grants.sandbox.s3.judge import Judge
from grants.sandbox.s3.notifications import Notifications
from grants.sandbox.s3.visits import Visit
from grants.sandbox.sessions import Sessions
from grants.sandbox.world import World


class Deletions:
    """Answers DeleteObjects."""

    def __init__(
        self,
        world: World,
        iam: IamService,
        sessions: Sessions,
        *,
        forwarder: Forwarder,
        judge: Judge,
        notifications: Notifications,
    ) -> None:
        """Judge with `judge`, sign what is left of a request with the caller's own keys, tell `notifications`."""
        self._world, self._iam, self._sessions = world, iam, sessions
        self._forwarder, self._judge, self._notifications = forwarder, judge, notifications

    async def handle(self, visit: Visit) -> web.StreamResponse:
        """Answer one request; raises AwsError."""
        keys, quiet = deletion.read(body := await read_body(visit.request))
        judged = [Doomed(doomed.key, doomed.version, self._refusal(visit, doomed)) for doomed in keys]
        allowed = [doomed for doomed in judged if not doomed.refusal]
        refused = [doomed for doomed in judged if doomed.refusal]
        answer, status = b"", HTTPStatus.OK.value
        if allowed:
            headers = onward(visit.request)
            if refused or quiet:  # a quiet answer would not say what was deleted, which events tell
                body = deletion.request_for(allowed, quiet=False)
                headers = self._signed_again(visit, body)
            reply = await self._forwarder.ask("POST", visit.target, headers, body)
            async with reply:
                answer, status = await reply.read(), reply.status
        if status == HTTPStatus.OK:
            for change in _changes(visit.wish.bucket, answer):
                self._notifications.happened(visit, change)
            answer = deletion.answer_with(deletion.hushed(answer) if quiet else answer, refused)
        return web.Response(status=status, body=answer, headers={**visit.extra, "Content-Type": "application/xml"})

    def _refusal(self, visit: Visit, doomed: Doomed) -> str:
        return self._judge.refusal(visit.caller, doomed.need(visit.wish.bucket), visit.context)

    def _signed_again(self, visit: Visit, body: bytes) -> CIMultiDict[str]:
        """Sign a changed request as the same identity, whose secret the sandbox knows; nobody's stays unsigned."""
        host = visit.request.headers["Host"]
        if visit.caller.kind is CallerKind.ANONYMOUS:
            return CIMultiDict({"Host": host})
        renewed = AWSRequest("POST", f"http://{host}{visit.target}", data=body, headers={"Host": host})
        S3SigV4Auth(self._credentials(visit), "s3", self._world.region).add_auth(renewed)
        return CIMultiDict({name: str(value) for name, value in renewed.headers.items()})

    def _credentials(self, visit: Visit) -> Credentials:
        session = self._sessions.find(visit.caller.access_key_id)
        if session is not None:
            return Credentials(session.access_key_id, session.secret_access_key, session.session_token)
        key = self._iam.key(visit.caller.access_key_id)
        if key is None:
            raise access_denied("Access Denied")
        return Credentials(key.access_key_id, key.secret_access_key)


def _changes(bucket: str, answer: bytes) -> Iterator[Change]:
    for entry in ET.fromstring(answer).findall("{*}Deleted") if answer else ():  # noqa: S314
        version, key = entry.findtext("{*}VersionId"), entry.findtext("{*}Key") or ""
        if version is None and entry.findtext("{*}DeleteMarker") == "true":
            made = entry.findtext("{*}DeleteMarkerVersionId")
            yield Change(name="ObjectRemoved:DeleteMarkerCreated", bucket=bucket, key=key, version=made)
        else:
            yield Change(name="ObjectRemoved:Delete", bucket=bucket, key=key, version=version)
