"""S3 Access Grants of a sandbox in this process, without servers; every answer is held against botocore's model."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from grants import policies
from grants.sandbox import wire
from grants.sandbox.access_grants import AccessGrantsService
from grants.sandbox.access_grants.refusals import CODES
from grants.sandbox.calls import Call, Caller
from grants.sandbox.clock import Clock
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import IamService
from grants.sandbox.sessions import Sessions
from grants.sandbox.state import State
from grants.sandbox.sts import StsService
from grants.sandbox.world import World
from tests.support.judge import faults_of
from tests.support.sts import ACCOUNT, NoObjects, StsLab, allow

INSTANCE = f"arn:aws:s3:eu-central-1:{ACCOUNT}:access-grants/default"
BUCKET = "gallery"


class Buckets(NoObjects):
    """The buckets SeaweedFS would have."""

    def __init__(self) -> None:
        super().__init__()
        self.names = {BUCKET}

    def client(self) -> "Buckets":
        return self

    def head_bucket(self, *, Bucket: str) -> None:  # noqa: N803 - boto3's name
        if Bucket not in self.names:
            answer: Any = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(answer, "HeadBucket")


class GrantsLab(StsLab):
    """An account with a bucket, an instance and a role that its locations can have."""

    seaweed: Buckets

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.judged = True

    def open(self) -> None:
        if not isinstance(self.seaweed, Buckets):
            self.seaweed = Buckets()
        state = State(self.path, [IamService.SCHEMA, Sessions.SCHEMA, AccessGrantsService.SCHEMA])
        self.world = World(directory=self.path.parent, state=state, clock=Clock(), seaweed=self.seaweed)  # type: ignore[arg-type]
        self.iam = IamService(self.world)
        self.sessions = Sessions(self.world, self.iam)
        self.sts = StsService(self.world, self.iam, self.sessions)
        self.grants = AccessGrantsService(self.world, self.iam, self.sessions)

    def do(self, operation: str, by: Caller | None = None, **parameters: Any) -> Mapping[str, Any]:
        """Do an operation as a caller, or as root; the answer is judged as it would go over the wire."""
        call = Call(
            service="s3control",
            operation=operation,
            parameters={"AccountId": ACCOUNT, **parameters},
            caller=by or self.root,
            context={"aws:SecureTransport": "true"},
            request_id="test",
        )
        try:
            answer = self.grants.handle(call)
        except AwsError as error:
            check_code(error)
            raise
        if self.judged:
            self.judge(operation, answer)
        return answer

    def judge(self, operation: str, answer: Mapping[str, Any]) -> None:
        """Write an answer as the front does and hold it against the model."""
        written = wire.answer("s3control", operation, answer, "test")
        shape = wire.model("s3control").operation_model(operation)
        assert not faults_of(shape, written.status, written.headers, written.body)

    def instance(self) -> Mapping[str, Any]:
        """Make the instance."""
        return self.do("CreateAccessGrantsInstance")

    def location_role(self, **fields: Any) -> str:
        """Make a role that S3 Access Grants can take; give its ARN."""
        statements = policies.location_trust(INSTANCE)["Statement"]
        return self.role(statements, allow("s3:*"), **fields)

    def location(self, scope: str = f"s3://{BUCKET}", role: str = "") -> str:
        """Register a location and give its id."""
        answer = self.do("CreateAccessGrantsLocation", LocationScope=scope, IAMRoleArn=role or self.location_role())
        return str(answer["AccessGrantsLocationId"])

    def grant(self, location: str, sub_prefix: str, to: Caller | str, permission: str = "READ", **more: Any) -> str:
        """Make a grant and give its id."""
        return str(self.granted(location, sub_prefix, to, permission, **more)["AccessGrantId"])

    def granted(
        self, location: str, sub_prefix: str, to: Caller | str, permission: str = "READ", **more: Any
    ) -> Mapping[str, Any]:
        """Make a grant and give the answer."""
        return self.do("CreateAccessGrant", **wish(location, sub_prefix, to, permission), **more)

    def access(self, by: Caller, target: str, permission: str = "READ", **more: Any) -> Mapping[str, Any]:
        """GetDataAccess."""
        return self.do("GetDataAccess", by, Target=target, Permission=permission, **more)

    def given(self, by: Caller, target: str, permission: str = "READ", **more: Any) -> Caller:
        """Give the session of GetDataAccess as a caller."""
        return self.caller(self.access(by, target, permission, **more))

    def reader(self, name: str = "") -> Caller:
        """Make a user that may ask for data."""
        return self.user(allow(["s3:GetDataAccess", "s3:ListCallerAccessGrants"]), name=name)

    def pages(self, operation: str, member: str, by: Caller | None = None, **parameters: Any) -> Iterator[list[Any]]:
        """Give the pages of a list."""
        answer = self.do(operation, by, **parameters)
        yield answer[member]
        while "NextToken" in answer:
            answer = self.do(operation, by, **parameters, NextToken=answer["NextToken"])
            yield answer[member]


def check_code(error: AwsError) -> None:
    """Fail unless an error is on AWS's list, with its status."""
    assert CODES.get(error.code) == error.status, f"{error.code} does not come with {error.status}"


def wish(location: str, sub_prefix: str, to: Caller | str, permission: str = "READ") -> dict[str, Any]:
    """Give the parameters of a grant."""
    arn = to if isinstance(to, str) else to.principal_arn
    wanted: dict[str, Any] = {
        "AccessGrantsLocationId": location,
        "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": arn},
        "Permission": permission,
    }
    return {**wanted, "AccessGrantsLocationConfiguration": {"S3SubPrefix": sub_prefix}} if sub_prefix else wanted


def refused(code: str, saying: str = "") -> Any:
    """Expect an error code whose message has this in it."""
    assert code in CODES, f"{code} is not on AWS's list"
    return pytest.raises(AwsError, match=rf"(?s)^{code}: .*{saying}")


def text(document: Mapping[str, Any]) -> str:
    """Write a document."""
    return json.dumps(document)
