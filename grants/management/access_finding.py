"""How the command line names things: by id, by AWS's id, by name, by ARN, by scope."""

import uuid
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Model, Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from cellenium_admin.core.exceptions import ConflictError, NotFoundError
from cellenium_admin.core.models import User
from grants.models import Grant, Location, Principal
from grants.services.expiry import invalid

Row = TypeVar("Row", bound=Model)


def principal(text: str) -> Principal:
    """Find a principal by name, ARN or id. Raises NotFoundError, ConflictError when a name means several."""
    found = Principal.objects.existing().filter(Q(arn=text) | Q(name=text) | _by_id(text))
    return _one(list(found[:3]), f"principal {text}", "access list user")


def location(text: str) -> Location:
    """Find a location by scope, AWS's id or id; a scope may lack its last slash. Raises NotFoundError."""
    scopes = [text, f"{text.rstrip('/')}/", text.rstrip("/")]
    found = Location.objects.existing().filter(Q(scope__in=scopes) | Q(aws_id=text) | _by_id(text))
    return _one(list(found[:3]), f"location {text}", "access list location")


def grant(text: str) -> Grant:
    """Find a grant by AWS's id or ours. Raises NotFoundError."""
    found = Grant.objects.existing().filter(Q(aws_id=text) | _by_id(text)).select_related("location", "principal")
    return _one(list(found[:3]), f"grant {text}", "access list grant")


def user(email: str) -> User:
    """Find an account by e-mail or login name. Raises NotFoundError."""
    found = User.objects.filter(Q(email=email) | Q(username=email))
    return _one(list(found[:3]), f"account {email}", "users list")


def moment(text: str) -> datetime:
    """Read `30d`, `12h`, a date, or a date and time with its offset. Raises InvalidInputError."""
    if text[:-1].isdecimal() and text[-1] in "dh":
        number = int(text[:-1])
        return timezone.now() + (timedelta(days=number) if text[-1] == "d" else timedelta(hours=number))
    try:
        exact, day = parse_datetime(text), parse_date(text)
    except ValueError:
        exact = day = None
    if exact is not None and exact.tzinfo is not None:
        return exact
    if day is not None and exact is None:
        return timezone.make_aware(datetime.combine(day, datetime.max.time().replace(microsecond=0)))
    raise invalid("expires", f"{text}: give 30d, 12h, 2027-01-31 or 2027-01-31T12:00:00+01:00.")


def _by_id(text: str) -> Q:
    try:
        return Q(pk=uuid.UUID(text))
    except ValueError:
        return Q(pk=None)


def _one(found: list[Row], what: str, listing: str) -> Row:
    if not found:
        raise NotFoundError(f"There is no {what}; `{listing}` shows all.")
    if len(found) > 1:
        raise ConflictError(f"There are several of {what}: name it by its id; `{listing}` shows them.")
    return found[0]
