"""One import of one file."""

import uuid

from django.db import models

from studies.models.study import Study


class StudyVersion(models.Model):
    """What one file held; never changed after it was published."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    cell_count = models.BigIntegerField()
    gene_count = models.BigIntegerField()
    source_uri = models.CharField(max_length=2048)
    source_revision = models.CharField(max_length=255)
    source_size = models.BigIntegerField()
    source_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="study_version_unique_number"),
        ]

    def __str__(self) -> str:
        """Show study and number."""
        return f"{self.study} v{self.number}"
