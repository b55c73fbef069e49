"""What the other services of the sandbox see of an access key and of a role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from grants.evaluator import Policy


@dataclass(frozen=True, slots=True)
class KeyView:
    """A long-lived access key; `user_name` is None for the account's root."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    active: bool
    user_name: str | None
    created: datetime


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role as of now, with the policies decisions follow at this moment.

    `trust` names a principal that was deleted by its unique id, as AWS keeps it, so that a new one of the same name
    is not trusted. `max_session_duration` is in seconds.
    """

    name: str
    arn: str
    role_id: str
    path: str
    trust: Policy
    documents: tuple[Mapping[str, Any], ...]
    policies: tuple[Policy, ...]
    max_session_duration: int
    created: datetime
    trust_changed: datetime
    tags: Mapping[str, str]
