"""Looking after the Stores of this host."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from cellenium_admin.core.management.service_command import ServiceCommand
from studies.services import store_upkeep
from studies.services.store_upkeep import StoreState


class Command(ServiceCommand):
    """Lists the Stores of this host, or reads them whole and compares their checksums."""

    help = "List the Stores of this host, or verify their checksums; exits with 1 when one is damaged."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to do."""
        parser.add_argument("what", choices=["list", "verify"])
        parser.add_argument(
            "--mend", action="store_true", help="with verify: remove damaged copies, to be fetched again"
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it, a line a Store."""
        wanted = options["what"]
        states = store_upkeep.listed() if wanted == "list" else store_upkeep.verified(mend=options["mend"])
        if self._show(states, as_json=options["json"]):
            raise SystemExit(1)

    def _show(self, states: Iterable[StoreState], *, as_json: bool) -> int:
        damaged = 0
        for state in states:
            damaged += bool(state.damage)
            self.stdout.write(json.dumps(asdict(state)) if as_json else self._line(state))
        return damaged

    def _line(self, state: StoreState) -> str:
        kind = "copy" if state.is_copy else "only here"
        line = f"{state.name}  {state.bytes / 1e6:,.1f} MB  {kind}"
        if not state.damage:
            return line
        end = "removed, the next question fetches it" if state.removed else "import the study again"
        if state.is_copy and not state.removed:
            end = "--mend has it fetched again"
        return f"{line}  DAMAGED: {state.damage}; {end}"
