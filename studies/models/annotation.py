"""Labels of cells."""

from django.db import models

from studies.models.study_version import StudyVersion


class AnnotationGroup(models.Model):
    """An `obs` column; the cells' codes are in the Store as array `annotations.<position>`."""

    version = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="annotation_groups")
    key = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    position = models.IntegerField()
    is_primary = models.BooleanField(default=True)

    class Meta:
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="annotation_group_unique_key"),
            models.UniqueConstraint(fields=["version", "position"], name="annotation_group_unique_position"),
        ]

    def __str__(self) -> str:
        """Show the label."""
        return self.label


class AnnotationValue(models.Model):
    """One category of a group; `code` is its number in the Store."""

    group = models.ForeignKey(AnnotationGroup, on_delete=models.CASCADE, related_name="values")
    code = models.IntegerField()
    label = models.CharField(max_length=500)
    color = models.CharField(max_length=9)
    cell_count = models.BigIntegerField()

    class Meta:
        ordering = ["group", "code"]
        constraints = [
            models.UniqueConstraint(fields=["group", "code"], name="annotation_value_unique_code"),
            models.UniqueConstraint(fields=["group", "label"], name="annotation_value_unique_label"),
        ]

    def __str__(self) -> str:
        """Show the label."""
        return self.label
