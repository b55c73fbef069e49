"""Requests for access: asked by members, decided by curators."""

import uuid

from django.db import models
from django.db.models import F, Q

from cellenium_admin.core.models import User
from grants.models.choices import Permission
from grants.models.location import Location
from grants.models.principal import Principal
from grants.querysets import AccessRequestQuerySet


class AccessRequest(models.Model):
    """What somebody asks for, and how it was decided; nobody decides their own."""

    class State(models.TextChoices):
        """Where it stands."""

        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        CANCELLED = "cancelled"
        LAPSED = "lapsed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    version = models.PositiveIntegerField(default=1)
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_requests")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="access_requests")
    principal = models.ForeignKey(
        Principal, on_delete=models.PROTECT, null=True, blank=True, related_name="access_requests"
    )
    sub_prefix = models.CharField(max_length=2000, blank=True)
    is_object = models.BooleanField(default=False)
    scope = models.CharField(max_length=2000)
    permission = models.CharField(max_length=10, choices=Permission.choices, default=Permission.READ)
    wanted_until = models.DateTimeField()
    justification = models.CharField(max_length=1000)
    created_at = models.DateTimeField(auto_now_add=True)
    lapses_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="decided_access_requests"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=1000, blank=True)

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["state", "lapses_at"], name="access_request_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requester")),
                name="access_request_not_decided_by_requester",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "rejected"])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="access_request_decision_has_author",
            ),
            models.CheckConstraint(
                condition=~Q(state="pending") | Q(decided_at__isnull=True), name="access_request_pending_is_undecided"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "approved", "rejected", "cancelled", "lapsed"]),
                name="access_request_known_state",
            ),
        ]

    def __str__(self) -> str:
        """Show what is asked for."""
        return f"{self.permission} on {self.scope}"
