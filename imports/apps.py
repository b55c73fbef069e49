"""The `imports` app."""

from importlib import import_module

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    """Registers `imports` with Django."""

    name = "imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        """Say what else happens when an import's job ends; in every process, since any may end it."""
        import_module("imports.receivers")
