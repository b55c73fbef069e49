"""Who may see which uploads, said once for lists, details, admin and tasks."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from cellenium_admin.core.models import User
    from imports.models import Upload  # noqa: F401 -- named in a string


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
