"""Two-dimensional pictures of the cells."""

from django.db import models

from studies.models.study_version import StudyVersion


class Projection(models.Model):
    """Coordinates of `obsm['X_<key>']`; the numbers are in the Store as array `projections.<position>`."""

    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="projections")
    key = models.CharField(max_length=100)
    position = models.IntegerField()

    class Meta:
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="projection_unique_key"),
            models.UniqueConstraint(fields=["version", "position"], name="projection_unique_position"),
        ]

    def __str__(self) -> str:
        """Show the key."""
        return self.key
