"""The sandbox's IAM called as the front calls it, with a stand-in for SeaweedFS that remembers what it was given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from grants.sandbox.calls import Call, Caller
from grants.sandbox.clock import Clock
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import IamService
from grants.sandbox.state import State
from grants.sandbox.world import World

ROOT_KEY = "AKIAROOTROOTROOTROOT"
ACCOUNT = "123456789012"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MODEL = botocore.session.get_session().get_service_model("iam")


def document(*statements: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Mapping[str, Any]:
    """Give a policy document that allows an action."""
    return document({"Effect": "Allow", "Action": action, "Resource": resource, **more})


def trusting(principal: Any) -> Mapping[str, Any]:
    """Give a trust policy for one principal."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


@dataclass
class RememberedSeaweedFS:
    """What SeaweedFS would have been given; `broken` makes it refuse everything."""

    root_access_key_id: str = ROOT_KEY
    root_secret_access_key: str = "secret-of-the-root"
    users: dict[str, list[Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    roles: dict[str, list[Any]] = field(default_factory=dict)
    broken: bool = False

    def put_user(self, name: str, documents: Sequence[Mapping[str, Any]]) -> None:
        self._work()
        self.users[name] = list(documents)

    def delete_user(self, name: str) -> None:
        self._work()
        self.users.pop(name, None)

    def put_key(self, user: str, access_key_id: str, secret_access_key: str, *, active: bool) -> None:
        self._work()
        assert user in self.users, "a key needs its user"
        assert self.keys.get(access_key_id, (user,))[0] == user, "a key has one user"
        self.keys[access_key_id] = (user, secret_access_key, active)

    def delete_key(self, user: str, access_key_id: str) -> None:
        self._work()
        self.keys.pop(access_key_id, None)

    def put_role(self, name: str, documents: Sequence[Mapping[str, Any]]) -> None:
        self._work()
        self.roles[name] = list(documents)

    def delete_role(self, name: str) -> None:
        self._work()
        self.roles.pop(name, None)

    def _work(self) -> None:
        if self.broken:
            raise AwsError("InternalFailure", "The stand-in for SeaweedFS was told to refuse.", 500)


class Driver:
    """An IAM with a clock that stands still, called by the root unless told otherwise."""

    def __init__(self, directory: Path, seaweed: RememberedSeaweedFS | None = None) -> None:
        self.directory = directory
        self.time = START
        self.seaweed = seaweed or RememberedSeaweedFS()
        self.open()

    def open(self) -> None:
        """Start the service on what the directory has, as after a crash: nothing was closed properly before."""
        state = State(self.directory / "sandbox.sqlite3", [IamService.SCHEMA])
        self.world = World(
            directory=self.directory,
            state=state,
            clock=Clock(machine=lambda: self.time),
            seaweed=self.seaweed,  # type: ignore[arg-type]
            account=ACCOUNT,
        )
        self.iam = IamService(self.world)
        self.iam.push_all()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    @property
    def root(self) -> Caller:
        key = self.iam.key(ROOT_KEY)
        assert key is not None
        return self.iam.caller(key)

    def caller(self, access_key_id: str) -> Caller:
        """Give whoever signs with a key."""
        key = self.iam.key(access_key_id)
        assert key is not None
        return self.iam.caller(key)

    def user(self, name: str, *documents: Mapping[str, Any], **more: Any) -> Caller:
        """Make a user with inline policies and a key, and give it as caller."""
        self("CreateUser", UserName=name, **more)
        for number, text in enumerate(documents):
            self("PutUserPolicy", UserName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(text))
        return self.caller(self("CreateAccessKey", UserName=name)["AccessKey"]["AccessKeyId"])

    def __call__(self, operation: str, *, by: Caller | None = None, **parameters: Any) -> dict[str, Any]:
        """Call an operation and hold the answer against botocore's model."""
        call = Call(
            service="iam",
            operation=operation,
            parameters=parameters,
            caller=by or self.root,
            context={"aws:SecureTransport": "true"},
            request_id="request",
        )
        answer = dict(self.iam.handle(call))
        check_answer(operation, answer)
        return answer

    def refused(self, operation: str, code: str, *, by: Caller | None = None, **parameters: Any) -> str:
        """Expect an error code of a call, and give the message."""
        with pytest.raises(AwsError) as refusal:
            self(operation, by=by, **parameters)
        assert refusal.value.code == code, refusal.value
        return refusal.value.message


def check_answer(operation: str, answer: Mapping[str, Any]) -> None:
    """Fail unless an answer has all required members of the operation's output, none unknown, and the right types."""
    shape = MODEL.operation_model(operation).output_shape
    if shape is None:
        assert answer == {}, f"{operation} answers nothing in botocore's model"
    else:
        _check(shape, answer, operation)


_TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": datetime, "blob": bytes}


def _check(shape: Any, value: Any, where: str) -> None:
    if shape.type_name == "structure":
        unknown, missing = set(value) - set(shape.members), set(shape.required_members) - set(value)
        assert not unknown, f"{where}: unknown {unknown}"
        assert not missing, f"{where}: missing {missing}"
        for name, member in value.items():
            _check(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        for member in value:
            _check(shape.member, member, f"{where}[]")
    elif shape.type_name == "map":
        for member in value.values():
            _check(shape.value, member, f"{where}{{}}")
    else:
        assert isinstance(value, _TYPES[shape.type_name]), f"{where}: {value!r} is no {shape.type_name}"
