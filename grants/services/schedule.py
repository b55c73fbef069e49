"""What time itself does to grants: expiry, lapsed requests, cuts that have done their work."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from cellenium_admin.core.context import Actor
from grants.models import Grant
from grants.services import cuts, grants, requests

logger = logging.getLogger(__name__)

CLOCK = Actor.system("clock")
MOST = 1000


def expire_due(*, now: datetime | None = None) -> int:
    """Take away every grant whose time is over, and give how many; lateness beyond the setting is logged as an error.

    A grant past its expiry is never handed out by us, however late this runs; AWS goes on until its deletion.
    """
    now = now or timezone.now()
    if behind := late(now).count():
        logger.error("%d grants have been over for more than %d s.", behind, settings.EXPIRY_ALARM_SECONDS)
    due = Grant.objects.expired(now).order_by("expires_at")[:MOST]
    return sum(grants.expire(grant=grant, actor=CLOCK, now=now) is not None for grant in due)


def late(now: datetime | None = None) -> QuerySet[Grant]:
    """Select the grants AWS still has although their time has been over for longer than the setting allows."""
    overdue = (now or timezone.now()) - timedelta(seconds=settings.EXPIRY_ALARM_SECONDS)
    return Grant.objects.existing().filter(expires_at__lte=overdue)


def tick(*, now: datetime | None = None) -> dict[str, int]:
    """Do all that is due and count it; what AWS has to be told waits in the outbox."""
    return {
        "expired": expire_due(now=now),
        "lapsed": requests.lapse_due(actor=CLOCK, now=now),
        "lifted": len(cuts.lift_due(actor=CLOCK, now=now)),
    }
