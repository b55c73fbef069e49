"""Cuts: a Deny on a location's role for sessions that were handed out already."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from grants.models.grant import Grant
from grants.models.lifecycle import Lifecycle, deletion_has_time, known_state
from grants.querysets import CutQuerySet


class Cut(Lifecycle):
    """Sessions of a role that may do nothing any more: those named, or all that began before a moment."""

    role_arn = models.CharField(max_length=2048)
    user_ids = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    sessions_before = models.DateTimeField(null=True, blank=True)
    # When no session it means can be alive any more, and the Deny is taken away.
    expires_at = models.DateTimeField()
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, blank=True, related_name="cuts")
    reason = models.CharField(max_length=1000, blank=True)

    objects = CutQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            known_state("cut_known_state"),
            deletion_has_time("cut_deletion_has_time"),
            models.CheckConstraint(
                condition=Q(sessions_before__isnull=False, user_ids__len=0)
                | Q(sessions_before__isnull=True, user_ids__len__gt=0),
                name="cut_some_or_all_before",
            ),
        ]

    def __str__(self) -> str:
        """Show whose sessions."""
        which = f"all before {self.sessions_before:%Y-%m-%d %H:%M:%SZ}" if self.sessions_before else "named sessions"
        return f"{which} of {self.role_arn}"
