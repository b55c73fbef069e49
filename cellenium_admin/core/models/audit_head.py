"""The end of the chain, one row; the lock that numbers events without gaps."""

from django.db import models


class AuditHead(models.Model):
    """Number and hash of the newest event; changed by the database function alone."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one_row")]

    def __str__(self) -> str:
        """Show the newest number."""
        return f"head at {self.seq}"
