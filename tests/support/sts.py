"""IAM, sessions and STS of a sandbox in this process, without servers: what decides, at the speed of function calls."""

import itertools
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grants.sandbox.authorization import decide
from grants.sandbox.calls import Call, Caller, CallerKind
from grants.sandbox.clock import Clock
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import IamService
from grants.sandbox.seaweed import SeaweedCredentials
from grants.sandbox.sessions import Sessions
from grants.sandbox.state import State
from grants.sandbox.sts import StsService
from grants.sandbox.world import DEFAULT_ACCOUNT, World

ACCOUNT = DEFAULT_ACCOUNT
ASSUME, TAG, IDENTIFY = "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"


class NoObjects:
    """Stands where SeaweedFS would: takes what is pushed, makes up credentials, and remembers the sessions it gave."""

    def __init__(self) -> None:
        self.assumed: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("put_", "delete_")):
            return lambda *_, **__: None
        raise AttributeError(name)

    root_access_key_id = "AKIAROOTROOTROOTROOT"
    root_secret_access_key = "root's secret"

    def assume(self, role: str, **wish: Any) -> SeaweedCredentials:
        self.assumed.append({"role": role, **wish})
        return SeaweedCredentials(
            access_key_id="ASIA" + secrets.token_hex(8).upper(),
            secret_access_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(60),
        )


class StsLab:
    """One account to try rules in."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "sandbox.sqlite3"
        self.seaweed = NoObjects()
        self._ids = itertools.count()
        self.open()

    def open(self) -> None:
        """Open it, again after `close`, as a restarted sandbox would."""
        state = State(self.path, [IamService.SCHEMA, Sessions.SCHEMA])
        self.world = World(directory=self.path.parent, state=state, clock=Clock(), seaweed=self.seaweed)  # type: ignore[arg-type]
        self.iam = IamService(self.world)
        self.sessions = Sessions(self.world, self.iam)
        self.sts = StsService(self.world, self.iam, self.sessions)

    def close(self) -> None:
        self.world.state.close()

    @property
    def root(self) -> Caller:
        arn = f"arn:aws:iam::{ACCOUNT}:root"
        return Caller(kind=CallerKind.ROOT, account=ACCOUNT, arn=arn, principal_arn=arn, user_id=ACCOUNT)

    def call(self, service: str, operation: str, caller: Caller | None = None, **parameters: Any) -> Mapping[str, Any]:
        """Do an operation as `caller`, or as root."""
        call = Call(
            service=service,
            operation=operation,
            parameters=parameters,
            caller=caller or self.root,
            context={"aws:SecureTransport": "true", "aws:SourceIp": "127.0.0.1"},
            request_id="test",
        )
        answer = (self.sts if service == "sts" else self.iam).handle(call)
        assert isinstance(answer, Mapping) or answer is None
        return answer or {}

    def user(self, *documents: Mapping[str, Any], name: str = "") -> Caller:
        """Make a user with these inline policies and give them as a caller."""
        name = name or f"uploader{next(self._ids)}"
        self.call("iam", "CreateUser", UserName=name)
        for number, document in enumerate(documents):
            text = json.dumps(document)
            self.call("iam", "PutUserPolicy", UserName=name, PolicyName=f"p{number}", PolicyDocument=text)
        key = self.iam.key(self.call("iam", "CreateAccessKey", UserName=name)["AccessKey"]["AccessKeyId"])
        assert key is not None
        return self.iam.caller(key)

    def role(self, trusted: object, *documents: Mapping[str, Any], name: str = "", **fields: Any) -> str:
        """Make a role that trusts `trusted` (a caller, ARNs, a Principal element or whole statements); give its ARN."""
        name = name or f"role{next(self._ids)}"
        answer = self.call(
            "iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(trusted)), **fields
        )
        for number, document in enumerate(documents):
            text = json.dumps(document)
            self.call("iam", "PutRolePolicy", RoleName=name, PolicyName=f"p{number}", PolicyDocument=text)
        arn = answer["Role"]["Arn"]
        assert isinstance(arn, str)
        return arn

    def assume(self, caller: Caller, role: str, **parameters: Any) -> Mapping[str, Any]:
        """AssumeRole."""
        return self.call("sts", "AssumeRole", caller, **{"RoleArn": role, "RoleSessionName": "work", **parameters})

    def session(self, caller: Caller, role: str, **parameters: Any) -> Caller:
        """Assume a role and give the session as a caller."""
        return self.caller(self.assume(caller, role, **parameters))

    def caller(self, answer: Mapping[str, Any]) -> Caller:
        """Give who the handed out credentials are now."""
        session = self.sessions.find(answer["Credentials"]["AccessKeyId"])
        assert session is not None
        return self.sessions.caller(session)

    def later(self, **time: float) -> None:
        """Move the sandbox's clock forward."""
        self.world.clock.move(self.world.clock.offset + timedelta(**time))


def allow(action: str | Sequence[str], resource: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """Give a policy of one statement."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}],
    }


def deny(action: str | Sequence[str], resource: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """Give a policy that forbids."""
    return allow(action, resource, **{**more, "Effect": "Deny"})


def trusts(principal: object, action: str | Sequence[str] = ASSUME, **more: Any) -> dict[str, Any]:
    """Give a statement of a trust policy."""
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def trust(trusted: object) -> dict[str, Any]:
    """Give a trust policy: for a caller and everything a session may carry, for an ARN, or of these statements."""
    if isinstance(trusted, Caller):
        trusted = trusted.principal_arn
    if isinstance(trusted, str):
        trusted = [trusts({"AWS": trusted}, [ASSUME, TAG, IDENTIFY])]
    return {"Version": "2012-10-17", "Statement": trusted}


def may(caller: Caller, action: str, resource: str, **context: str) -> bool:
    """Ask the evaluator."""
    return decide(caller, action, resource, context).allowed


def refused(code: str, saying: str = "") -> Any:
    """Expect AWS's error of this code whose message has this in it."""
    return pytest.raises(AwsError, match=rf"(?s)^{code}: .*{saying}")
