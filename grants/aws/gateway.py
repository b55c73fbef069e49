"""AWS, as far as grants need it: what is asked for and what is answered. The adapters beside this page do it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from grants.aws.secret import Secret

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What AWS said of a call that changed something: its id of the request, the status, the HTTP attempts."""

    request_id: str
    status: int = 200
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class ObservedInstance:
    """The S3 Access Grants instance of an account and Region."""

    id: str
    arn: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedLocation:
    """A location as AWS lists it."""

    id: str
    arn: str
    scope: str
    role_arn: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedGrant:
    """A grant as AWS lists it."""

    id: str
    arn: str
    location_id: str
    scope: str
    sub_prefix: str
    permission: str
    grantee_type: str
    grantee: str
    application_arn: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedUser:
    """An IAM user."""

    name: str
    arn: str
    unique_id: str
    path: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedRole:
    """An IAM role."""

    name: str
    arn: str
    unique_id: str
    path: str
    trust: Document
    max_session_seconds: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedKey:
    """An access key of an IAM user; the status is Active or Inactive."""

    id: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewKey:
    """An access key AWS has just made; nobody can ask for its secret again."""

    id: str
    secret: Secret
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime
    matched_scope: str = ""
    # `aws:userid` of the session, where the answer tells it.
    aws_user_id: str = ""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Whom AWS takes a caller for; `user_id` is the value of `aws:userid` in policies."""

    account: str
    arn: str
    user_id: str


@dataclass(frozen=True, slots=True)
class ObservedBucket:
    """The settings of a bucket that matter here."""

    name: str
    region: str
    public_access_blocked: bool
    encryption: str
    logging_target: str
    versioned: bool


@dataclass(frozen=True, slots=True)
class ObservedQueue:
    """A queue of SQS, with its attributes as SQS writes them."""

    name: str
    url: str
    arn: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UserBelongings:
    """All that IAM wants gone before a user, each kind as the ids of what there is."""

    keys: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    inline_policies: tuple[str, ...] = ()
    attached_policies: tuple[str, ...] = ()
    login_profile: bool = False
    mfa_devices: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    signing_certificates: tuple[str, ...] = ()
    service_credentials: tuple[str, ...] = ()

    def in_order(self) -> Iterator[tuple[str, str]]:
        """Give kind and id of each, in the order of removal."""
        kinds = (
            ("key", self.keys),
            ("group", self.groups),
            ("inline_policy", self.inline_policies),
            ("attached_policy", self.attached_policies),
            ("login_profile", ("login profile",) if self.login_profile else ()),
            ("mfa_device", self.mfa_devices),
            ("ssh_key", self.ssh_keys),
            ("signing_certificate", self.signing_certificates),
            ("service_credential", self.service_credentials),
        )
        for kind, identities in kinds:
            for identity in identities:
                yield kind, identity


class AccessGrants(Protocol):
    """S3 Access Grants of one account and Region; listings give all pages, or raise."""

    def instance(self) -> ObservedInstance | None: ...
    def create_instance(self, tags: Mapping[str, str]) -> tuple[ObservedInstance, Receipt]: ...
    def delete_instance(self) -> Receipt: ...
    def locations(self) -> Iterator[ObservedLocation]: ...
    def location(self, location_id: str) -> ObservedLocation | None: ...
    def create_location(
        self, scope: str, role_arn: str, tags: Mapping[str, str]
    ) -> tuple[ObservedLocation, Receipt]: ...
    def update_location(self, location_id: str, role_arn: str) -> Receipt: ...
    def delete_location(self, location_id: str) -> Receipt: ...
    def grants(self, *, grantee: str = "", scope: str = "", permission: str = "") -> Iterator[ObservedGrant]: ...
    def grant(self, grant_id: str) -> ObservedGrant | None: ...
    def create_grant(
        self,
        *,
        location_id: str,
        sub_prefix: str,
        grantee: str,
        permission: str,
        is_object: bool,
        tags: Mapping[str, str],
    ) -> tuple[ObservedGrant, Receipt]: ...
    def delete_grant(self, grant_id: str) -> Receipt: ...
    def tags(self, arn: str) -> dict[str, str]: ...
    def tag(self, arn: str, tags: Mapping[str, str]) -> Receipt: ...
    def data_access(
        self,
        *,
        target: str,
        permission: str,
        duration_seconds: int,
        minimal: bool = False,
        is_object: bool = False,
        audit_context: str = "",
    ) -> Session: ...


class Iam(Protocol):
    """IAM: users, keys, groups, roles and their policies."""

    def users(self, path_prefix: str = "/") -> Iterator[ObservedUser]: ...
    def user(self, name: str) -> ObservedUser | None: ...
    def user_tags(self, name: str) -> dict[str, str]: ...
    def create_user(self, name: str, path: str, tags: Mapping[str, str]) -> tuple[ObservedUser, Receipt]: ...
    def tag_user(self, name: str, tags: Mapping[str, str]) -> Receipt: ...
    def delete_user(self, name: str) -> Receipt: ...
    def user_belongings(self, name: str) -> UserBelongings: ...
    def remove_belonging(self, name: str, kind: str, identity: str) -> Receipt: ...
    def keys(self, user: str) -> list[ObservedKey]: ...
    def create_key(self, user: str) -> tuple[NewKey, Receipt]: ...
    def set_key_active(self, user: str, key_id: str, *, active: bool) -> Receipt: ...
    def delete_key(self, user: str, key_id: str) -> Receipt: ...
    def key_last_used(self, key_id: str) -> datetime | None: ...
    def groups_of(self, user: str) -> list[str]: ...
    def add_to_group(self, user: str, group: str) -> Receipt: ...
    def remove_from_group(self, user: str, group: str) -> Receipt: ...
    def group_exists(self, group: str) -> bool: ...
    def group_path(self, group: str) -> str | None: ...
    def group_members(self, group: str) -> Iterator[ObservedUser]: ...
    def create_group(self, group: str, path: str) -> Receipt: ...
    def delete_group(self, group: str) -> Receipt: ...
    def group_policies(self, group: str) -> list[str]: ...
    def group_policy(self, group: str, name: str) -> Document | None: ...
    def put_group_policy(self, group: str, name: str, document: Mapping[str, Any]) -> Receipt: ...
    def delete_group_policy(self, group: str, name: str) -> Receipt: ...
    def attached_group_policies(self, group: str) -> list[str]: ...
    def detach_group_policy(self, group: str, policy_arn: str) -> Receipt: ...
    def role(self, name: str) -> ObservedRole | None: ...
    def roles(self, path_prefix: str = "/") -> Iterator[ObservedRole]: ...
    def role_tags(self, name: str) -> dict[str, str]: ...
    def create_role(
        self,
        name: str,
        *,
        path: str,
        trust: Mapping[str, Any],
        max_session_seconds: int,
        description: str,
        tags: Mapping[str, str],
    ) -> tuple[ObservedRole, Receipt]: ...
    def update_role_trust(self, name: str, trust: Mapping[str, Any]) -> Receipt: ...
    def update_role_max_session(self, name: str, seconds: int) -> Receipt: ...
    def role_policies(self, role: str) -> list[str]: ...
    def role_policy(self, role: str, name: str) -> Document | None: ...
    def put_role_policy(self, role: str, name: str, document: Mapping[str, Any]) -> Receipt: ...
    def delete_role_policy(self, role: str, name: str) -> Receipt: ...
    def attached_role_policies(self, role: str) -> list[str]: ...
    def detach_role_policy(self, role: str, policy_arn: str) -> Receipt: ...
    def delete_role(self, name: str) -> Receipt: ...
    def account_details(self) -> Iterator[Mapping[str, Any]]: ...


class Sts(Protocol):
    """STS: who we are, and roles we assume."""

    def caller(self) -> CallerIdentity: ...
    def assume_role(
        self,
        role_arn: str,
        *,
        session_name: str,
        duration_seconds: int,
        policy: Mapping[str, Any] | None = None,
        source_identity: str = "",
    ) -> Session: ...
    def caller_of(self, session: Session) -> CallerIdentity: ...
    def access_grants_of(self, session: Session) -> AccessGrants: ...


class Buckets(Protocol):
    """Buckets and their settings; never their objects."""

    def bucket(self, name: str) -> ObservedBucket | None: ...
    def create(self, name: str) -> Receipt: ...
    def block_public_access(self, name: str) -> Receipt: ...
    def encrypt(self, name: str, kms_key_arn: str = "") -> Receipt: ...
    def log_to(self, name: str, target_bucket: str, target_prefix: str) -> Receipt: ...
    def version(self, name: str) -> Receipt: ...
    def policy(self, name: str) -> Document | None: ...
    def put_policy(self, name: str, document: Mapping[str, Any]) -> Receipt: ...
    def delete_policy(self, name: str) -> Receipt: ...
    def cors(self, name: str) -> list[Document]: ...
    def put_cors(self, name: str, rules: Sequence[Document]) -> Receipt: ...
    def lifecycle(self, name: str) -> Document: ...
    def put_lifecycle(self, name: str, document: Mapping[str, Any]) -> Receipt: ...
    def notification(self, name: str) -> Document: ...
    def put_notification(self, name: str, document: Mapping[str, Any], *, checked: bool = True) -> Receipt: ...
    def delete(self, name: str) -> Receipt: ...


class Queues(Protocol):
    """Queues of SQS in one Region and their attributes; never their messages."""

    def queue(self, name: str) -> ObservedQueue | None: ...
    def tags(self, url: str) -> dict[str, str]: ...
    def create(self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]) -> Receipt: ...
    def change(self, url: str, attributes: Mapping[str, str]) -> Receipt: ...
    def delete(self, url: str) -> Receipt: ...


@dataclass(frozen=True, slots=True)
class Aws:
    """One account and Region, with the services we use there."""

    account: str
    region: str
    access_grants: AccessGrants
    iam: Iam
    sts: Sts
    buckets: Buckets
    queues: Queues
    partition: str = field(default="aws")
    caller_arn: str = ""

    @property
    def instance_arn(self) -> str:
        """Give the ARN that the S3 Access Grants instance of this account and Region has."""
        return f"arn:{self.partition}:s3:{self.region}:{self.account}:access-grants/default"

    def with_session(self, session: Session) -> AccessGrants:
        """Speak to S3 Access Grants with temporary credentials instead of our own."""
        return self.sts.access_grants_of(session)
