"""The states of grants and their like as small coloured words."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.badges import badge, in_words
from grants.models import AccessRequest, Drift, Issuance, Operation, Origin, ReconcileRun, State

SOON = timedelta(days=7)
STATES = {
    State.PENDING_CREATE: "info",
    State.ACTIVE: "success",
    State.PENDING_DELETE: "info",
    State.DELETED: "default",
    State.FAILED: "danger",
    AccessRequest.State.PENDING: "warning",
    AccessRequest.State.APPROVED: "success",
    AccessRequest.State.REJECTED: "danger",
    AccessRequest.State.CANCELLED: "default",
    AccessRequest.State.LAPSED: "default",
    Operation.State.RUNNING: "info",
    Operation.State.SUCCEEDED: "success",
    Issuance.State.INTENDED: "info",
    Issuance.State.ISSUED: "success",
    Issuance.State.REFUSED: "danger",
    Issuance.State.UNKNOWN: "warning",
    ReconcileRun.State.PLANNED: "info",
    ReconcileRun.State.APPLIED: "success",
}
ORIGINS = {Origin.MANAGED: "default", Origin.ADOPTED: "info", Origin.FOREIGN: "warning"}


def state(row: Any) -> SafeString:
    """Show where a row stands."""
    return badge(row.get_state_display(), STATES.get(row.state, "default"))


def origin(row: Any) -> SafeString:
    """Show whose work it is."""
    return badge(row.get_origin_display(), ORIGINS.get(row.origin, "default"))


def drift(row: Any) -> SafeString:
    """Show what the last reconcile found different in AWS, if anything."""
    if not row.drift:
        return format_html("{}", "-")
    return badge(Drift(row.drift).label, "danger", title="found by the last reconcile")


def expiry(grant: Any) -> SafeString:
    """Show how long a grant lives yet, or when an adopted one is to be reviewed."""
    if grant.state == State.DELETED:
        return format_html("{}", "-")
    if grant.expires_at is None:
        return _review(grant)
    exact = f"{grant.expires_at:%Y-%m-%d %H:%M} UTC"
    now = timezone.now()
    if grant.expires_at <= now:
        return badge(f"over {in_words(grant.expires_at, now)}", "danger", title=exact)
    tone = "warning" if grant.expires_at <= now + SOON else "default"
    return badge(in_words(grant.expires_at, now), tone, title=exact)


def _review(grant: Any) -> SafeString:
    if grant.review_at is None:
        return badge("never", title="AWS knows no expiry, and we have not taken it over")
    exact = f"{grant.review_at:%Y-%m-%d %H:%M} UTC"
    now = timezone.now()
    if grant.review_at <= now:
        return badge("review is due", "danger", title=exact)
    tone = "warning" if grant.review_at <= now + SOON else "default"
    return badge(f"review {in_words(grant.review_at, now)}", tone, title=exact)
