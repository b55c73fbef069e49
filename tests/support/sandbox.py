"""One sandbox per xdist worker, and what tests make in it: users, roles, buckets and grants with names of their own."""

import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from grants.sandbox.embedded import EmbeddedSandbox

Document = Mapping[str, Any]


class Aws:
    """The account of a sandbox in a test: `aws("s3")` is root's client, `aws("s3", key)` that of others."""

    def __init__(self, sandbox: EmbeddedSandbox) -> None:
        self.sandbox, self.account, self.region = sandbox, sandbox.account, sandbox.region
        self._roots: dict[str, Any] = {}

    def __call__(self, service: str, credentials: Mapping[str, str] | None = None, config: Config | None = None) -> Any:
        """Make a client that tries once; `credentials` as AWS answers them. Root's clients are made once."""
        if credentials or config:
            return self.sandbox.client(service, credentials, config=config)
        if service not in self._roots:
            self._roots[service] = self.sandbox.client(service)
        return self._roots[service]

    def name(self, prefix: str) -> str:
        """Give a name that no other test uses."""
        return f"{prefix}-{secrets.token_hex(5)}"

    def make_user(self, *policies: Document, name: str = "") -> dict[str, str]:
        """Make an IAM user with inline policies; gives its credentials with UserName and Arn beside them."""
        name = name or self.name("user")
        iam = self("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        for number, policy in enumerate(policies):
            iam.put_user_policy(UserName=name, PolicyName=f"policy{number}", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {**{member: key[member] for member in ("UserName", "AccessKeyId", "SecretAccessKey")}, "Arn": arn}

    def make_role(self, trust: Document | str, *policies: Document, name: str = "", **fields: Any) -> str:
        """Make a role that trusts an ARN, or as a whole trust policy says, with inline policies; gives its ARN."""
        name = name or self.name("role")
        document = trusting(trust) if isinstance(trust, str) else trust
        iam = self("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document), **fields)["Role"]
        for number, policy in enumerate(policies):
            iam.put_role_policy(RoleName=name, PolicyName=f"policy{number}", PolicyDocument=json.dumps(policy))
        return str(role["Arn"])

    def make_bucket(self, *, versioned: bool = False) -> str:
        """Make a bucket and give its name."""
        name = self.name("bucket")
        s3 = self("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region})
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def assume(self, role: str, credentials: Mapping[str, str], **parameters: Any) -> dict[str, str]:
        """Assume a role as somebody; gives the session's credentials."""
        wish = {"RoleSessionName": "test", **parameters}
        found: dict[str, str] = self("sts", credentials).assume_role(RoleArn=role, **wish)["Credentials"]
        return found


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """Give a policy of one statement that allows."""
    return document({"Effect": "Allow", "Action": action, "Resource": resource, **more})


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """Give a policy of one statement that denies."""
    return document({"Effect": "Deny", "Action": action, "Resource": resource, **more})


def trusting(arn: str) -> dict[str, Any]:
    """Give a trust policy for one principal and all a session may carry."""
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    return document({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": actions})


def document(*statements: Document) -> dict[str, Any]:
    """Give a policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def refusal(call: Any, **parameters: Any) -> str | None:
    """Give the error code a boto3 call is answered with, or None when it works."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    if "Body" in answer:
        answer["Body"].close()  # or its connection is never given back
    return None


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSandbox]:
    """Run one local AWS for all tests of this worker."""
    found = EmbeddedSandbox(Path(tmp_path_factory.mktemp("sandbox")) / "state")
    found.start()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def aws(sandbox: EmbeddedSandbox) -> Aws:
    """Make clients, users, roles and buckets in the sandbox of this worker."""
    return Aws(sandbox)
