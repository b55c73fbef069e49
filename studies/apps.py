"""The `studies` app."""

from django.apps import AppConfig


class StudiesConfig(AppConfig):
    """Registers `studies` with Django."""

    name = "studies"
    verbose_name = "Studies"
