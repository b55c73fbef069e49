"""What administrators can do about an import that did not end well."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from imports.models import ImportRun
from imports.services import retries


class Retry(ConfirmedAction):
    """Has the same file imported once more."""

    name, title, button = "retry", "Import again", "Import it again"
    administrators_only = True

    def applies(self, row: ImportRun) -> bool:
        """Fit what was refused, failed or was cancelled, as long as the file has no other import that counts."""
        settled = (*ImportRun.UNFINISHED, ImportRun.State.PUBLISHED, ImportRun.State.SUPERSEDED)
        return not row.upload.runs.filter(state__in=settled).exists()

    def fingerprint(self, row: ImportRun) -> str:
        """Give where it stands: an import has no version."""
        return row.state

    def preview(self, row: ImportRun, values: Mapping[str, Any], user: User) -> Preview:
        """Tell what it is good for. Raises ConflictError when the file is not there as it was."""
        retries.check_unchanged(row.upload)
        notes = ["The same revision of the file is read again, even beyond its owner's quota."]
        again = row.state == ImportRun.State.REJECTED
        warnings = ["It was refused for what is in it: unless that is allowed by now, it is refused again."]
        return Preview(notes=notes, warnings=warnings if again else [])

    def perform(self, row: ImportRun, values: Mapping[str, Any], request: HttpRequest, version: int | None) -> Done:
        """Queue another run and lead to it."""
        actor = Actor.of(request.user)  # type: ignore[arg-type]
        run = retries.retry(run=row, actor=actor, reason=values["reason"], even_beyond_quota=True)
        told = Outcome(messages.SUCCESS, f"{row.upload} waits for its import.")
        return Done([told], url=reverse("admin:imports_importrun_change", args=[run.pk]))
