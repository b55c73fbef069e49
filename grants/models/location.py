"""Locations of S3 Access Grants."""

from django.db import models
from django.db.models import Q

from grants.models.lifecycle import Lifecycle, deletion_has_time, known_state, unique_while_existing
from grants.querysets import LocationQuerySet


class Location(Lifecycle):
    """An S3 prefix registered with S3 Access Grants, with the IAM role that serves it."""

    aws_id = models.CharField(max_length=64, blank=True)
    arn = models.CharField(max_length=300, blank=True)
    scope = models.CharField(max_length=2000)
    role_arn = models.CharField(max_length=2048)

    objects = LocationQuerySet.as_manager()

    class Meta:
        ordering = ["scope", "-created_at"]
        constraints = [
            known_state("location_known_state"),
            deletion_has_time("location_deletion_has_time"),
            unique_while_existing(name="location_one_per_scope", fields=("scope",), failed_counts=False),
            models.UniqueConstraint(
                fields=["aws_id"], condition=~Q(aws_id="") & ~Q(state="deleted"), name="location_one_per_aws_id"
            ),
            models.CheckConstraint(condition=~Q(state="active") | ~Q(aws_id=""), name="location_active_has_aws_id"),
        ]

    def __str__(self) -> str:
        """Show the scope."""
        return self.scope
