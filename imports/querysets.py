"""Who may see which uploads and imports, said once for lists, details, admin and tasks."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from cellenium_admin.core.models import User
    from imports.models import ImportRun, Upload  # noqa: F401 -- named in a string


class UploadQuerySet(models.QuerySet["Upload"]):
    """Vocabulary of selections of uploads."""

    def visible_to(self, user: "User") -> Self:
        """Select one's own; administrators see all."""
        if not user.is_active:
            return self.none()
        return self if user.is_administrator else self.filter(owner=user)

    def counting(self) -> Self:
        """Select what counts against a quota: being sent, or waiting for its import."""
        waiting = models.Q(state="received", runs__state__in=["received", "validating", "converting", "writing"])
        return self.filter(models.Q(state__in=["starting", "uploading", "completing"]) | waiting)


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    """Vocabulary of selections of imports."""

    def visible_to(self, user: "User") -> Self:
        """Select those of one's own files; administrators see all."""
        if not user.is_active:
            return self.none()
        return self if user.is_administrator else self.filter(upload__owner=user)

    def held_now(self) -> Self:
        """Select those a worker is at, by a lease that holds."""
        working = ["validating", "converting", "writing"]
        return self.filter(state__in=working, job__state="running", job__lease_until__gte=Now())
