"""The `grants` app."""

from importlib import import_module

from django.apps import AppConfig


class GrantsConfig(AppConfig):
    """Registers `grants` with Django."""

    name = "grants"
    verbose_name = "Access grants"

    def ready(self) -> None:
        """Connect what listens to the kernel, which needs the models loaded."""
        import_module("grants.receivers")
