"""Checking a file before it is uploaded."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imports.reader_process.client import Finding, ReaderWork, Severity, read_file


class Command(BaseCommand):
    """Prints what an import would say of a file, and exits with 1 when it would be refused."""

    help = "Check whether a file would be imported; prints every finding, exits with 1 when there are errors."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file and the form of the answer."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, file: Path, **options: Any) -> None:
        """Check the file."""
        if not file.is_file():
            raise CommandError(f"{file} is not a file.")
        findings = look_into(file)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1))
        else:
            self.stdout.writelines(f"{finding}\n" for finding in findings)
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        if errors:
            raise CommandError(f"{file} would be refused: {errors} error{'s' if errors > 1 else ''}.")
        self.stderr.write(f"{file} would be imported.")


def look_into(path: Path) -> list[Finding]:
    """Give all findings of a file, or the one that keeps it from being opened."""
    work = ReaderWork(file=path, building=None, memory_bytes=settings.BUILD_MEMORY_BYTES)
    return read_file(work, tell=lambda _stage, _done, _total: None).findings
