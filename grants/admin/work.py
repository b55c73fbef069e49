"""What waits for a person, counted for the first page of the admin."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from cellenium_admin.core.admin.badges import counted, in_words
from cellenium_admin.core.models import User
from grants.admin.filters import due, old_keys
from grants.models import AccessRequest, Grant, Location, Operation, Principal, ReconcileRun
from grants.services import schedule

MOST_REQUESTS = 8
Card = dict[str, Any]


def cards(now: datetime | None = None) -> list[Card]:
    """Count what waits, always in the same places: red what is urgent, orange what is due, green what is done."""
    now = now or timezone.now()
    requests = AccessRequest.objects.filter(state=AccessRequest.State.PENDING)
    failed = Operation.objects.filter(state=Operation.State.FAILED)
    soon, review = Grant.objects.filter(due("week")), Grant.objects.filter(due("review"))
    old = f"older than {settings.KEY_MAX_AGE_DAYS} days"
    return [
        _card("Access requests", requests, "accessrequest", "state__exact=pending", "wait for a decision"),
        _card("Failed operations", failed, "operation", "state__exact=failed", "to retry or give up", urgent=True),
        _card("Expiring grants", soon, "grant", "due=week", "within 7 days"),
        _card("Late expiries", schedule.late(now), "grant", "due=late", "past their end, still in AWS", urgent=True),
        _drift(),
        _card("Old access keys", old_keys(), "principal", "keys=old", old),
        _card("Adopted grants", review, "grant", "due=review", "to review within 30 days"),
        _reconcile(now),
    ]


def waiting_requests(user: User) -> QuerySet[AccessRequest]:
    """Give the requests that lapse next, of those this person may see."""
    waiting = AccessRequest.objects.visible_to(user).filter(state=AccessRequest.State.PENDING)
    return waiting.select_related("requester").order_by("lapses_at")[:MOST_REQUESTS]


def _drift() -> Card:
    models: dict[str, Any] = {"grant": Grant, "principal": Principal, "location": Location}
    counts = {name: model.objects.existing().exclude(drift="").count() for name, model in models.items()}
    drifted = [name for name, count in counts.items() if count]
    note = ", ".join(counted(counts[name], name) for name in drifted) or "AWS is as it is wanted"
    return _card("Drift", sum(counts.values()), (drifted or ["grant"])[0], "drift=any", note, urgent=True)


def _reconcile(now: datetime) -> Card:
    run = ReconcileRun.objects.defer("plan").first()
    if run is None:
        return _card("Last reconcile", "never", "reconcilerun", "", "compare AWS with what is wanted")
    card = _card("Last reconcile", in_words(run.started_at, now), "reconcilerun", "", str(run.get_state_display()))
    return card | {"tone": "urgent" if run.state == ReconcileRun.State.FAILED else "clear"}


def _card(title: str, counted: Any, model: str, query: str, note: str, *, urgent: bool = False) -> Card:
    number = counted.count() if isinstance(counted, QuerySet) else counted
    tone = "clear" if number == 0 else "urgent" if urgent else "due"
    url = reverse(f"admin:grants_{model}_changelist")
    return {"title": title, "number": number, "url": f"{url}?{query}", "note": note, "tone": tone}
