"""Files on their way into the h5ad store, and files seen there."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cellenium_admin.core.models import User
from imports.querysets import UploadQuerySet


class Upload(models.Model):
    """One revision of one file: another revision under the same URI is another upload.

    So is an earlier revision that comes back; among the uploads of a URI, the last modified and found is the newest.
    What is sent by a browser or our client has a row from the beginning, and a key that nothing else has.
    """

    class State(models.TextChoices):
        """Where the file stands; what becomes of it afterwards is told by its import runs."""

        STARTING = "starting", "about to be sent"
        UPLOADING = "uploading", "being sent"
        COMPLETING = "completing", "being put together"
        RECEIVED = "received", "arrived"
        HELD = "held", "arrived, beyond the quota"
        UNRECOGNIZED = "unrecognized", "arrived, left alone"
        REMOVING = "removing", "being removed"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "given up"
        REMOVED = "removed", "removed"

    class Source(models.TextChoices):
        """Who sent it: through us part by part, or straight into the bucket or directory."""

        BROWSER = "browser"
        BUCKET = "bucket"

    UNFINISHED: ClassVar = (State.STARTING, State.UPLOADING, State.COMPLETING)
    THERE: ClassVar = (State.RECEIVED, State.HELD, State.UNRECOGNIZED, State.REMOVING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.BUCKET)
    uri = models.CharField(max_length=2048)
    # What the person called it; never a part of the key.
    filename = models.CharField(max_length=255, blank=True)
    # Both are known once the file is there.
    revision = models.CharField(max_length=255, blank=True)
    modified_at = models.DateTimeField(null=True, blank=True)
    size = models.BigIntegerField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="uploads")
    # S3's id of the multipart upload, as long as there is one to end.
    multipart_id = models.CharField(max_length=1024, blank=True)
    part_size = models.BigIntegerField(default=0)
    found_at = models.DateTimeField(auto_now_add=True)
    # When it was last heard of while it is being sent.
    touched_at = models.DateTimeField(default=timezone.now)
    # Why it is held, left alone or ended, in a sentence for its owner.
    note = models.CharField(max_length=500, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-found_at"], name="upload_owner"),
            models.Index(
                fields=["touched_at"],
                condition=Q(state__in=["starting", "uploading", "completing", "removing", "held"]),
                name="upload_to_look_after",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["uri", "revision", "modified_at"], name="upload_unique_revision"),
            models.UniqueConstraint(fields=["uri"], condition=Q(source="browser"), name="upload_one_per_browser_key"),
            models.CheckConstraint(
                condition=~Q(state__in=["received", "held", "unrecognized", "removing", "removed"])
                | (~Q(revision="") & Q(modified_at__isnull=False)),
                name="upload_there_has_revision",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["uploading", "completing"]) | ~Q(multipart_id=""),
                name="upload_being_sent_has_multipart",
            ),
            models.CheckConstraint(
                condition=~Q(source="browser") | (Q(part_size__gt=0, owner__isnull=False) & ~Q(filename="")),
                name="upload_of_browser_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["received", "held", "unrecognized", "removing", "removed"])
                | Q(source="browser"),
                name="upload_of_bucket_is_there",
            ),
            models.CheckConstraint(condition=Q(size__gte=0), name="upload_size_not_negative"),
        ]

    def __str__(self) -> str:
        """Show what it is called, or where it lies."""
        return self.filename or self.uri

    @property
    def part_count(self) -> int:
        """Number of parts it is sent in; 0 where nobody counts."""
        return -(-self.size // self.part_size) if self.part_size else 0

    def size_of_part(self, number: int) -> int:
        """Give the size of one part, numbers beginning at 1; the last is what is left."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)
