"""The `grants` app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Registers `grants` with Django."""

    name = "grants"
    verbose_name = "Access"
