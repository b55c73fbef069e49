"""A session as the sandbox remembers it, and as it is handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCredentials:
    """What the caller of AssumeRole or GetDataAccess receives; the secret parts stay out of its repr."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: datetime
    assumed_role_arn: str
    assumed_role_id: str
    """`AROA...:<session name>`, which is also `aws:userid`."""
    packed_policy_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session of a role: who issued it to whom is not here, what bounds it is.

    `documents` are the session policies as JSON texts, None when none was given; `tags` are the session's tags
    including those handed on by the session it was assumed from; `context` has condition keys its issuer set.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    role_arn: str
    role_id: str
    role_name: str
    name: str
    issued: datetime
    expires: datetime
    documents: tuple[str, ...] | None = None
    source_identity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def user_id(self) -> str:
        """Give `AROA...:<session name>`."""
        return f"{self.role_id}:{self.name}"
