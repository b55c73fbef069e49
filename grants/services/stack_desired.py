"""The stack of a bucket as it should be: names, trusts and policies, all from the settings."""

from dataclasses import dataclass

from django.conf import settings

from grants import policies, stack_policies
from grants.aws.gateway import Aws
from grants.services import ownership, stack_uploads
from grants.services.expiry import invalid
from grants.services.stack_uploads import LONGEST_ROLE_NAME, Uploads

TWELVE_HOURS = 43_200
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
    # What the keys of uploads begin with.
    prefix: str
    uploads: Uploads

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
    def service_policy_name(self) -> str:
        """Give a name for the managed policy of the service."""
        return f"{settings.DEPLOYMENT}-service"

    @property
    def service_policy(self) -> policies.Document:
        """Give what the service itself needs."""
        return stack_policies.service(
            self.bucket,
            account=self.account,
            instance_arn=self.instance_arn,
            path=ownership.PATH,
            partition=self.partition,
            prefix=self.prefix,
            queues=[self.uploads.events.name, self.uploads.dead_letters.name],
            kms_key=self.kms_key,
        )


def desired(aws: Aws, *, bucket: str = "") -> Stack:
    """Give the stack of a bucket, by default the one of the h5ad store. Raises InvalidInputError without a bucket."""
    return in_account(
        aws.account,
        aws.region,
        bucket=bucket or _configured_bucket(),
        caller_arn=aws.caller_arn,
        partition=aws.partition,
    )


def in_account(account: str, region: str, *, bucket: str, caller_arn: str, partition: str = "aws") -> Stack:
    """Give the stack of a bucket in an account and Region, brought up by `caller_arn`, without asking anybody."""
    instance_arn = f"arn:{partition}:s3:{region}:{account}:access-grants/default"
    prefix = _upload_prefix(bucket)
    where = {"account": account, "region": region, "partition": partition}
    return Stack(
        bucket=bucket,
        **where,
        instance_arn=instance_arn,
        kms_key=settings.BUCKET_KMS_KEY,
        log_target=settings.BUCKET_LOG_TARGET,
        group=settings.UPLOADER_GROUP,
        group_policy=stack_policies.uploader_group(instance_arn),
        roles=tuple(_roles(bucket, prefix, instance_arn, caller_arn)),
        prefix=prefix,
        uploads=stack_uploads.desired(bucket=bucket, prefix=prefix, **where),
    )


def _configured_bucket() -> str:
    store = str(settings.H5AD_STORE)
    if not store.startswith("s3://"):
        raise invalid("bucket", "Name the bucket: the h5ad store of this installation is not in S3.")
    return store.removeprefix("s3://").partition("/")[0]


def _roles(bucket: str, prefix: str, instance_arn: str, caller_arn: str) -> list[Role]:
    trust, key = stack_policies.location_trust(instance_arn), settings.BUCKET_KMS_KEY
    return [
        Role(
            part="location role",
            name=_name(bucket, "location"),
            description=f"Serves the S3 Access Grants location of {bucket}",
            trust=trust,
            policy=stack_policies.location_role(bucket, instance_arn, kms_key=key),
        ),
        Role(
            part="upload-only role",
            name=_name(bucket, "upload"),
            description=f"Serves locations of {bucket} where nothing may be deleted",
            trust=trust,
            policy=stack_policies.location_role(bucket, instance_arn, upload_only=True, kms_key=key),
        ),
        Role(
            part="importer role",
            name=_name(bucket, "importer"),
            description=f"Gives uploaders temporary credentials for {prefix} of {bucket}",
            trust=stack_policies.importer_trust(settings.SERVICE_ARN or _trusted(caller_arn)),
            keeps_trust=not settings.SERVICE_ARN,
            policy=stack_policies.importer_role(
                bucket, prefix, may_delete=settings.CREDENTIALS_MAY_DELETE, kms_key=key
            ),
        ),
    ]


def _upload_prefix(bucket: str) -> str:
    """Give what the keys of uploads begin with: below the store's own root where it has one in this bucket."""
    name, _, root = str(settings.H5AD_STORE).removeprefix("s3://").partition("/")
    root = root.strip("/")
    return f"{root}/{settings.SCAN_PREFIX}" if root and name == bucket else settings.SCAN_PREFIX


def _trusted(caller_arn: str) -> str:
    """Give the ARN to trust: of a role's session the role, for sessions come and go."""
    parts = caller_arn.split(":")
    if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return caller_arn


def _name(bucket: str, what: str) -> str:
    return stack_uploads.short_name(bucket, what, longest=LONGEST_ROLE_NAME)
