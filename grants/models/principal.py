"""Principals: the AWS identities grants are given to."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from cellenium_admin.core.models import User
from grants.models.lifecycle import Lifecycle, deletion_has_time, known_state, unique_while_existing
from grants.querysets import PrincipalQuerySet


class Principal(Lifecycle):
    """An IAM user or role; its ARN is known once AWS has confirmed it."""

    class Kind(models.TextChoices):
        """Which kind of IAM identity."""

        USER = "user"
        ROLE = "role"
        DIRECTORY = "directory"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.USER)
    name = models.CharField(max_length=128)
    arn = models.CharField(max_length=2048, blank=True)
    # AIDA... or AROA...: an identity made anew under the same name has another one.
    unique_id = models.CharField(max_length=128, blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="principals")

    objects = PrincipalQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-created_at"]
        indexes = [models.Index(fields=["user"], name="principal_user")]
        constraints = [
            known_state("principal_known_state"),
            deletion_has_time("principal_deletion_has_time"),
            unique_while_existing(F("kind"), Lower("name"), name="principal_one_per_name", origin="managed"),
            models.UniqueConstraint(
                fields=["arn"], condition=~Q(arn="") & ~Q(state="deleted"), name="principal_one_per_arn"
            ),
            models.CheckConstraint(condition=~Q(state="active") | ~Q(arn=""), name="principal_active_has_arn"),
            models.CheckConstraint(
                condition=~Q(origin="managed") | Q(kind="user"), name="principal_only_users_are_made"
            ),
        ]

    def __str__(self) -> str:
        """Show the ARN, or the name while AWS has not confirmed it."""
        return self.arn or self.name
