"""People and service accounts."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class SystemRole(models.TextChoices):
    """Rights over the whole installation; a member has none of these."""

    CURATOR = "curator"
    ADMINISTRATOR = "administrator"


class UserManager(BaseUserManager["User"]):
    """Finds accounts by their login name."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Look an account up by login name, as Django's login does."""
        return self.get(username=username)


class User(AbstractBaseUser):
    """A person known by OIDC `(issuer, subject)`, or a service account; the e-mail is a label."""

    class Kind(models.TextChoices):
        """Whether a person or a program stands behind the account."""

        PERSON = "user"
        SERVICE = "service"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    username = models.CharField(max_length=150, unique=True)
    oidc_issuer = models.CharField(max_length=255, blank=True)
    oidc_subject = models.CharField(max_length=255, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    display_name = models.CharField(max_length=200, blank=True)
    system_roles = ArrayField(models.CharField(max_length=20, choices=SystemRole.choices), default=list, blank=True)
    study_groups = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    upload_prefix = models.CharField(max_length=255, unique=True, null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "username"

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["oidc_issuer", "oidc_subject"],
                condition=~Q(oidc_subject=""),
                name="user_unique_oidc_identity",
            ),
            models.CheckConstraint(
                condition=Q(oidc_issuer="", oidc_subject="") | (~Q(oidc_issuer="") & ~Q(oidc_subject="")),
                name="user_oidc_identity_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(system_roles__contained_by=list(SystemRole.values)),
                name="user_known_system_roles",
            ),
        ]

    def __str__(self) -> str:
        """Show the label people know the account by."""
        return self.label

    @property
    def label(self) -> str:
        """The e-mail where there is one, else the login name."""
        return self.email or self.username

    @property
    def is_administrator(self) -> bool:
        """Whether this active account has the administrator role."""
        return self.is_active and SystemRole.ADMINISTRATOR in self.system_roles

    @property
    def is_curator(self) -> bool:
        """Whether this active account may do what curators do; administrators may."""
        return self.is_administrator or (self.is_active and SystemRole.CURATOR in self.system_roles)

    @property
    def is_staff(self) -> bool:
        """Who may open the admin: curators and administrators."""
        return self.is_curator

    @property
    def is_superuser(self) -> bool:
        """Django's word for the administrator role."""
        return self.is_administrator

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Answer Django's own permission questions: administrators only, our admins ask by role."""
        del perm, obj
        return self.is_administrator

    def has_module_perms(self, app_label: str) -> bool:
        """Show an app in the admin to everyone who may open the admin at all."""
        del app_label
        return self.is_staff
