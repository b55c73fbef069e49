"""Heavy questions and their answers."""

import uuid

from django.db import models

from cellenium_admin.core.models import Job
from studies.models.study_version import StudyVersion


class Analysis(models.Model):
    """One question put to one version, shared by everyone who asks the same, with the answer once computed.

    Parameters are what decides the numbers; how many genes are shown, and in which order, is up to whoever reads them.
    """

    class Kind(models.TextChoices):
        """What was asked."""

        DIFFERENTIAL_EXPRESSION = "differential_expression"
        CORRELATION = "correlation"
        PSEUDOBULK = "pseudobulk"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="analyses")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    parameters = models.JSONField()
    parameters_sha256 = models.CharField(max_length=64)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="analyses")
    answered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "analyses"
        constraints = [
            models.UniqueConstraint(fields=["version", "kind", "parameters_sha256"], name="analysis_unique_question"),
        ]

    def __str__(self) -> str:
        """Show what was asked."""
        return f"{self.kind} on {self.version_id}"


class AnalysisTable(models.Model):
    """One table of an answer: numbers of all genes, in the order of the matrix.

    Questions about one group have one; questions about all values of an annotation, and sums, have one for each.
    `columns` is float64, little-endian, column after column as `studies.services.tables` names them.
    """

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="tables")
    position = models.IntegerField()
    facts = models.JSONField(default=dict)
    columns = models.BinaryField()

    class Meta:
        ordering = ["analysis", "position"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "position"], name="analysis_table_unique_position"),
        ]

    def __str__(self) -> str:
        """Show which one it is."""
        return f"table {self.position} of {self.analysis_id}"
