"""Lets the test suite bring its own management commands."""

from django.apps import AppConfig


class SupportConfig(AppConfig):
    """Overrides `flush`, which the application's database role is not allowed to do."""

    name = "tests.support"
    label = "tests_support"
