"""Reconcile: what was compared, what differed, and what was seen how often."""

import uuid

from django.db import models

from grants.querysets import ReconcileRunQuerySet, SightingQuerySet


class ReconcileRun(models.Model):
    """One comparison of all of AWS with all of the database, and its plan."""

    class State(models.TextChoices):
        """How it ended."""

        RUNNING = "running"
        PLANNED = "planned"
        APPLIED = "applied"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seen = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    # Findings with the exact calls that would mend them, in order.
    plan = models.JSONField(default=list)
    plan_hash = models.CharField(max_length=64, blank=True)
    # Why nothing of the plan may be applied; empty when it may.
    obstacles = models.JSONField(default=list)
    error_detail = models.CharField(max_length=2000, blank=True)
    requested_by = models.CharField(max_length=254, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.CharField(max_length=254, blank=True)

    objects = ReconcileRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        """Show when and how it ended."""
        return f"{self.started_at:%Y-%m-%d %H:%M:%SZ} {self.state}"


class Sighting(models.Model):
    """A difference, for as long as each run finds it: what destroys something waits for the second sighting."""

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=4500)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    last_run = models.ForeignKey(ReconcileRun, on_delete=models.CASCADE, related_name="sightings")

    objects = SightingQuerySet.as_manager()

    class Meta:
        ordering = ["first_seen_at"]

    def __str__(self) -> str:
        """Show what differs."""
        return f"{self.kind}: {self.subject}"
