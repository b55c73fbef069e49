"""The stack of a bucket as it should be: names, trusts and policies, all from the settings."""

from dataclasses import dataclass

from django.conf import settings

from grants import policies, stack_policies
from grants.aws.gateway import Aws
from grants.services import ownership
from grants.services.expiry import invalid

TWELVE_HOURS = 43_200
LONGEST_ROLE_NAME = 64
POLICY_NAME = "cellenium-admin"


@dataclass(frozen=True, slots=True)
class Role:
    """One role of the stack."""

    part: str
    name: str
    description: str
    trust: policies.Document
    policy: policies.Document
    max_session_seconds: int = TWELVE_HOURS
    # Whoever brings the stack up need not be whom the role is to trust: what is there is kept then.
    keeps_trust: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything `access up` makes for one bucket."""

    bucket: str
    account: str
    region: str
    partition: str
    instance_arn: str
    kms_key: str
    log_target: str
    group: str
    group_policy: policies.Document
    roles: tuple[Role, ...]

    @property
    def scope(self) -> str:
        """Give the scope of the bucket's location."""
        return f"s3://{self.bucket}/"

    def role(self, part: str) -> Role:
        """Give one role by its part."""
        return next(role for role in self.roles if role.part == part)

    def role_arn(self, part: str) -> str:
        """Give the ARN a role has."""
        return f"arn:{self.partition}:iam::{self.account}:role{ownership.PATH}{self.role(part).name}"

    @property
    def service_policy(self) -> policies.Document:
        """Give what the service itself needs."""
        return stack_policies.service(
            self.bucket,
            account=self.account,
            instance_arn=self.instance_arn,
            path=ownership.PATH,
            partition=self.partition,
        )


def desired(aws: Aws, *, bucket: str = "") -> Stack:
    """Give the stack of a bucket, by default the one of the h5ad store. Raises InvalidInputError without a bucket."""
    bucket = bucket or _configured_bucket()
    instance_arn = aws.instance_arn
    return Stack(
        bucket=bucket,
        account=aws.account,
        region=aws.region,
        partition=aws.partition,
        instance_arn=instance_arn,
        kms_key=settings.BUCKET_KMS_KEY,
        log_target=settings.BUCKET_LOG_TARGET,
        group=settings.UPLOADER_GROUP,
        group_policy=stack_policies.uploader_group(instance_arn),
        roles=tuple(_roles(bucket, instance_arn, aws.caller_arn)),
    )


def _configured_bucket() -> str:
    store = str(settings.H5AD_STORE)
    if not store.startswith("s3://"):
        raise invalid("bucket", "Name the bucket: the h5ad store of this installation is not in S3.")
    return store.removeprefix("s3://").partition("/")[0]


def _roles(bucket: str, instance_arn: str, caller_arn: str) -> list[Role]:
    trust = stack_policies.location_trust(instance_arn)
    return [
        Role(
            part="location role",
            name=_name(bucket, "location"),
            description=f"Serves the S3 Access Grants location of {bucket}",
            trust=trust,
            policy=stack_policies.location_role(bucket, instance_arn),
        ),
        Role(
            part="upload-only role",
            name=_name(bucket, "upload"),
            description=f"Serves locations of {bucket} where nothing may be deleted",
            trust=trust,
            policy=stack_policies.location_role(bucket, instance_arn, upload_only=True),
        ),
        Role(
            part="importer role",
            name=_name(bucket, "importer"),
            description=f"Gives uploaders temporary credentials for {settings.SCAN_PREFIX} of {bucket}",
            trust=stack_policies.importer_trust(settings.SERVICE_ARN or _trusted(caller_arn)),
            keeps_trust=not settings.SERVICE_ARN,
            policy=stack_policies.importer_role(bucket, settings.SCAN_PREFIX),
        ),
    ]


def _trusted(caller_arn: str) -> str:
    """Give the ARN to trust: of a role's session the role, for sessions come and go."""
    parts = caller_arn.split(":")
    if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return caller_arn


def _name(bucket: str, what: str) -> str:
    name = f"{settings.DEPLOYMENT}-{bucket}-{what}"
    return name if len(name) <= LONGEST_ROLE_NAME else f"{name[: LONGEST_ROLE_NAME - len(what) - 1]}-{what}"
