"""Issuances: each set of credentials handed out, never the secret."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cellenium_admin.core.models import User
from grants.models.choices import Permission
from grants.models.grant import Grant
from grants.models.principal import Principal
from grants.querysets import IssuanceQuerySet


class Issuance(models.Model):
    """One set of temporary credentials: who, how, for what, until when."""

    class Method(models.TextChoices):
        """Which AWS call gave it."""

        DATA_ACCESS = "data_access"
        ASSUME_ROLE = "assume_role"

    class Purpose(models.TextChoices):
        """What they are for: one's own prefix to write or to read, or what a grant says."""

        UPLOAD = "upload"
        READ = "read"
        GRANT = "grant"

    class State(models.TextChoices):
        """`intended` is committed before AWS is asked; it and `unknown` count as perhaps handed out."""

        INTENDED = "intended"
        ISSUED = "issued"
        REFUSED = "refused"
        UNKNOWN = "unknown"

    class Cap(models.TextChoices):
        """What made the time shorter."""

        NONE = "", "nothing"
        ROLE_CHAINING = "role_chaining"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    method = models.CharField(max_length=20, choices=Method.choices)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.GRANT)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENDED)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="issuances")
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, null=True, blank=True, related_name="issuances")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, blank=True, related_name="issuances")
    role_arn = models.CharField(max_length=2048, blank=True)
    scope = models.CharField(max_length=4000)
    permission = models.CharField(max_length=10, choices=Permission.choices)
    duration_seconds = models.PositiveIntegerField()
    # Why they last less than was asked for; empty when they do not.
    capped_by = models.CharField(max_length=20, choices=Cap.choices, blank=True, default=Cap.NONE)
    created_at = models.DateTimeField(auto_now_add=True)
    # The latest moment at which they can still be used; for an unknown outcome, reckoned from the duration.
    expires_at = models.DateTimeField()
    access_key_id = models.CharField(max_length=128, blank=True)
    # `aws:userid` of the session, by which it can be cut alone.
    aws_user_id = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    cut_at = models.DateTimeField(null=True, blank=True)

    objects = IssuanceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="issuance_user"),
            models.Index(fields=["role_arn", "expires_at"], name="issuance_role"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="issued") | ~Q(access_key_id=""), name="issuance_issued_has_key_id"
            ),
            models.CheckConstraint(
                condition=(Q(purpose="grant") & Q(grant__isnull=False))
                | (Q(purpose__in=["upload", "read"]) & Q(grant__isnull=True) & Q(user__isnull=False)),
                name="issuance_purpose_fits",
            ),
        ]

    def __str__(self) -> str:
        """Show what was handed out."""
        return f"{self.permission} on {self.scope}"

    @property
    def is_live(self) -> bool:
        """Whether these credentials may still be used by somebody: handed out, or perhaps, not over and not cut."""
        return self.state != self.State.REFUSED and self.cut_at is None and self.expires_at > timezone.now()
