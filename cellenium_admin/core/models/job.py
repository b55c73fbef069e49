"""Long work, as the user sees it; the truth about it, whatever the broker remembers."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from cellenium_admin.core.models.user import User

# A rate that was measured for less than this tells nothing.
LEAST_SECONDS = 1.0


class JobQuerySet(models.QuerySet["Job"]):
    """Vocabulary of job selections."""

    def visible_to(self, user: User) -> "JobQuerySet":
        """Select what this user may know of: their own, and for administrators all."""
        if not user.is_active:
            return self.none()
        return self if user.is_administrator else self.filter(owner=user)

    def unfinished(self) -> "JobQuerySet":
        """Select what is waiting or running."""
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class Job(models.Model):
    """One piece of long work: what, for whom, how far, and who holds it until when."""

    class State(models.TextChoices):
        """Where the job stands."""

        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    FINISHED: ClassVar = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs")
    subject_type = models.CharField(max_length=50, blank=True)
    subject_id = models.CharField(max_length=100, blank=True)
    args = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=36, blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    stage = models.CharField(max_length=50, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    # What `done` and `total` count, such as "cells".
    unit = models.CharField(max_length=20, blank=True)
    stage_started_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict)
    error_code = models.CharField(max_length=50, blank=True)
    error_detail = models.CharField(max_length=2000, blank=True)

    attempts = models.IntegerField(default=0)
    max_attempts = models.IntegerField(default=3)
    lease_token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    # Not before this moment by the database's clock, which all workers share: a failed attempt waits a little.
    available_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="job_owner_created"),
            models.Index(
                fields=["state", "lease_until"],
                condition=Q(state__in=["queued", "running"]),
                name="job_unfinished",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state__in=["queued", "running"]) & ~Q(dedupe_key=""),
                name="job_one_unfinished_per_key",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False), name="job_running_has_lease"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                name="job_finished_has_time",
            ),
        ]

    def __str__(self) -> str:
        """Show what and where it stands."""
        return f"{self.name} ({self.state})"

    @property
    def seconds_left(self) -> int | None:
        """How long the stage will still take if it goes on as until now; None where nothing tells."""
        if self.state != self.State.RUNNING or self.stage_started_at is None or not 0 < self.done <= self.total:
            return None
        seconds = (timezone.now() - self.stage_started_at).total_seconds()
        return None if seconds < LEAST_SECONDS else round(seconds * (self.total - self.done) / self.done)

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in self.FINISHED
