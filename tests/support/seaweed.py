"""SeaweedFS with users, sessions and a bucket, to try its judgement on."""

import itertools
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from grants.sandbox.seaweed import SeaweedFS

ACCOUNT = "123456789012"
BUCKET = "study-data"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
OBJECTS = f"{BUCKET_ARN}/*"
ANYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
KEYS = (
    "a/x", "A/x", "a/b/x", "b/x", "a[1]/x", "a+b/x", "a.b/x", "aXb/x", "a b/x", "é/x", "a*b", "a?b", "a$b", "a\\b",
    "${aws:username}/x",
)  # fmt: skip

_numbers = itertools.count()


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Make a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | Sequence[str], *resources: str, **more: Any) -> dict[str, Any]:
    """Make an allowing statement."""
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or [BUCKET_ARN, OBJECTS], **more}


def deny(action: str | Sequence[str], *resources: str, **more: Any) -> dict[str, Any]:
    """Make a denying statement."""
    return allow(action, *resources, **more) | {"Effect": "Deny"}


def unique(prefix: str) -> str:
    """Make a name that no other test uses."""
    return f"{prefix}-{next(_numbers)}-{secrets.token_hex(3)}"


def s3_client(endpoint_url: str, *keys: str) -> Any:
    """Make a client that tries once."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="eu-central-1",
        **dict(zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), keys, strict=False)),
        config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def refusal(call: Any, *arguments: Any, **parameters: Any) -> str | None:
    """Give the error code a call is answered with, or None."""
    try:
        answer = call(*arguments, **parameters)
    except botocore.exceptions.ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    if isinstance(answer, dict) and "Body" in answer:
        answer["Body"].close()  # or its connection is never given back
    return None


class Stage:
    """A running SeaweedFS with a versioned bucket of a few objects, users and sessions made on demand."""

    def __init__(self, directory: Path) -> None:
        self.server = SeaweedFS(directory, account=ACCOUNT)
        self.server.start()
        self.root = self.server.client()
        self.root.create_bucket(Bucket=BUCKET)
        self.root.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for key in KEYS:
            self.root.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    def user(self, name: str, *documents: Mapping[str, Any]) -> Any:
        """Make a user with these policies and give their client."""
        keys = (f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30))
        self.server.put_user(name, documents)
        self.server.put_key(name, *keys, active=True)
        return s3_client(self.server.endpoint_url, *keys)

    def session(self, role: str, *policies: Mapping[str, Any], name: str = "session") -> Any:
        """Assume a role and give the session's client."""
        found = self.server.assume(role, session_name=name, duration=900, policies=policies)
        return s3_client(self.server.endpoint_url, found.access_key_id, found.secret_access_key, found.session_token)
