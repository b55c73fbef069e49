"""The shared kernel as a Django app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Users, the audit trail and jobs."""

    name = "cellenium_admin.core"
    label = "core"
    verbose_name = "People, jobs and trail"
