"""Attempts to turn a file into a study version."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from cellenium_admin.core.models import Job
from imports.models.upload import Upload
from imports.querysets import ImportRunQuerySet
from studies.models import Study, StudyVersion


class ImportRun(models.Model):
    """One run of one upload; the version it makes carries the run's own id, so it cannot be made twice."""

    class State(models.TextChoices):
        """Where the run stands."""

        RECEIVED = "received"
        VALIDATING = "validating"
        CONVERTING = "converting"
        WRITING = "writing"
        PUBLISHED = "published"
        REJECTED = "rejected"
        FAILED = "failed"
        CANCELLED = "cancelled"
        SUPERSEDED = "superseded"

    UNFINISHED: ClassVar = (State.RECEIVED, State.VALIDATING, State.CONVERTING, State.WRITING)
    MAY_BE_RETRIED: ClassVar = (State.REJECTED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, related_name="runs")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="import_run")
    # Which study the version shall belong to, where that is not the one of the file's address.
    target = models.ForeignKey(Study, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.SET_NULL, null=True, blank=True, related_name="import_runs")
    version = models.OneToOneField(
        StudyVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="import_run"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["upload"],
                condition=Q(state__in=["received", "validating", "converting", "writing"]),
                name="import_run_one_unfinished_per_upload",
            ),
        ]

    def __str__(self) -> str:
        """Show the file and where the run stands."""
        return f"{self.upload}: {self.state}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in self.UNFINISHED
