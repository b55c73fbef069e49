"""Sessions we have handed out and that may still be used."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from grants.models import Grant, Issuance

MOST_NAMED = 100


def live(*, grant: Grant | None = None, role_arn: str = "", now: datetime | None = None) -> QuerySet[Issuance]:
    """Select the sessions of a grant or of a role that are recorded here and not over yet.

    Whoever asks AWS by themselves, with keys of their own, gets sessions that nothing here knows of.
    """
    found = Issuance.objects.live(now or timezone.now())
    if grant is not None:
        found = found.filter(grant=grant)
    return found.filter(role_arn=role_arn) if role_arn else found


def named(grant: Grant) -> list[str]:
    """Name the live sessions of a grant by their access key ids, for the trail and for people."""
    return list(live(grant=grant).values_list("access_key_id", flat=True)[:MOST_NAMED])
