"""Reconcile: all of AWS compared with all of the database, and what would mend the difference."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import badge, counted, moment
from cellenium_admin.core.admin.base import column, definition_list
from cellenium_admin.core.admin.confirm import Table
from grants.admin import badges
from grants.admin.columns import code
from grants.admin.reconcile_actions import ApplyPlan, PlanAnew, doing
from grants.admin.tables import operation_table
from grants.models import Operation, ReconcileRun
from grants.services.reconcile_repairs import REASON

MOST_SHOWN = 50
PLAN = PlanAnew()
KINDS = {
    "location_missing": "Locations that AWS has lost",
    "location_leftover": "Locations of ours that nothing knows any more",
    "location_foreign": "Locations made elsewhere",
    "role_changed": "Locations with another role",
    "grant_missing": "Grants that AWS has lost",
    "grant_leftover": "Grants of ours that nothing knows any more",
    "grant_foreign": "Grants made elsewhere",
    "grant_changed": "Grants that are not what was given",
    "tag_lost": "Things of ours without our tag",
    "grantee_gone": "Principals that are gone in IAM",
    "grantee_replaced": "Principals that are somebody else by now",
    "group_drift": "Users outside the uploaders' group",
    "user_leftover": "Users of ours that nothing knows any more",
    "user_foreign": "Users below our path made elsewhere",
    "key_unknown": "Access keys nobody has recorded",
    "key_missing": "Access keys that AWS has lost",
    "key_old": "Old access keys",
    "cut_stale": "Cuts that are not in force as recorded",
}


@admin.register(ReconcileRun)
class ReconcileRunAdmin(ActionsAdmin):
    """The runs, newest first, with their plans."""

    list_display = ("started", "state_badge", "difference_count", "obstacle_badge", "requested_by", "applied_by")
    list_display_links = ("started",)
    list_filter = ("state",)
    ordering = ("-started_at", "-id")
    quick_filters = (("state__exact=failed", "Failed"), ("state__exact=applied", "Applied"))
    list_actions = (PLAN,)
    row_actions = (ApplyPlan(),)
    change_form_outer_after_template = "admin/cellenium/reconcile_plan.html"
    fields = (
        ("state_badge", "difference_count"),
        ("started_exact", "finished_exact"),
        ("requested_by", "applied_by"),
        "seen_list",
        "hash_code",
        "error_detail",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the plans out, which may be long, until one is looked at."""
        rows: QuerySet[Any] = super().get_queryset(request).defer("plan")
        return rows

    @column(description="Started", ordering="started_at")
    def started(self, run: ReconcileRun) -> str:
        """Tell when it began."""
        return f"{run.started_at:%Y-%m-%d %H:%M:%S}"

    @column(description="Started")
    def started_exact(self, run: ReconcileRun) -> SafeString:
        """Tell when it began, in words as well."""
        return moment(run.started_at)

    @column(description="Finished")
    def finished_exact(self, run: ReconcileRun) -> SafeString:
        """Tell when it ended."""
        return moment(run.finished_at)

    @column(description="State", ordering="state")
    def state_badge(self, run: ReconcileRun) -> SafeString:
        """Show how it ended."""
        return badges.state(run)

    @column(description="Differences")
    def difference_count(self, run: ReconcileRun) -> int:
        """Count what differed."""
        return sum(run.counts.values())

    @column(description="May be applied")
    def obstacle_badge(self, run: ReconcileRun) -> SafeString | str:
        """Tell whether something speaks against applying it."""
        return badge("obstacles", "danger", title=" ".join(run.obstacles)) if run.obstacles else "-"

    @column(description="Seen in AWS")
    def seen_list(self, run: ReconcileRun) -> SafeString:
        """Count what was read."""
        return definition_list({name: value for name, value in run.seen.items() if not isinstance(value, dict)})

    @column(description="Hash of the plan")
    def hash_code(self, run: ReconcileRun) -> SafeString:
        """Show what is confirmed when it is applied."""
        return code(run.plan_hash)

    def object_context(self, request: HttpRequest, row: ReconcileRun) -> dict[str, Any]:
        """Add the findings by kind, the obstacles, and the way to a new plan."""
        context = super().object_context(request, row)
        planning = {"action": PLAN, "url": self.address(PLAN)}
        return context | {
            "object_actions": [*context["object_actions"], planning],
            "notices": [*_notices(row), *[f"It may not be applied: {why}" for why in row.obstacles]],
            "findings": list(_findings(row)),
            "tables": [_repairs(row)] if row.applied_at else [],
        }


def _findings(run: ReconcileRun) -> Iterator[dict[str, Any]]:
    """Group the plan by kind; `count` is of all that were found, of which the plan may list the first ones only."""
    by_kind = sorted(run.plan, key=lambda entry: str(entry["kind"]))
    for kind, entries in groupby(by_kind, key=lambda entry: str(entry["kind"])):
        found = list(entries)
        yield {
            "kind": kind,
            "title": KINDS.get(kind, kind.replace("_", " ")),
            "count": run.counts.get(kind, len(found)),
            "remedies": list(dict.fromkeys(entry["remedy"] for entry in found))[:3],
            "entries": found[:MOST_SHOWN],
            "more": max(run.counts.get(kind, 0) - MOST_SHOWN, 0),
            "foreign": kind.endswith("_foreign"),
        }


def _repairs(run: ReconcileRun) -> Table:
    """List what was done when the plan was applied, what failed first."""
    done = Operation.objects.filter(reason=REASON, created_at__gte=run.started_at, created_at__lte=run.applied_at)
    return operation_table("What AWS was told", done.order_by("state", "number")[:MOST_SHOWN])


def _notices(run: ReconcileRun) -> list[str]:
    newest = ReconcileRun.objects.only("pk").first()
    if newest != run:
        return ["This is not the newest comparison: a plan can be applied only right after it was made."]
    waiting = sum(bool(entry["waits"]) for entry in run.plan)
    if run.state != ReconcileRun.State.PLANNED or not waiting:
        return []
    what = counted(waiting, "repair")
    later = f"{what} would take something away: that waits for a second sighting, plan again later."
    return [later if doing(run) else f"Nothing to apply yet: {later}"]
