"""What every row has that stands for something in AWS."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from grants.models.choices import Drift, Origin, State


class Lifecycle(models.Model):
    """State, origin, version for optimistic locking, and what the last reconcile found."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.MANAGED)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING_CREATE)
    drift = models.CharField(max_length=20, choices=Drift.choices, default=Drift.NONE, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # When AWS confirmed it last, by an answer to a call of ours.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_ours(self) -> bool:
        """Whether we made it and may therefore take it away."""
        return self.origin == Origin.MANAGED

    @property
    def exists(self) -> bool:
        """Whether it is there, is to be there, or is not yet gone."""
        return self.state != State.DELETED


def deletion_has_time(name: str) -> models.CheckConstraint:
    """Give the constraint that what is gone says since when, and nothing else does."""
    gone = Q(state=State.DELETED, deleted_at__isnull=False)
    return models.CheckConstraint(condition=gone | (~Q(state=State.DELETED) & Q(deleted_at__isnull=True)), name=name)


def known_state(name: str) -> models.CheckConstraint:
    """Give the constraint that state and origin are words of ours."""
    return models.CheckConstraint(condition=Q(state__in=State.values, origin__in=Origin.values), name=name)


def unique_while_existing(
    *expressions: Any, name: str, fields: tuple[str, ...] = (), failed_counts: bool = True, **more: Any
) -> Any:
    """Give the constraint that two rows may share these values only when one of them is gone or going.

    Without `failed_counts` also when one of them could not be made: somebody else's may stand in its place.
    """
    absent = [State.DELETED, State.PENDING_DELETE, *([] if failed_counts else [State.FAILED])]
    condition = ~Q(state__in=absent) & Q(**more)
    if fields:
        return models.UniqueConstraint(fields=fields, condition=condition, name=name)
    return models.UniqueConstraint(*expressions, condition=condition, name=name)
