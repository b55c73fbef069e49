"""Tables of differential expression that came with a file."""

from django.db import models

from studies.models.annotation import AnnotationValue
from studies.models.study_version import StudyVersion


class MarkersSource(models.TextChoices):
    """Where the genes kept about a value come from."""

    FILE = "file"
    COMPUTED = "computed"


class DifferentialExpressionTable(models.Model):
    """The genes that, by its file, set the cells of one value apart.

    `columns` is float64, little-endian, column after column: positions of the genes in their modality, score, p,
    adjusted p, log2 fold change; NaN for what the file leaves out.
    """

    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="differential_expression_tables")
    value = models.ForeignKey(AnnotationValue, on_delete=models.CASCADE, related_name="differential_expression_tables")
    modality = models.CharField(max_length=50, default="rna")
    gene_count = models.IntegerField()
    columns = models.BinaryField()

    class Meta:
        ordering = ["version", "value"]
        constraints = [
            models.UniqueConstraint(fields=["value", "modality"], name="differential_expression_table_unique"),
        ]

    def __str__(self) -> str:
        """Show whose genes."""
        return f"genes of {self.value}"
