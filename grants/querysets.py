"""Who may see what of grants, said once for lists, details, admin and tasks."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from cellenium_admin.core.models import User
    from grants.models import (  # noqa: F401 -- named in strings
        AccessKey,
        AccessRequest,
        Cut,
        Grant,
        Issuance,
        Location,
        Operation,
        Principal,
        ReconcileRun,
        Sighting,
    )

Row = TypeVar("Row", bound=models.Model)

GONE = "deleted"


class CuratedQuerySet(models.QuerySet[Row], Generic[Row]):
    """Rows that curators may see, and nobody else unless a subclass says so."""

    def visible_to(self, user: "User") -> Self:
        """Select what this user may know of."""
        if not user.is_active:
            return self.none()
        return self if user.is_curator else self.own(user)

    def own(self, user: "User") -> Self:
        """Select what a member may know of by themselves: nothing."""
        del user
        return self.none()


class LifecycleQuerySet(CuratedQuerySet[Row]):
    """Rows that stand for something in AWS."""

    def existing(self) -> Self:
        """Select what is there, is to be there, or is not yet gone."""
        return self.exclude(state=GONE)

    def active(self) -> Self:
        """Select what AWS has confirmed."""
        return self.filter(state="active")


class LocationQuerySet(LifecycleQuerySet["Location"]):
    """Vocabulary of selections of locations."""


class CutQuerySet(LifecycleQuerySet["Cut"]):
    """Vocabulary of selections of cuts."""


class ReconcileRunQuerySet(CuratedQuerySet["ReconcileRun"]):
    """Vocabulary of selections of comparisons."""


class SightingQuerySet(CuratedQuerySet["Sighting"]):
    """Vocabulary of selections of sightings."""


class PrincipalQuerySet(LifecycleQuerySet["Principal"]):
    """Vocabulary of selections of principals."""

    def own(self, user: "User") -> Self:
        """Select the principals that are linked to this user."""
        return self.filter(user=user)


class GrantQuerySet(LifecycleQuerySet["Grant"]):
    """Vocabulary of selections of grants."""

    def own(self, user: "User") -> Self:
        """Select the grants of this user's principals."""
        return self.filter(principal__user=user)

    def expired(self, now: datetime) -> Self:
        """Select grants that are past their expiry and not yet taken away."""
        return self.filter(expires_at__lte=now, state__in=["pending_create", "active", "failed"])

    def usable(self, now: datetime) -> Self:
        """Select grants under which credentials may be handed out at this moment."""
        return self.filter(state="active").filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


class AccessKeyQuerySet(LifecycleQuerySet["AccessKey"]):
    """Vocabulary of selections of access keys."""

    def own(self, user: "User") -> Self:
        """Select what belongs to this user's principals."""
        return self.filter(principal__user=user)


class AccessRequestQuerySet(CuratedQuerySet["AccessRequest"]):
    """Vocabulary of selections of access requests."""

    def own(self, user: "User") -> Self:
        """Select what this user has asked for."""
        return self.filter(requester=user)


class IssuanceQuerySet(CuratedQuerySet["Issuance"]):
    """Vocabulary of selections of issuances."""

    def visible_to(self, user: "User") -> Self:
        """Select what this user was handed out; administrators see all."""
        if not user.is_active:
            return self.none()
        return self if user.is_administrator else self.filter(user=user)

    def live(self, now: datetime) -> Self:
        """Select sessions that may still be used: handed out, or perhaps handed out, and not over."""
        return self.filter(state__in=["intended", "issued", "unknown"], expires_at__gt=now)


class OperationQuerySet(CuratedQuerySet["Operation"]):
    """Vocabulary of selections from the outbox."""

    def unfinished(self) -> Self:
        """Select what is still to be done."""
        return self.filter(state__in=["pending", "running"])

    def of(self, subject: models.Model) -> Self:
        """Select what was done about one row."""
        kind: Any = subject._meta.model_name  # noqa: SLF001 -- Django's documented interface
        return self.filter(subject_type=kind, subject_id=str(subject.pk))
