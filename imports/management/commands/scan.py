"""Looking for new files from the command line."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from imports.services import uploads


class Command(ServiceCommand):
    """Lists the h5ad store once and queues an import of whatever is new."""

    help = "Look for new files in the h5ad store and have them imported by the workers."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form of the answer."""
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        """Scan and say what was seen."""
        result = uploads.scan(actor=ACTOR)
        if options["json"]:
            self.print_json(asdict(result))
            return
        self.stdout.write(
            f"{result.found} files: {result.new} new, {result.unchanged} known, "
            f"{result.too_fresh} too fresh to be surely whole."
        )
