"""The history of a job: sent, claimed, lost, sent again, ended."""

from django.db import models
from django.utils import timezone

from cellenium_admin.core.models.job import Job


class JobEvent(models.Model):
    """One thing that happened to a job."""

    class Kind(models.TextChoices):
        """What happened."""

        QUEUED = "queued"
        SENT = "sent"
        CLAIMED = "claimed"
        LOST = "lost"
        RESENT = "resent"
        RETRIED = "retried"
        POSTPONED = "postponed"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCEL_REQUESTED = "cancel_requested"
        CANCELLED = "cancelled"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    # "sent" is written after the sending, when a quick worker may have claimed the job already.
    at = models.DateTimeField(default=timezone.now, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    attempt = models.IntegerField(default=0)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        """Show what happened at which attempt."""
        return f"{self.kind} (attempt {self.attempt})"
