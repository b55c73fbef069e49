"""A store with an importer role as `access up` makes it, people with prefixes, and the product as an IAM user."""

from dataclasses import dataclass
from typing import Any

import pytest

from cellenium_admin.core import prefixes
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from grants import stack_policies
from grants.aws.factory import connect
from grants.aws.gateway import Aws, Session
from grants.services.issuing import Issued
from grants.services.prefix_credentials import issue_for_prefix
from tests.builders.people import person
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow


@dataclass
class Desk:
    """Where credentials are asked for."""

    bucket: str
    service: Aws
    sandbox: Sandbox

    def issue(self, user: User, purpose: str = "upload", **more: Any) -> Issued:
        """Take credentials as a person."""
        return issue_for_prefix(user=user, actor=Actor.of(user), aws=self.service, purpose=purpose, **more)

    def s3(self, session: Session) -> Any:
        """Make a client that has a session."""
        return self.sandbox("s3", revealed(session))

    def put(self, key: str, body: bytes = b"1") -> None:
        """Put an object as root."""
        self.sandbox("s3").put_object(Bucket=self.bucket, Key=key, Body=body)


def revealed(session: Session) -> dict[str, str]:
    """Give a session as boto3 takes it."""
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key.reveal(),
        "SessionToken": session.session_token.reveal(),
    }


def with_prefix(name: str, **fields: Any) -> User:
    """Make a member with a prefix, as after the first login."""
    return person(name, upload_prefix=prefixes.prefix_for(f"{name}@example.org"), **fields)


@pytest.fixture
def desk(aws: Sandbox, aws_environment: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Desk:
    user = aws.make_user(allow("*"))
    for name, value in aws.sandbox.environment(user).items():
        monkeypatch.setenv(name, value)
    bucket = aws.make_bucket(versioned=True)
    settings.H5AD_STORE = f"s3://{bucket}"
    role = stack_policies.importer_role(bucket, "input/", may_delete=True)
    trust = stack_policies.importer_trust(user["Arn"])
    settings.IMPORTER_ROLE_ARN = aws.make_role(trust, role, MaxSessionDuration=43_200)
    settings.CREDENTIALS_PER_HOUR = 60
    return Desk(bucket, connect(), aws)


@pytest.fixture
def uploader(db: None) -> User:
    return with_prefix("uploader")


@pytest.fixture
def neighbour(db: None) -> User:
    return with_prefix("neighbour")
