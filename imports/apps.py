"""The `imports` app."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    """Registers `imports` with Django."""

    name = "imports"
    verbose_name = "Imports"
