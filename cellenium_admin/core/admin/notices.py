"""What administrators are told about logins on their first page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cellenium_admin.core.models import Action, AuditEvent, User

DAYS = timedelta(days=30)
MOST_EVENTS, MOST_SHOWN = 500, 10


@dataclass(frozen=True, slots=True)
class RefusedPrefix:
    """Somebody who cannot log in because the upload prefix of their address is another account's."""

    event: int
    at: datetime
    email: str
    subject: str
    issuer: str
    prefix: str
    holder: str
    holder_id: str


def refused_prefixes(user: User) -> list[RefusedPrefix]:
    """Give the newest refusal of each person of the last 30 days who still has no account; administrators alone."""
    if not user.is_administrator:
        return []
    events = AuditEvent.objects.visible_to(user).filter(
        action=Action.USER_PREFIX_REFUSED, at__gte=timezone.now() - DAYS
    )
    newest: dict[tuple[str, str], RefusedPrefix] = {}
    for event in events[:MOST_EVENTS]:
        newest.setdefault((event.details["issuer"], event.details["subject"]), _told(event))
    known = User.objects.filter(oidc_subject__in=[subject for _, subject in newest])
    solved = set(known.values_list("oidc_issuer", "oidc_subject"))
    return [told for person, told in newest.items() if person not in solved][:MOST_SHOWN]


def _told(event: AuditEvent) -> RefusedPrefix:
    details: dict[str, Any] = event.details
    return RefusedPrefix(
        event=event.pk,
        at=event.at,
        email=details["email"],
        subject=details["subject"],
        issuer=details["issuer"],
        prefix=details["upload_prefix"],
        holder=details["holder"],
        holder_id=details["holder_id"],
    )
