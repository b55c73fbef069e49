"""Access keys of IAM users: their ids and ages, never their secrets."""

from django.db import models
from django.db.models import Q

from grants.models.lifecycle import Lifecycle, deletion_has_time, known_state
from grants.models.principal import Principal
from grants.querysets import AccessKeyQuerySet


class AccessKey(Lifecycle):
    """One access key of a principal; `pending_create` while AWS is asked, with the ids that were there before."""

    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="keys")
    access_key_id = models.CharField(max_length=128, blank=True)
    is_enabled = models.BooleanField(default=True)
    # The keys AWS listed before ours was asked for: one that is there afterwards and nowhere recorded was lost.
    ids_before = models.JSONField(default=list)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = AccessKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            known_state("access_key_known_state"),
            deletion_has_time("access_key_deletion_has_time"),
            models.UniqueConstraint(
                fields=["access_key_id"], condition=~Q(access_key_id=""), name="access_key_one_per_id"
            ),
            models.UniqueConstraint(
                fields=["principal"], condition=Q(state="pending_create"), name="access_key_one_asked_for_at_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="active") | ~Q(access_key_id=""), name="access_key_active_has_id"
            ),
        ]

    def __str__(self) -> str:
        """Show the id."""
        return self.access_key_id or f"a key asked for {self.principal.name}"
