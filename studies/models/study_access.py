"""Who holds which role on a study."""

from django.db import models
from django.db.models import Q

from cellenium_admin.core.models import User
from studies.models.study import Study


class StudyAccess(models.Model):
    """One role on one study, for a user or for a group of the login provider."""

    class Role(models.TextChoices):
        """Each role may do what those before it may."""

        VIEWER = "viewer"
        ANALYST = "analyst"
        ADMIN = "admin"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="access")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="study_access")
    group = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    may_download = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "study access"
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group="") | (Q(user__isnull=True) & ~Q(group="")),
                name="study_access_user_or_group",
            ),
            models.UniqueConstraint(
                fields=["study", "user"], condition=Q(user__isnull=False), name="study_access_unique_user"
            ),
            models.UniqueConstraint(
                fields=["study", "group"], condition=~Q(group=""), name="study_access_unique_group"
            ),
        ]

    def __str__(self) -> str:
        """Show who may do what."""
        return f"{self.user or self.group}: {self.role}"
