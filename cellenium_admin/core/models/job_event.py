"""The history of a job: sent, claimed, lost, sent again, ended."""

from django.db import models

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
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCEL_REQUESTED = "cancel_requested"
        CANCELLED = "cancelled"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    attempt = models.IntegerField(default=0)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        """Show what happened at which attempt."""
        return f"{self.kind} (attempt {self.attempt})"
