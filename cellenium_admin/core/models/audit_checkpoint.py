"""What was signed of the trail; the signed documents themselves lie outside the database, and those are what counts."""

from django.db import models

from cellenium_admin.core.models.user import User


class AuditCheckpointQuerySet(models.QuerySet["AuditCheckpoint"]):
    """Vocabulary of selections from the checkpoints."""

    def visible_to(self, user: User) -> "AuditCheckpointQuerySet":
        """Select what this user may read: everything for curators and administrators, nothing for others."""
        return self if user.is_curator else self.none()


class AuditCheckpoint(models.Model):
    """One signed statement of how far the trail had come; `document` is the file at `uri`, byte for byte.

    `previous` is the SHA-256 of the signature before, in hexadecimal digits and empty for the first: being unique,
    it keeps two processes from signing different statements after the same one.
    """

    seq = models.BigIntegerField(primary_key=True, editable=False)
    hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=32)
    previous = models.CharField(max_length=64, blank=True, unique=True)
    signature = models.BinaryField(max_length=64)
    document = models.TextField()
    uri = models.CharField(max_length=2048)
    written_at = models.DateTimeField(null=True)

    objects = AuditCheckpointQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]

    def __str__(self) -> str:
        """Show how far it goes."""
        return f"checkpoint at {self.seq}"
