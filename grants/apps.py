"""The `grants` app."""

from django.apps import AppConfig


class GrantsConfig(AppConfig):
    """Registers `grants` with Django."""

    name = "grants"
    verbose_name = "Access grants"
