"""The trail on the command line: verify it, look at its end."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cellenium_admin.core.models import AuditEvent
from cellenium_admin.core.services.audit_chain import Verdict, database_trail, verify


class Command(BaseCommand):
    """Recomputes the chain of the trail, or prints its newest events."""

    help = "Verify the audit trail, or print its newest events."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `verify` and `tail`."""
        actions = parser.add_subparsers(dest="action", required=True)
        verifying = actions.add_parser(
            "verify", help="recompute every hash; exit with 1 at the first row that is wrong"
        )
        verifying.add_argument(
            "--from", dest="start", type=int, default=1, metavar="N", help="begin at event N and trust those before it"
        )
        verifying.add_argument("--json", action="store_true", help="print one JSON object")
        tailing = actions.add_parser("tail", help="print the newest events, the newest last")
        tailing.add_argument("--limit", type=int, default=20, metavar="N", help="how many (20)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the action."""
        if options["action"] == "verify":
            self._verify(start=options["start"], as_json=options["json"])
        else:
            self._tail(limit=options["limit"])

    def _verify(self, *, start: int, as_json: bool) -> None:
        with database_trail() as trail:
            head = trail.head()
            if start < 1 or (head and start > head.seq + 1):
                raise CommandError(f"--from {start}: give a number from 1 to {head.seq + 1 if head else 1}.")
            verdict = verify(trail, start=start)
        self.stdout.write(json.dumps(_as_object(verdict)) if as_json else _as_line(verdict))
        if verdict.breach:
            sys.exit(1)

    def _tail(self, *, limit: int) -> None:
        if limit < 1:
            raise CommandError(f"--limit {limit}: give 1 or more.")
        for event in reversed(AuditEvent.objects.order_by("-seq")[:limit]):
            self.stdout.write(_printable(_describe(event)))


def _as_line(verdict: Verdict) -> str:
    if verdict.breach is None:
        return f"audit verify: ok ({verdict.events} events)"
    breach = verdict.breach
    return f"audit verify: FAILED at seq {breach.seq}: {breach.kind}: {breach.explanation}"


def _as_object(verdict: Verdict) -> dict[str, Any]:
    if verdict.breach is None:
        return {"ok": True, "events": verdict.events, "hash": verdict.hash.hex()}
    breach = verdict.breach
    return {"ok": False, "seq": breach.seq, "kind": breach.kind, "explanation": breach.explanation}


def _describe(event: AuditEvent) -> str:
    parts = [
        f"#{event.seq}",
        event.at.strftime("%Y-%m-%d %H:%M:%SZ"),
        event.action if event.outcome == "ok" else f"{event.action} ({event.outcome})",
        f"by {event.actor_label}",
        f"for {event.on_behalf_of}" if event.on_behalf_of else "",
        f"on {event.object_type} {event.object_label}" if event.object_type else "",
        f'because "{event.reason}"' if event.reason else "",
    ]
    return "  ".join(part for part in parts if part)


def _printable(text: str) -> str:
    """Write control characters out, so that a label cannot steer the terminal of whoever reads the trail."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
