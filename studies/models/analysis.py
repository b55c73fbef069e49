"""Heavy questions and their answers."""

import uuid

from django.db import models

from cellenium_admin.core.models import Job
from studies.models.study_version import StudyVersion


class Analysis(models.Model):
    """One question put to one version, shared by everyone who asks the same, with the answer once computed."""

    class Kind(models.TextChoices):
        """What was asked."""

        DIFFERENTIAL_EXPRESSION = "differential_expression"
        CORRELATION = "correlation"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="analyses")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    parameters = models.JSONField()
    parameters_sha256 = models.CharField(max_length=64)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="analyses")
    results = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "analyses"
        constraints = [
            models.UniqueConstraint(fields=["version", "kind", "parameters_sha256"], name="analysis_unique_question"),
        ]

    def __str__(self) -> str:
        """Show what was asked."""
        return f"{self.kind} on {self.version_id}"
