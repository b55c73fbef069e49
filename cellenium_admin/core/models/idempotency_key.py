"""Idempotency keys: a request that a client sends twice, because an answer was lost, is carried out once."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from cellenium_admin.core.models.user import User


class IdempotencyKey(models.Model):
    """One `Idempotency-Key` of one user on one route: who works under it, what that made, what was answered.

    `subject_id` names what the request has made; it is written in the transaction that makes it.
    """

    class State(models.TextChoices):
        """`delivered` means that the answer carried a secret and was therefore not kept."""

        RUNNING = "running"
        ANSWERED = "answered"
        DELIVERED = "delivered"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="idempotency_keys")
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    # SHA-256 of method, path and body, so that the key is not taken for another request.
    fingerprint = models.BinaryField(max_length=32, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    # Whoever holds the highest token may finish; it grows when a silent holder is replaced.
    lease_token = models.BigIntegerField(default=1)
    lease_until = models.DateTimeField(editable=False)
    subject_id = models.CharField(max_length=100, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="idempotency_key_expiry")]
        constraints = [
            models.UniqueConstraint(fields=["user", "route", "key"], name="idempotency_key_one_per_route"),
            models.CheckConstraint(
                condition=Q(state="answered", status__isnull=False) | (~Q(state="answered") & Q(status__isnull=True)),
                name="idempotency_key_answered_has_status",
            ),
            models.CheckConstraint(condition=Q(state="answered") | Q(body=""), name="idempotency_key_keeps_no_secret"),
        ]

    def __str__(self) -> str:
        """Show the route and where it stands; the key itself is the client's."""
        return f"{self.route} ({self.state})"
