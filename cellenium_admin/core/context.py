"""Who is acting, from where, under which request: read by the audit trail, set by the edges."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from cellenium_admin.core.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever an event is laid to: a user, a service account, the system itself, or nobody known."""

    type: str
    id: str
    label: str

    @classmethod
    def of(cls, user: "User") -> Self:
        """Take a user or service account as the actor, its label copied so that the trail outlives the row."""
        return cls(type=user.kind, id=str(user.pk), label=user.label)

    @classmethod
    def system(cls, part: str) -> Self:
        """Take a part of the system (the scan, the sweeper, a command) as the actor."""
        return cls(type="system", id=part, label=part)

    @classmethod
    def anonymous(cls) -> Self:
        """Take a caller who has not proven who they are."""
        return cls(type="anonymous", id="", label="anonymous")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What the edges know of the work under way; empty outside a request."""

    request_id: str = ""
    address: str = ""


_current: ContextVar[RequestContext] = ContextVar("cellenium_request_context", default=RequestContext())  # noqa: B039 -- frozen


def current() -> RequestContext:
    """Give the context of the request or job that is being served."""
    return _current.get()


@contextmanager
def request_context(*, request_id: str = "", address: str = "") -> Iterator[RequestContext]:
    """Set the context for a block; what is left empty is kept from the surrounding one."""
    outer = _current.get()
    inner = replace(outer, request_id=request_id or outer.request_id, address=address or outer.address)
    token = _current.set(inner)
    try:
        yield inner
    finally:
        _current.reset(token)
