"""Grants: who may read or write which prefix, until when."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cellenium_admin.core.models import User
from grants.models.access_request import AccessRequest
from grants.models.choices import Permission
from grants.models.lifecycle import Lifecycle, deletion_has_time, known_state, unique_while_existing
from grants.models.location import Location
from grants.models.principal import Principal
from grants.querysets import GrantQuerySet


class Grant(Lifecycle):
    """Permission of one principal on one sub-prefix of one location; of the grants of AWS, ours always expire."""

    aws_id = models.CharField(max_length=64, blank=True)
    arn = models.CharField(max_length=300, blank=True)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="grants")
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="grants")
    permission = models.CharField(max_length=10, choices=Permission.choices)
    sub_prefix = models.CharField(max_length=2000, blank=True)
    is_object = models.BooleanField(default=False)
    # The location's scope and the sub-prefix joined, as AWS shows it.
    scope = models.CharField(max_length=4000)
    application_arn = models.CharField(max_length=300, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    review_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="created_grants")
    request = models.OneToOneField(AccessRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="grant")
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by")

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="grant_newest"),
            models.Index(fields=["principal", "state"], name="grant_principal"),
            models.Index(fields=["location", "state"], name="grant_location"),
            models.Index(fields=["expires_at"], condition=~Q(state="deleted"), name="grant_expiry"),
            models.Index(
                fields=["scope"], condition=~Q(state="deleted"), name="grant_scope", opclasses=["text_pattern_ops"]
            ),
        ]
        constraints = [
            known_state("grant_known_state"),
            deletion_has_time("grant_deletion_has_time"),
            unique_while_existing(
                name="grant_one_per_natural_key",
                fields=("location", "principal", "permission", "scope", "application_arn"),
                failed_counts=False,
            ),
            models.UniqueConstraint(
                fields=["aws_id"], condition=~Q(aws_id="") & ~Q(state="deleted"), name="grant_one_per_aws_id"
            ),
            models.CheckConstraint(condition=~Q(state="active") | ~Q(aws_id=""), name="grant_active_has_aws_id"),
            models.CheckConstraint(
                condition=~Q(origin="managed") | Q(expires_at__isnull=False), name="grant_of_ours_expires"
            ),
            models.CheckConstraint(
                condition=~Q(origin="adopted") | Q(review_at__isnull=False), name="grant_adopted_has_review_date"
            ),
            models.CheckConstraint(condition=Q(permission__in=Permission.values), name="grant_known_permission"),
        ]

    def __str__(self) -> str:
        """Show permission, scope and for whom."""
        return f"{self.permission} on {self.scope} for {self.principal}"

    def is_expired(self, now: datetime | None = None) -> bool:
        """Tell whether its time is over, whatever AWS still has."""
        return self.expires_at is not None and self.expires_at <= (now or timezone.now())
