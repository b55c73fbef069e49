"""The stack as documents and a checklist, for those who make it by hand: from the same source as `access up`."""

import json
from collections.abc import Mapping
from typing import Any

from grants import service_trusts, stack_policies
from grants.services import ownership
from grants.services.stack_desired import POLICY_NAME, Role, Stack

FIRST_REGION = "us-east-1"
# What AWS calls an example; the id of the cluster's own issuer takes its place.
OIDC_ID = "EXAMPLED539D4633E53DE1B71EXAMPLE"
CLOSED = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"


def documents(stack: Stack) -> dict[str, Mapping[str, Any]]:
    """Give every document of the stack by the name of its file: policies, and the bucket's and queues' settings."""
    found: dict[str, Mapping[str, Any]] = {}
    for role in stack.roles:
        found[f"{_slug(role.part)}-trust.json"] = role.trust
        found[f"{_slug(role.part)}-policy.json"] = role.policy
    found["uploader-group-policy.json"] = stack.group_policy
    found["service-policy.json"] = stack.service_policy
    found |= _service_trusts(stack)
    found["bucket-policy.json"] = stack_policies.bucket_policy(stack.bucket)
    if stack.log_target:
        target, _, prefix = stack.log_target.removeprefix("s3://").partition("/")
        where = {"bucket": stack.bucket, "account": stack.account, "partition": stack.partition}
        found["log-bucket-policy.json"] = service_trusts.access_log(target, prefix, **where)
    found["encryption.json"] = _encryption(stack.kms_key)
    if stack.uploads.cors:
        found["cors.json"] = {"CORSRules": [stack.uploads.cors]}
    found["lifecycle.json"] = {"Rules": [stack.uploads.lifecycle]}
    for queue in (stack.uploads.dead_letters, stack.uploads.events):
        found[f"{_slug(queue.part)}.json"] = queue.attributes
    found["notification.json"] = {"QueueConfigurations": [stack.uploads.notification]}
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
        f"aws s3control create-access-grants-instance --account-id {stack.account} --tags {_tags()}",
        "",
        "# 3. The roles.",
        *[line for role in stack.roles for line in _role_lines(role)],
        "",
        "# 4. The location.",
        f"aws s3control create-access-grants-location --account-id {stack.account} {_location_options(stack)}",
        "",
        "# 5. The uploaders' group.",
        f"aws iam create-group --group-name {stack.group} --path {ownership.PATH}",
        f"aws iam put-group-policy --group-name {stack.group} {_policy_options('uploader-group')}",
        "",
        "# 6. Uploads. put-bucket-... replaces what is there: look with get-bucket-... first, and put both together.",
        *_upload_lines(stack),
        "",
        "# 7. The service itself runs with service-policy.json, best as the policy of an instance or container role:",
        "# take service-trust-ec2.json, -ecs.json, or -eks.json with the id of the cluster's OIDC issuer.",
        f"aws iam create-policy --policy-name {stack.service_policy_name} --policy-document file://service-policy.json",
        "",
        "# 8. Nothing but TLS reaches the bucket. This too replaces what get-bucket-policy shows.",
        f"aws s3api put-bucket-policy --bucket {stack.bucket} --policy file://bucket-policy.json",
        "",
        "# Then: cellenium-admin access adopt --all",
    ]
    return "\n".join(lines)


def everything(stack: Stack) -> str:
    """Give documents and checklist in one text."""
    parts = [f"# {name}\n{json.dumps(document, indent=2)}" for name, document in documents(stack).items()]
    return "\n\n".join([*parts, checklist(stack)])


def _service_trusts(stack: Stack) -> dict[str, Mapping[str, Any]]:
    """Give the trust of the service's own role for each place where it may run."""
    issuer = f"oidc.eks.{stack.region}.amazonaws.com/id/{OIDC_ID}"
    account, partition = stack.account, stack.partition
    return {
        "service-trust-ec2.json": service_trusts.ec2_instances(),
        "service-trust-ecs.json": service_trusts.ecs_tasks(account, stack.region, partition),
        "service-trust-eks.json": service_trusts.kubernetes_service_account(
            account, issuer=issuer, namespace="cellenium", name="cellenium-admin", partition=partition
        ),
    }


def _bucket_lines(stack: Stack) -> list[str]:
    name = stack.bucket
    # S3 refuses the name of this one Region there.
    first = stack.region == FIRST_REGION
    where = "" if first else f" --create-bucket-configuration LocationConstraint={stack.region}"
    encrypted = "--server-side-encryption-configuration file://encryption.json"
    lines = [
        f"aws s3api create-bucket --bucket {name} --region {stack.region}{where}",
        f"aws s3api put-public-access-block --bucket {name} --public-access-block-configuration {CLOSED}",
        f"aws s3api put-bucket-encryption --bucket {name} {encrypted}",
        f"aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled",
    ]
    if stack.log_target:
        target, _, prefix = stack.log_target.removeprefix("s3://").partition("/")
        status = json.dumps({"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}})
        lines += [
            f"# The policy of {target} must have what log-bucket-policy.json says.",
            f"aws s3api put-bucket-logging --bucket {name} --bucket-logging-status '{status}'",
        ]
    return lines


def _role_lines(role: Role) -> list[str]:
    slug = _slug(role.part)
    trust = f"--assume-role-policy-document file://{slug}-trust.json"
    options = f"--max-session-duration {role.max_session_seconds} {trust} --tags {_tags()}"
    return [
        f"aws iam create-role --role-name {role.name} --path {ownership.PATH} {options}",
        f"aws iam put-role-policy --role-name {role.name} {_policy_options(slug)}",
    ]


def _upload_lines(stack: Stack) -> list[str]:
    uploads, bucket = stack.uploads, f"--bucket {stack.bucket}"
    cors = [f"aws s3api put-bucket-cors {bucket} --cors-configuration file://cors.json"] if uploads.cors else []
    tags = json.dumps(ownership.tags("stack"))
    queues = [
        f"aws sqs create-queue --queue-name {one.name} --attributes file://{_slug(one.part)}.json --tags '{tags}'"
        for one in (uploads.dead_letters, uploads.events)
    ]
    told = "--notification-configuration file://notification.json"
    return [
        *cors,
        f"aws s3api put-bucket-lifecycle-configuration {bucket} --lifecycle-configuration file://lifecycle.json",
        *queues,
        f"aws s3api put-bucket-notification-configuration {bucket} {told}",
    ]


def _encryption(kms_key: str) -> dict[str, Any]:
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key} if kms_key else {"SSEAlgorithm": "AES256"}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": bool(kms_key)}]}


def _slug(part: str) -> str:
    return part.replace(" ", "-")


def _tags() -> str:
    return " ".join(f"Key={key},Value={value}" for key, value in ownership.tags("stack").items())


def _policy_options(slug: str) -> str:
    return f"--policy-name {POLICY_NAME} --policy-document file://{slug}-policy.json"


def _location_options(stack: Stack) -> str:
    return f"--location-scope {stack.scope} --iam-role-arn {stack.role_arn('location role')}"
