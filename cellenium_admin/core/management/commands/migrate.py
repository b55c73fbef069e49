"""Django's migrate, run as the owner of the tables unless told otherwise."""

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS


class Command(migrate.Command):
    """Updates the schema as the role of CELLENIUM_DATABASE_OWNER_URL; then the application's role gets its rights."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Make `owner` the default database where it is configured."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else DEFAULT_DB_ALIAS)
