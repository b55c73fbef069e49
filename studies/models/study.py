"""The catalogue entry."""

import uuid

from django.db import models

from studies.querysets import StudyQuerySet


class Study(models.Model):
    """A study as people know it; what was imported is in its versions, the newest published one is current."""

    class Visibility(models.TextChoices):
        """Who may see it without a role on it: nobody, or everybody."""

        PRIVATE = "private"
        PUBLIC = "public"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    organism_tax_id = models.IntegerField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE)
    source_uri = models.CharField(max_length=2048, unique=True)
    current_version = models.ForeignKey(
        "studies.StudyVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        """Show the name."""
        return self.name
