"""Bucket policies: kept as written, parsed once, rendered for SeaweedFS."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from grants.evaluator import Policy, PolicyError
from grants.policy_documents import listed, statements_of
from grants.sandbox.errors import AwsError, access_denied
from grants.sandbox.iam import IamService
from grants.sandbox.s3.settings import BucketSettings
from grants.sandbox.world import World

LONGEST = 20 * 1024
_SETTING = "policy"


class BucketPolicies:
    """The policy of each bucket."""

    def __init__(self, world: World, iam: IamService, settings: BucketSettings) -> None:
        """Keep policies among the `settings`."""
        self._world, self._iam, self._settings = world, iam, settings
        self._parsed: dict[str, Policy | None] = {}

    def of(self, bucket: str) -> Policy | None:
        """Give a bucket's policy, or None."""
        if bucket not in self._parsed:
            text = self._settings.get(bucket, _SETTING)
            self._parsed[bucket] = Policy.parse(text, "resource") if text else None
        return self._parsed[bucket]

    def forget(self, bucket: str | None = None) -> None:
        """Read a bucket's policy, or all, anew when next asked for."""
        if bucket is None:
            self._parsed.clear()
        else:
            self._parsed.pop(bucket, None)

    def text(self, bucket: str) -> str:
        """Give a policy as it was written; raises NoSuchBucketPolicy."""
        found = self._settings.get(bucket, _SETTING)
        if found is None:
            raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", HTTPStatus.NOT_FOUND)
        return found

    def put(self, bucket: str, body: bytes) -> None:
        """Check and set a policy; raises MalformedPolicy, or AccessDenied where public policies are blocked."""
        text = body.decode("utf-8", "replace")
        if len(body) > LONGEST:
            raise _malformed("Policies must not be larger than 20 KB")
        try:
            policy = Policy.parse(text, "resource")
        except PolicyError as error:
            raise _malformed(str(error)) from error
        self._check_resources(bucket, policy.document)
        self._check_principals(policy.document)
        if is_public(policy.document) and self._settings.blocks(bucket, "BlockPublicPolicy"):
            message = (
                "User is not authorized to perform: s3:PutBucketPolicy because public policies are prevented by the "
                "BlockPublicPolicy setting in S3 Block Public Access."
            )
            raise access_denied(message)
        self._world.seaweed.put_bucket_policy(bucket, json.loads(text))
        self._settings.put(bucket, _SETTING, text)
        self.forget(bucket)

    def delete(self, bucket: str) -> None:
        """Take a policy away."""
        self._settings.delete(bucket, _SETTING)
        self.forget(bucket)
        self._world.seaweed.put_bucket_policy(bucket, None)

    def push_all(self, buckets: Iterable[str]) -> None:
        """Render every policy to SeaweedFS again."""
        for bucket in buckets:
            text = self._settings.get(bucket, _SETTING)
            self._world.seaweed.put_bucket_policy(bucket, json.loads(text) if text else None)

    def _check_resources(self, bucket: str, document: Mapping[str, Any]) -> None:
        arn = f"arn:aws:s3:::{bucket}"
        for statement in statements_of(document):
            for resource in listed(statement.get("Resource", statement.get("NotResource"))):
                if resource != arn and not resource.startswith(f"{arn}/") and resource != f"{arn}*":
                    raise _malformed("Policy has invalid resource")

    def _check_principals(self, document: Mapping[str, Any]) -> None:
        for name in _principals(document):
            if name in {"*", self._world.account, f"arn:aws:iam::{self._world.account}:root"}:
                continue
            if name.startswith(f"arn:aws:sts::{self._world.account}:assumed-role/"):
                continue
            if self._iam.principal_created(name) is None:
                raise _malformed("Invalid principal in policy")


def is_public(document: Mapping[str, Any]) -> bool:
    """Tell whether a policy lets anybody in: an Allow for everyone without a condition that narrows it.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    return any(
        statement["Effect"] == "Allow" and "*" in _names(statement) and not _narrowed(statement)
        for statement in statements_of(document)
    ) or any(statement["Effect"] == "Allow" and "NotPrincipal" in statement for statement in statements_of(document))


_NARROWING = {
    "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceaccount", "aws:sourceowner",
    "aws:userid", "aws:principalarn", "aws:principalaccount", "aws:principalorgid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}  # fmt: skip


def _narrowed(statement: Mapping[str, Any]) -> bool:
    for name, keys in statement.get("Condition", {}).items():
        if "Not" in name or name.lower() == "null" or name.lower().endswith("ifexists"):
            continue
        for key, values in keys.items():
            if key.lower() in _NARROWING and not any("*" in str(value) for value in listed(values)):
                return True
    return False


def _principals(document: Mapping[str, Any]) -> list[str]:
    return [name for statement in statements_of(document) for name in _names(statement)]


def _names(statement: Mapping[str, Any]) -> list[str]:
    element = statement.get("Principal", statement.get("NotPrincipal"))
    if element == "*":
        return ["*"]
    return [str(name) for name in listed((element or {}).get("AWS", []))]


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message)
