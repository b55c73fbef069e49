"""The outbox: AWS calls we intend to make."""

import uuid

from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Now

from cellenium_admin.core.context import Actor
from grants.querysets import OperationQuerySet


class Operation(models.Model):
    """One change we intend to make in AWS: intent, attempts, outcome.

    Those with the same `natural_key` are carried out one after the other, in the order of `number`.
    """

    class Kind(models.TextChoices):
        """What is to be done."""

        CREATE_LOCATION = "create_location"
        UPDATE_LOCATION = "update_location"
        DELETE_LOCATION = "delete_location"
        CREATE_USER = "create_user"
        DELETE_USER = "delete_user"
        FORGET_PRINCIPAL = "forget_principal"
        CREATE_KEY = "create_key"
        SET_KEY_STATUS = "set_key_status"
        DELETE_KEY = "delete_key"
        CREATE_GRANT = "create_grant"
        DELETE_GRANT = "delete_grant"
        TAG_RESOURCE = "tag_resource"
        ADD_TO_GROUP = "add_to_group"
        PUT_CUT = "put_cut"
        DELETE_STRAY_GRANT = "delete_stray_grant"
        DELETE_STRAY_LOCATION = "delete_stray_location"
        DELETE_STRAY_USER = "delete_stray_user"
        DELETE_STRAY_KEY = "delete_stray_key"

    class State(models.TextChoices):
        """Where it stands."""

        PENDING = "pending"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("grants_operation_number"), function="nextval")
    )
    kind = models.CharField(max_length=30, choices=Kind.choices)
    natural_key = models.CharField(max_length=4500)
    subject_type = models.CharField(max_length=50, blank=True)
    subject_id = models.CharField(max_length=100, blank=True)
    subject_label = models.CharField(max_length=1024, blank=True)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=100, blank=True)
    error_detail = models.CharField(max_length=2000, blank=True)
    attempts = models.IntegerField(default=0)
    lease_token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    available_at = models.DateTimeField(db_default=Now(), editable=False)
    actor_type = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=100)
    actor_label = models.CharField(max_length=254)
    request_id = models.CharField(max_length=36, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(
                fields=["state", "available_at"], condition=Q(state__in=["pending", "running"]), name="operation_due"
            ),
            models.Index(
                fields=["natural_key", "number"],
                condition=Q(state__in=["pending", "running"]),
                name="operation_order",
            ),
            models.Index(fields=["subject_type", "subject_id", "-number"], name="operation_subject"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False), name="operation_running_has_lease"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "running"], finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                name="operation_finished_has_time",
            ),
        ]

    def __str__(self) -> str:
        """Show what is to be done to what."""
        return f"{self.kind} {self.subject_label}"

    @property
    def actor(self) -> Actor:
        """Whoever wanted it."""
        return Actor(type=self.actor_type, id=self.actor_id, label=self.actor_label)

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in {self.State.SUCCEEDED, self.State.FAILED, self.State.CANCELLED}
