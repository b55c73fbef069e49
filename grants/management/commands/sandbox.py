"""`cellenium-admin sandbox`: a local AWS; docs/sandbox.md tells of it."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from grants.sandbox import commands


class Command(BaseCommand):
    """Runs the local AWS, or asks and turns one that runs."""

    help = "Run a local AWS (S3, IAM, STS, S3 Access Grants), or ask and turn one that runs; see docs/sandbox.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what `python -m grants.sandbox` takes."""
        commands.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        """Do it and end with its exit code."""
        sys.exit(commands.run(argparse.Namespace(**options)))
