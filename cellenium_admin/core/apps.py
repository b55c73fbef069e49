"""The shared kernel as a Django app."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from cellenium_admin.core.oidc import checks
from cellenium_admin.core.services import privileges


class CoreConfig(AppConfig):
    """Users, the audit trail and jobs."""

    name = "cellenium_admin.core"
    label = "core"
    verbose_name = "People, jobs and trail"

    def ready(self) -> None:
        """Connect what listens to Django's own signals, which needs the models loaded."""
        import_module("cellenium_admin.core.receivers")
        checks.refuse_faults()
        post_migrate.connect(grant_application_role, sender=self)


def grant_application_role(*, using: str, **_: Any) -> None:
    """Give the application's role its rights on whatever the migrations have just made."""
    privileges.grant_application_role(using=using)
