"""Cells that people have drawn and named."""

import uuid

from django.core.validators import RegexValidator
from django.db import models

from cellenium_admin.core.models import User
from studies.models.study import Study
from studies.models.study_version import StudyVersion
from studies.querysets import UserAnnotationQuerySet


class UserAnnotation(models.Model):
    """A named set of cells of a study, known by the cells' names, so that it outlives a new import.

    `keys` is what was chosen, whatever version it was chosen in: a JSON list of names in ascending order, deflated.
    `cells` are those of them that `attached_to` has: their numbers, ascending, uint32 little-endian.
    """

    class Visibility(models.TextChoices):
        """Who sees it."""

        PRIVATE = "private"
        STUDY = "study"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="user_annotations")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="user_annotations")
    name = models.CharField(max_length=200)
    color = models.CharField(max_length=7, validators=[RegexValidator(r"^#[0-9a-f]{6}\Z")])
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE)
    keys = models.BinaryField()
    key_count = models.IntegerField()
    cells = models.BinaryField()
    cell_count = models.IntegerField()
    attached_to = models.ForeignKey(StudyVersion, on_delete=models.CASCADE, related_name="user_annotations")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserAnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "owner", "name"], name="user_annotation_unique_name"),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name
