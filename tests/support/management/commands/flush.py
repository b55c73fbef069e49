"""Django's test cases call this after a committing test."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from tests.support.database import reset


class Command(BaseCommand):
    """Empties the test database as its owner."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-input", "--noinput", action="store_false", dest="interactive")
        parser.add_argument("--database", default="default")
        parser.add_argument("--reset-sequences", default=False)
        parser.add_argument("--allow-cascade", default=False)
        parser.add_argument("--inhibit-post-migrate", default=True)

    def handle(self, **options: Any) -> None:
        reset(connections[options["database"]].settings_dict["NAME"])
