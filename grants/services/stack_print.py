"""The stack as documents and a checklist, for those who make it by hand: from the same source as `access up`."""

import json
from collections.abc import Mapping
from typing import Any

from grants import stack_policies
from grants.services import ownership
from grants.services.stack_desired import POLICY_NAME, Stack


def documents(stack: Stack) -> dict[str, Mapping[str, Any]]:
    """Give every policy document of the stack by the name of its file."""
    found: dict[str, Mapping[str, Any]] = {}
    for role in stack.roles:
        slug = role.part.replace(" ", "-")
        found[f"{slug}-trust.json"] = role.trust
        found[f"{slug}-policy.json"] = role.policy
    found["uploader-group-policy.json"] = stack.group_policy
    found["service-policy.json"] = stack.service_policy
    found["bucket-policy.json"] = stack_policies.bucket_policy(stack.bucket)
    return found


def checklist(stack: Stack) -> str:
    """Give what to do by hand, as commands of the AWS CLI over those files."""
    lines = [
        f"# The stack of {stack.bucket} in {stack.region} of {stack.account}",
        "",
        "# 1. The bucket: closed to the public, encrypted, versioned. What is there already stays.",
        *_bucket_lines(stack),
        "",
        "# 2. The S3 Access Grants instance of this account and Region, unless there is one.",
        f"aws s3control create-access-grants-instance --account-id {stack.account}",
        "",
        "# 3. The roles.",
        *[line for role in stack.roles for line in _role_lines(role.part, role.name, role.max_session_seconds)],
        "",
        "# 4. The location.",
        f"aws s3control create-access-grants-location --account-id {stack.account} {_location_options(stack)}",
        "",
        "# 5. The uploaders' group.",
        f"aws iam create-group --group-name {stack.group} --path {ownership.PATH}",
        f"aws iam put-group-policy --group-name {stack.group} {_policy_options('uploader-group')}",
        "",
        "# 6. The service itself runs with service-policy.json, best as the policy of an instance or container role.",
        "# 7. Where nothing but TLS is to reach the bucket:",
        f"aws s3api put-bucket-policy --bucket {stack.bucket} --policy file://bucket-policy.json",
        "",
        "# Then: cellenium-admin access adopt --all",
    ]
    return "\n".join(lines)


def everything(stack: Stack) -> str:
    """Give documents and checklist in one text."""
    parts = [f"# {name}\n{json.dumps(document, indent=2)}" for name, document in documents(stack).items()]
    return "\n\n".join([*parts, checklist(stack)])


def _bucket_lines(stack: Stack) -> list[str]:
    name = stack.bucket
    closed = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    lines = [
        f"aws s3api create-bucket --bucket {name} --create-bucket-configuration LocationConstraint={stack.region}",
        f"aws s3api put-public-access-block --bucket {name} --public-access-block-configuration {closed}",
        f"aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled",
    ]
    if stack.log_target:
        target, _, prefix = stack.log_target.removeprefix("s3://").partition("/")
        status = json.dumps({"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}})
        lines.append(f"aws s3api put-bucket-logging --bucket {name} --bucket-logging-status '{status}'")
    return lines


def _role_lines(part: str, name: str, seconds: int) -> list[str]:
    slug = part.replace(" ", "-")
    options = f"--max-session-duration {seconds} --assume-role-policy-document file://{slug}-trust.json"
    return [
        f"aws iam create-role --role-name {name} --path {ownership.PATH} {options}",
        f"aws iam put-role-policy --role-name {name} {_policy_options(slug)}",
    ]


def _policy_options(slug: str) -> str:
    return f"--policy-name {POLICY_NAME} --policy-document file://{slug}-policy.json"


def _location_options(stack: Stack) -> str:
    return f"--location-scope {stack.scope} --iam-role-arn {stack.role_arn('location role')}"
