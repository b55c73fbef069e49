"""How long a grant may live, by setting, and errors that name the field."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from cellenium_admin.core.exceptions import FieldError, InvalidInputError


def checked(expires_at: datetime | None, *, now: datetime | None = None) -> datetime:
    """Give the expiry of a grant, the default where none is wished for.

    Raises InvalidInputError when it is over already, or later than the setting allows.
    """
    now = now or timezone.now()
    if expires_at is None:
        return now + timedelta(days=min(settings.GRANT_DEFAULT_DAYS, settings.GRANT_MAX_DAYS))
    latest = now + timedelta(days=settings.GRANT_MAX_DAYS)
    if timezone.is_naive(expires_at):
        raise invalid("expires_at", f"{expires_at.isoformat()} has no time zone: say which, such as +00:00.")
    if expires_at <= now:
        raise invalid("expires_at", f"{expires_at.isoformat()} is over already: give a moment to come.")
    if expires_at > latest:
        raise invalid(
            "expires_at", f"A grant lasts {settings.GRANT_MAX_DAYS} days at most here: until {latest.isoformat()}."
        )
    return expires_at


def invalid(field: str, detail: str, code: str = "invalid") -> InvalidInputError:
    """Make the error of one input field."""
    return InvalidInputError(detail, errors=[FieldError(f"/{field}", code, detail)])
