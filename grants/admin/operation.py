"""Operations: what AWS was told or is to be told, and what it said."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from grants.admin import badges
from grants.admin.operation_actions import GiveUpOperation, RetryOperation
from grants.admin.outcomes import remedy
from grants.models import Operation


@admin.register(Operation)
class OperationAdmin(ActionsAdmin):
    """The outbox."""

    list_display = ("number", "kind_label", "subject_label", "state_badge", "attempts", "answer", "created_at")
    list_display_links = ("number", "kind_label")
    list_filter = ("state", "kind")
    search_fields = ("subject_label", "subject_id", "error_code", "actor_label", "request_id", "id")
    search_help_text = "scope, ARN, actor or error code"
    ordering = ("-number",)
    quick_filters = (
        ("state__exact=failed", "Failed"),
        ("state__exact=pending", "Waiting"),
        ("state__exact=succeeded", "Succeeded"),
    )
    row_actions = (RetryOperation(), GiveUpOperation())
    fields = (
        ("kind_label", "state_badge"),
        "subject_link",
        "args_text",
        ("attempts", "next_attempt"),
        ("error_code", "error_detail"),
        "result_text",
        ("actor_label", "reason"),
        ("created_exact", "finished_exact"),
        ("number", "id"),
        "request_link",
    )

    @column(description="Operation", ordering="kind")
    def kind_label(self, row: Operation) -> str:
        """Name what is to be done."""
        return row.get_kind_display()

    @column(description="State", ordering="state")
    def state_badge(self, row: Operation) -> SafeString:
        """Show where it stands."""
        return badges.state(row)

    @column(description="Answer")
    def answer(self, row: Operation) -> str:
        """Name the error, if there was one."""
        return row.error_code or "-"

    @column(description="About")
    def subject_link(self, row: Operation) -> SafeString | str:
        """Link to what it is about, where that has a page."""
        try:
            url = reverse(f"admin:grants_{row.subject_type}_change", args=[row.subject_id])
        except NoReverseMatch:
            return row.subject_label or "-"
        return format_html('<a class="link" href="{}">{}</a>', url, row.subject_label)

    @column(description="Arguments")
    def args_text(self, row: Operation) -> SafeString:
        """Show what it needs beside its subject."""
        return _json(row.args)

    @column(description="Result")
    def result_text(self, row: Operation) -> SafeString:
        """Show what AWS answered."""
        return _json(row.result)

    @column(description="Next attempt")
    def next_attempt(self, row: Operation) -> SafeString | str:
        """Tell when a worker tries again."""
        return moment(row.available_at) if row.state == Operation.State.PENDING else "-"

    @column(description="Wished for")
    def created_exact(self, row: Operation) -> SafeString:
        """Tell when it was wished for."""
        return moment(row.created_at)

    @column(description="Finished")
    def finished_exact(self, row: Operation) -> SafeString:
        """Tell when it ended."""
        return moment(row.finished_at)

    @column(description="Request id")
    def request_link(self, row: Operation) -> SafeString | str:
        """Link to all events of the request that wished for it."""
        if not row.request_id:
            return "-"
        url = f"{reverse('admin:core_auditevent_changelist')}?q={row.request_id}"
        return format_html('<a class="link" href="{}"><code>{}</code></a>', url, row.request_id)

    def object_context(self, request: HttpRequest, row: Operation) -> dict[str, Any]:
        """Say what to do about a failure, and show the trail of what it is about."""
        context = super().object_context(request, row)
        if row.state == Operation.State.FAILED:
            context["notices"] = [f"Failed: {row.error_detail or row.error_code}. {remedy(row)}, then retry it."]
        return context

    def trail_of(self, row: Operation) -> tuple[str, str]:
        """Give the trail of the subject, where the events of an operation are."""
        return (row.subject_type, row.subject_id) if row.subject_type else ("operation", str(row.pk))


def _json(values: Any) -> SafeString:
    if not values:
        return format_html("{}", "-")
    return format_html('<pre class="long-text">{}</pre>', json.dumps(values, indent=2, ensure_ascii=False))
