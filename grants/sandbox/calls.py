"""What a service is handed: who calls, what, and with which parameters."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from grants.evaluator import Policy


class CallerKind(enum.Enum):
    """What kind of identity signed a request."""

    ROOT = "Account"
    USER = "User"
    ROLE = "AssumedRole"
    ANONYMOUS = "Anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The identity a verified signature belongs to, with the policies that bound it at this moment.

    `arn` is what GetCallerIdentity answers (`arn:aws:sts::...:assumed-role/<role>/<session>` for a session),
    `principal_arn` is `aws:PrincipalArn` (for a session the ARN of its role). `session_policies` is None when no
    session policy was given, which is not the same as an empty one. `context` has the condition keys that belong to
    the identity: `aws:username`, `aws:userid`, `aws:SourceIdentity`, `aws:TokenIssueTime`, `aws:PrincipalTag/...`.
    """

    kind: CallerKind
    account: str
    arn: str
    principal_arn: str
    user_id: str
    access_key_id: str = ""
    name: str = ""
    identity_policies: tuple[Policy, ...] = ()
    session_policies: tuple[Policy, ...] | None = None
    session_expires: datetime | None = None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_session(self) -> bool:
        """Tell whether it came with a session token, so that assuming a role from here is chaining."""
        return self.kind is CallerKind.ROLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request to IAM, STS, SQS or S3 Control, parsed by botocore's service model.

    `parameters` has the names, types and defaults boto3's user would see; `context` has the condition keys of the
    request itself (`aws:SourceIp`, `aws:UserAgent`, `aws:SecureTransport`, `aws:CurrentTime`, ...),
    `endpoint` the address it was sent to.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    caller: Caller
    context: Mapping[str, str | tuple[str, ...]]
    request_id: str
    body: bytes = b""
    endpoint: str = ""
