"""Events of open transactions, between `audit.record` and the commit that numbers them."""

from django.db import models


class AuditPending(models.Model):
    """One event not yet numbered; seen by its own transaction only and gone when that commits."""

    event = models.JSONField()
    last = models.BooleanField(db_default=False)

    class Meta:
        verbose_name_plural = "audit pending"

    def __str__(self) -> str:
        """Show the place in the queue."""
        return f"pending {self.pk}"
