"""An expression matrix of a version."""

from django.db import models

from studies.models.study_version import StudyVersion


class Layer(models.Model):
    """One matrix, served from one Store; `store_path` is relative to CELLENIUM_STORE_DIR.

    `row_map` names the array in the Store of the cells that says which cells its rows are; empty when they are all.
    """

    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="layers")
    modality = models.CharField(max_length=50, default="rna")
    name = models.CharField(max_length=200)
    store_path = models.CharField(max_length=500)
    log1p_base = models.FloatField(null=True, blank=True)
    row_map = models.CharField(max_length=50, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "modality", "name"], name="layer_unique_name"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name
