"""Sessions of roles: issued with SeaweedFS's own credentials, judged by the role's policies as they are now.

AWS keeps no session that it could end; it evaluates the role's present policies with every request.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
"""

import functools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from grants.evaluator import Policy, PolicyError
from grants.sandbox.calls import Caller, CallerKind
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import IamService, RoleView
from grants.sandbox.seaweed import SeaweedCredentials
from grants.sandbox.session_packing import packed_size
from grants.sandbox.session_views import SessionCredentials, SessionView
from grants.sandbox.world import World

ONE_HOUR = 3600
# So long an ended session is still told from an unknown one.
REMEMBERED_AFTER_END = timedelta(days=1)
_CACHED_SESSIONS = 10_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Sessions:
    """Issues, remembers and judges sessions."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS session (
        access_key_id TEXT PRIMARY KEY,
        secret_access_key TEXT NOT NULL,
        session_token TEXT NOT NULL,
        role_arn TEXT NOT NULL,
        role_id TEXT NOT NULL,
        role_name TEXT NOT NULL,
        name TEXT NOT NULL,
        issued TEXT NOT NULL,
        expires TEXT NOT NULL,
        documents TEXT NOT NULL,
        source_identity TEXT,
        tags TEXT NOT NULL,
        transitive TEXT NOT NULL,
        context TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS session_expires ON session (expires);
    """

    def __init__(self, world: World, iam: IamService) -> None:
        """Keep sessions in the world's memory and ask `iam` for their roles."""
        self._world, self._iam = world, iam
        self._cache: dict[str, SessionView] = {}

    def create(
        self,
        role: RoleView,
        *,
        session_name: str,
        duration: int,
        policies: Sequence[str] = (),
        managed: Mapping[str, str] = _NOTHING,
        source_identity: str | None = None,
        tags: Mapping[str, str] = _NOTHING,
        transitive: Sequence[str] = (),
        chained: bool = False,
        context: Mapping[str, str | tuple[str, ...]] = _NOTHING,
    ) -> SessionCredentials:
        """Issue a session of `role` for `duration` seconds, limited to what `policies` or `managed` say, if any.

        `policies` are JSON texts; `managed` gives the documents of managed session policies by ARN, fixed from here
        on. Whether the caller may have it was asked before. Raises AwsError ValidationError for a duration that is
        too long, MalformedPolicyDocument, PackedPolicyTooLarge.
        """
        check_duration(role, duration, chained=chained)
        documents = (*policies, *managed.values())
        parsed = [session_policy(document).document for document in documents]
        size = packed_size(policies, list(managed), tags)
        credentials = self._world.seaweed.assume(
            role.name, session_name=session_name, duration=duration, policies=parsed
        )
        view = self._begun(
            role,
            credentials,
            duration,
            name=session_name,
            documents=documents or None,
            source_identity=source_identity,
            tags=tags,
            transitive=tuple(transitive),
            context=context,
        )
        self._keep(view)
        return self._handed_out(view, size)

    def find(self, access_key_id: str) -> SessionView | None:
        """Give the session with this access key id, ended ones too for a day, or None."""
        if (cached := self._cache.get(access_key_id)) is not None:
            return cached
        row = self._world.state.one("SELECT * FROM session WHERE access_key_id = ?", (access_key_id,))
        if row is None:
            return None
        if len(self._cache) >= _CACHED_SESSIONS:
            self._cache.clear()
        return self._cache.setdefault(access_key_id, _view(row))

    def caller(self, session: SessionView) -> Caller:
        """Give who a session is now: its role's present policies, and the session policies it was issued with.

        Raises AwsError ExpiredToken when it is over, InvalidClientTokenId when its role is gone or made anew.
        """
        if self._world.clock.now() >= session.expires:
            raise AwsError(
                "ExpiredToken", "The security token included in the request is expired", HTTPStatus.FORBIDDEN
            )
        role = self._iam.role(session.role_arn)
        if role is None or role.role_id != session.role_id:
            raise AwsError(
                "InvalidClientTokenId", "The security token included in the request is invalid", HTTPStatus.FORBIDDEN
            )
        documents = session.documents
        return Caller(
            kind=CallerKind.ROLE,
            account=self._world.account,
            arn=self._arn(session),
            principal_arn=role.arn,
            user_id=session.user_id,
            access_key_id=session.access_key_id,
            name=session.role_name,
            identity_policies=role.policies,
            session_policies=None if documents is None else tuple(session_policy(text) for text in documents),
            session_expires=session.expires,
            context=self._context(session, role),
        )

    def prune(self) -> None:
        """Forget sessions that ended more than a day ago."""
        limit = self._world.clock.now() - REMEMBERED_AFTER_END
        if self._world.state.run("DELETE FROM session WHERE expires < ?", (_text(limit),)):
            self._cache.clear()

    def reset(self) -> None:
        """Forget all sessions."""
        self._world.state.run("DELETE FROM session")
        self._cache.clear()

    def _begun(self, role: RoleView, credentials: SeaweedCredentials, duration: int, **given: Any) -> SessionView:
        issued = self._world.clock.now().replace(microsecond=0)
        return SessionView(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
            role_arn=role.arn,
            role_id=role.role_id,
            role_name=role.name,
            issued=issued,
            expires=issued + timedelta(seconds=duration),
            **given,
        )

    def _keep(self, view: SessionView) -> None:
        self.prune()
        values = (
            view.access_key_id,
            view.secret_access_key,
            view.session_token,
            view.role_arn,
            view.role_id,
            view.role_name,
            view.name,
            _text(view.issued),
            _text(view.expires),
            json.dumps(view.documents),
            view.source_identity,
            json.dumps(dict(view.tags)),
            json.dumps(view.transitive),
            json.dumps(dict(view.context)),
        )
        places = ", ".join("?" * len(values))
        self._world.state.run(f"INSERT INTO session VALUES ({places})", values)  # noqa: S608 - only question marks

    def _handed_out(self, view: SessionView, size: int) -> SessionCredentials:
        return SessionCredentials(
            access_key_id=view.access_key_id,
            secret_access_key=view.secret_access_key,
            session_token=view.session_token,
            expiration=view.expires,
            assumed_role_arn=self._arn(view),
            assumed_role_id=view.user_id,
            packed_policy_size=size,
        )

    def _arn(self, session: SessionView) -> str:
        return f"arn:aws:sts::{self._world.account}:assumed-role/{session.role_name}/{session.name}"

    def _context(self, session: SessionView, role: RoleView) -> Mapping[str, str | tuple[str, ...]]:
        """Give the condition keys of a session; session tags win over the role's tags of the same name.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        given = {key.lower() for key in session.tags}
        tags = {key: value for key, value in role.tags.items() if key.lower() not in given} | dict(session.tags)
        identity = {} if session.source_identity is None else {"aws:SourceIdentity": session.source_identity}
        return {
            "aws:userid": session.user_id,
            "aws:PrincipalArn": role.arn,
            "aws:PrincipalType": CallerKind.ROLE.value,
            "aws:PrincipalAccount": self._world.account,
            "aws:TokenIssueTime": session.issued.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **{f"aws:PrincipalTag/{key}": value for key, value in tags.items()},
            **identity,
            **session.context,
        }


def check_duration(role: RoleView, duration: int, *, chained: bool) -> None:
    """Raise AwsError ValidationError when a session of `role` may not last `duration` seconds."""
    if chained and duration > ONE_HOUR:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise AwsError("ValidationError", message)
    if duration > role.max_session_duration:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", message)


@functools.lru_cache(maxsize=4096)
def session_policy(document: str) -> Policy:
    """Parse a session policy once; raises AwsError MalformedPolicyDocument."""
    try:
        return Policy.parse(document, "session")
    except PolicyError as error:
        raise AwsError("MalformedPolicyDocument", str(error)) from error


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _view(row: sqlite3.Row) -> SessionView:
    documents = json.loads(row["documents"])
    return SessionView(
        access_key_id=row["access_key_id"],
        secret_access_key=row["secret_access_key"],
        session_token=row["session_token"],
        role_arn=row["role_arn"],
        role_id=row["role_id"],
        role_name=row["role_name"],
        name=row["name"],
        issued=datetime.fromisoformat(row["issued"]),
        expires=datetime.fromisoformat(row["expires"]),
        documents=None if documents is None else tuple(documents),
        source_identity=row["source_identity"],
        tags=json.loads(row["tags"]),
        transitive=tuple(json.loads(row["transitive"])),
        context={
            key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(row["context"]).items()
        },
    )
