"""What is there of a stack and what is missing, part by part, with the exact calls that would make it so."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grants.aws.gateway import Aws, ObservedBucket, ObservedRole, Receipt
from grants.services import ownership
from grants.services.executors.cuts import POLICY_NAME as CUT_POLICY
from grants.services.stack_desired import POLICY_NAME, Role, Stack


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS: its name, what it is about, what it says, and how it is made."""

    name: str
    resource: str
    make: Callable[[], Receipt]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write it for people."""
        said = " ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.name} {self.resource} {said}".strip()


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the stack; `status` is ok, missing, changed or foreign."""

    part: str
    resource: str
    status: str
    detail: str = ""
    calls: tuple[Call, ...] = ()


def steps(aws: Aws, stack: Stack) -> Iterator[Step]:
    """Look at each part, in the order in which they are made; the location is a row and comes after these."""
    yield bucket(aws, stack)
    yield instance(aws, stack)
    for role in stack.roles:
        yield role_step(aws, role)
    yield group(aws, stack)


def bucket(aws: Aws, stack: Stack) -> Step:
    """Look at the bucket: there, closed to the public, encrypted, versioned, logged where the setting says."""
    name = stack.bucket
    found = aws.buckets.bucket(name)
    made = () if found else (Call("s3 CreateBucket", name, lambda: aws.buckets.create(name)),)
    if found and found.region != stack.region:
        return Step("bucket", name, "foreign", f"It is in {found.region}, grants here need {stack.region}.")
    calls = (*made, *_bucket_settings(aws, stack, found))
    status = "ok" if not calls else "changed" if found else "missing"
    return Step("bucket", name, status, calls=calls)


def _bucket_settings(aws: Aws, stack: Stack, found: ObservedBucket | None) -> Iterator[Call]:
    name = stack.bucket
    if not (found and found.public_access_blocked):
        yield Call("s3 PutPublicAccessBlock", name, lambda: aws.buckets.block_public_access(name))
    if not (found and found.encryption == (stack.kms_key or "AES256")):
        key = {"key": stack.kms_key or "AES256"}
        yield Call("s3 PutBucketEncryption", name, lambda: aws.buckets.encrypt(name, stack.kms_key), key)
    if not (found and found.versioned):
        yield Call("s3 PutBucketVersioning", name, lambda: aws.buckets.version(name))
    if stack.log_target:
        target, _, prefix = stack.log_target.removeprefix("s3://").partition("/")
        if not (found and found.logging_target == f"{target}/{prefix}"):
            wish = {"target": stack.log_target}
            yield Call("s3 PutBucketLogging", name, lambda: aws.buckets.log_to(name, target, prefix), wish)


def instance(aws: Aws, stack: Stack) -> Step:
    """Look at the S3 Access Grants instance: there is one for an account and Region, whoever made it."""
    if aws.access_grants.instance() is not None:
        return Step("access grants instance", stack.instance_arn, "ok")
    tags = ownership.tags("stack")
    call = Call(
        "s3control CreateAccessGrantsInstance", stack.instance_arn, lambda: aws.access_grants.create_instance(tags)[1]
    )
    return Step("access grants instance", stack.instance_arn, "missing", calls=(call,))


def role_step(aws: Aws, role: Role) -> Step:
    """Look at a role: ours, with this trust, this policy and this longest session."""
    found = aws.iam.role(role.name)
    if found is None:
        return Step(role.part, role.name, "missing", calls=(_create(aws, role), _put_policy(aws, role)))
    if found.path != ownership.PATH or not ownership.is_ours(aws.iam.role_tags(role.name)):
        why = f"There is a role of this name without our tag, or not on {ownership.PATH}; it is left alone."
        return Step(role.part, role.name, "foreign", why)
    calls = tuple(_role_calls(aws, role, found))
    besides = _besides(
        set(aws.iam.role_policies(role.name)) - {POLICY_NAME, CUT_POLICY}, aws.iam.attached_role_policies(role.name)
    )
    return Step(role.part, role.name, "changed" if calls or besides else "ok", besides, calls)


def _role_calls(aws: Aws, role: Role, found: ObservedRole) -> Iterator[Call]:
    name, seconds = role.name, role.max_session_seconds
    # Whom the trust names may be kept, but not that it names everybody.
    if found.trust != role.trust and (not role.keeps_trust or _trusts_everybody(found.trust)):
        make = lambda: aws.iam.update_role_trust(name, role.trust)  # noqa: E731
        yield Call("iam UpdateAssumeRolePolicy", name, make, {"trust": role.trust})
    if found.max_session_seconds != seconds:
        wish = {"MaxSessionDuration": seconds}
        yield Call("iam UpdateRole", name, lambda: aws.iam.update_role_max_session(name, seconds), wish)
    if aws.iam.role_policy(name, POLICY_NAME) != role.policy:
        yield _put_policy(aws, role)


def _trusts_everybody(trust: Mapping[str, Any]) -> bool:
    statements = trust.get("Statement", ())
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        principal = statement.get("Principal", {})
        named = principal.get("AWS", ()) if isinstance(principal, Mapping) else principal
        everybody = "*" in ([named] if isinstance(named, str) else named)
        if statement.get("Effect") == "Allow" and (everybody or "NotPrincipal" in statement):
            return True
    return False


def _besides(inline: Iterable[str], attached: Iterable[str]) -> str:
    """Name policies that widen what is ours; whoever put them there has to take them away."""
    names = [*sorted(inline), *sorted(attached)]
    return f"It has policies that are not of this stack: {', '.join(names)}. Look at them." if names else ""


def _create(aws: Aws, role: Role) -> Call:
    def make() -> Receipt:
        return aws.iam.create_role(
            role.name,
            path=ownership.PATH,
            trust=role.trust,
            max_session_seconds=role.max_session_seconds,
            description=role.description,
            tags=ownership.tags("stack"),
        )[1]

    return Call("iam CreateRole", role.name, make, {"trust": role.trust, "Path": ownership.PATH})


def _put_policy(aws: Aws, role: Role) -> Call:
    return Call(
        "iam PutRolePolicy",
        role.name,
        lambda: aws.iam.put_role_policy(role.name, POLICY_NAME, role.policy),
        {"policy": role.policy},
    )


def group(aws: Aws, stack: Stack) -> Step:
    """Look at the uploaders' group: on our path, for IAM knows no tags on groups, with this policy."""
    name, path = stack.group, aws.iam.group_path(stack.group)
    if path not in {None, ownership.PATH}:
        return Step("uploader group", name, "foreign", f"There is a group of this name on {path}; it is left alone.")
    calls = [] if path else [Call("iam CreateGroup", name, lambda: aws.iam.create_group(name, ownership.PATH))]
    if path is None or aws.iam.group_policy(name, POLICY_NAME) != stack.group_policy:
        policy = {"policy": stack.group_policy}
        calls.append(
            Call(
                "iam PutGroupPolicy",
                name,
                lambda: aws.iam.put_group_policy(name, POLICY_NAME, stack.group_policy),
                policy,
            )
        )
    besides = ""
    if path:
        besides = _besides(set(aws.iam.group_policies(name)) - {POLICY_NAME}, aws.iam.attached_group_policies(name))
    status = "missing" if not path else "changed" if calls or besides else "ok"
    return Step("uploader group", name, status, besides, tuple(calls))
