"""Files seen in the h5ad store."""

import uuid

from django.db import models

from cellenium_admin.core.models import User


class Upload(models.Model):
    """One revision of one file: another revision under the same URI is another upload.

    So is an earlier revision that comes back; among the uploads of a URI, the last modified and found is the newest.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    uri = models.CharField(max_length=2048)
    revision = models.CharField(max_length=255)
    size = models.BigIntegerField()
    modified_at = models.DateTimeField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="uploads")
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["uri", "revision", "modified_at"], name="upload_unique_revision")
        ]

    def __str__(self) -> str:
        """Show where it lies."""
        return self.uri
