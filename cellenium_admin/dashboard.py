"""The first page of the admin: work to do, instead of a list of tables."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from cellenium_admin.core.admin.notices import refused_prefixes
from cellenium_admin.core.models import AuditEvent, AuditHead, Job
from grants.admin import work
from imports.models import ImportRun
from studies.models import Study

UNFINISHED_IMPORTS = ("received", "validating", "converting", "writing")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the counts and lists the index page shows, bounded by what the person may see."""
    jobs = Job.objects.visible_to(request.user)  # type: ignore[arg-type]
    context["work"] = work.cards() if request.user.is_curator else []  # type: ignore[union-attr]
    context["waiting_requests"] = work.waiting_requests(request.user)  # type: ignore[arg-type]
    context["refused_prefixes"] = refused_prefixes(request.user)  # type: ignore[arg-type]
    context["cards"] = _cards(request, jobs)
    context["recent_jobs"] = jobs.select_related("owner")[:8]
    context["recent_events"] = AuditEvent.objects.all()[:8] if request.user.is_curator else []  # type: ignore[union-attr]
    return context


def _cards(request: HttpRequest, jobs: Any) -> list[dict[str, Any]]:
    yesterday = timezone.now() - timedelta(days=1)
    studies = Study.objects.visible_to(request.user).published()  # type: ignore[arg-type]
    cards = [
        _card("Studies", studies.count(), "admin:studies_study_changelist", "", "explorable now"),
        _card(
            "Running jobs",
            jobs.unfinished().count(),
            "admin:core_job_changelist",
            "?state=running",
            "queued or running",
        ),
        _card(
            "Failed jobs",
            jobs.filter(state=Job.State.FAILED, finished_at__gte=yesterday).count(),
            "admin:core_job_changelist",
            "?state__exact=failed",
            "in the last 24 hours",
        ),
    ]
    if request.user.is_administrator:  # type: ignore[union-attr]
        rejected = ImportRun.objects.filter(state=ImportRun.State.REJECTED, finished_at__gte=yesterday).count()
        view = "admin:imports_importrun_changelist"
        cards.append(_card("Rejected files", rejected, view, "?state__exact=rejected", "in the last 24 hours"))
    head = AuditHead.objects.first()
    cards.append(
        _card(
            "Events in the trail",
            head.seq if head else 0,
            "admin:core_auditevent_changelist",
            "",
            "check with: cellenium-admin audit verify",
        )
    )
    return cards


def _card(title: str, number: int, view: str, query: str, note: str) -> dict[str, Any]:
    return {"title": title, "number": number, "url": reverse(view) + query, "note": note}
