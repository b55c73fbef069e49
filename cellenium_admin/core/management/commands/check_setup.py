"""The installation examined: run it after every change of settings, roles or servers."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cellenium_admin.core.services.setup_checks import findings
from cellenium_admin.core.services.setup_findings import Finding, State


class Command(BaseCommand):
    """Prints what is right and wrong; ends with 1 when something must be mended."""

    help = "Check roles, trail, Redis, h5ad store, directories and workers; exit with 1 when something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the one option."""
        parser.add_argument("--json", action="store_true", help="print one JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at everything before ending, so that one run shows all there is to mend."""
        del args
        found = []
        for finding in findings():
            found.append(finding)
            if not options["json"]:
                self.stdout.write(_as_text(finding))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in found]))
        if any(finding.state is State.FAILED for finding in found):
            sys.exit(1)


def _as_text(finding: Finding) -> str:
    line = f"{finding.state:<8} {finding.name:<13} {finding.detail}"
    return f"{line}\n{'':<23}{finding.remedy}" if finding.remedy else line
