"""Who may see which study, said once for lists, details, admin and tasks."""

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from cellenium_admin.core.models import User
    from studies.models.study import Study  # noqa: F401 -- named in a string
    from studies.models.user_annotation import UserAnnotation  # noqa: F401 -- named in a string

ANALYST_ROLES = ("analyst", "admin")


class StudyQuerySet(models.QuerySet["Study"]):
    """Vocabulary of study selections."""

    def published(self) -> "StudyQuerySet":
        """Select studies that have something to show."""
        return self.filter(current_version__isnull=False)

    def visible_to(self, user: "User") -> "StudyQuerySet":
        """Select studies whose data this user may see; an empty access list means nobody."""
        if not user.is_active:
            return self.none()
        if user.is_administrator:
            return self
        return self.filter(Q(visibility="public") | _holds_role(user)).distinct()

    def computable_by(self, user: "User") -> "StudyQuerySet":
        """Select studies on which this user may start computations."""
        if not user.is_active:
            return self.none()
        if user.is_administrator:
            return self
        return self.filter(_holds_role(user, roles=ANALYST_ROLES)).distinct()


class UserAnnotationQuerySet(models.QuerySet["UserAnnotation"]):
    """Vocabulary of selections of cells people have drawn."""

    def visible_to(self, user: "User") -> "UserAnnotationQuerySet":
        """Select one's own and shared ones, of studies this user may see; what is private is nobody else's."""
        seen = apps.get_model("studies", "Study").objects.visible_to(user).values("pk")
        return self.filter(Q(owner=user) | Q(visibility="study"), study__in=seen)


def _holds_role(user: "User", roles: tuple[str, ...] | None = None) -> Q:
    who = Q(access__user=user) | Q(access__group__in=[group for group in user.study_groups if group])
    return who if roles is None else who & Q(access__role__in=roles)
