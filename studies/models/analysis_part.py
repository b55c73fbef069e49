"""Parts of a heavy question that is answered by several workers."""

from django.db import models

from cellenium_admin.core.models import Job
from studies.models.analysis import Analysis


class AnalysisPart(models.Model):
    """A range of genes for which a question is answered by a job of its own; gone once the answer is whole.

    `tables` is empty until then, and holds what `studies.services.analysis_parts` writes.
    """

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="parts")
    number = models.IntegerField()
    first = models.IntegerField()
    stop = models.IntegerField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="analysis_part")
    tables = models.BinaryField(default=bytes)

    class Meta:
        ordering = ["analysis", "number"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "number"], name="analysis_part_unique_number"),
        ]

    def __str__(self) -> str:
        """Show which genes of what."""
        return f"genes {self.first} to {self.stop} of {self.analysis_id}"
