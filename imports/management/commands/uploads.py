"""Uploads from the command line: seen, tidied, and the event queue read without beat."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connections

from cellenium_admin.core.exceptions import InvalidInputError, UnavailableError
from cellenium_admin.core.management.service_command import ServiceCommand
from imports.models import Upload
from imports.services import events, upkeep

WAIT_SECONDS, PAUSE_SECONDS = 20, 10


class Command(ServiceCommand):
    """Lists uploads, goes on with those that stand still, reads the bucket's events."""

    help = "List uploads, tidy up those that stand still, read the bucket's events as they come."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        _add_list(verbs.add_parser("list", help="show uploads, newest first"))
        verbs.add_parser("expire", help="finish, give up or let in what stands still, as beat does each minute")
        consume = verbs.add_parser("consume", help="read the event queue for ever; for a process of its own")
        consume.add_argument("--once", action="store_true", help="end when it is empty")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do what the verb says."""
        verbs: dict[str, Callable[..., None]] = {"list": self.show, "expire": self.expire, "consume": self.consume}
        verbs[options["verb"]](**options)

    def show(self, *, state: str | None, limit: int, **options: Any) -> None:
        """List uploads."""
        found = Upload.objects.select_related("owner").order_by("-found_at")
        rows = [_facts(upload) for upload in (found.filter(state=state) if state else found)[:limit]]
        if options["json"]:
            self.print_json(rows)
            return
        for row in rows:
            self.stdout.write("  ".join(str(row[name]) for name in ("id", "state", "owner", "size", "uri")))

    def expire(self, **_: Any) -> None:
        """Tidy up and say what was done."""
        done = upkeep.tidy()
        if str(settings.H5AD_STORE).startswith("s3://"):
            done["ended"] = upkeep.end_unknown()
        self.note(", ".join(f"{number} {name}" for name, number in done.items() if number) or "Nothing stands still.")

    def consume(self, *, once: bool, **_: Any) -> None:
        """Read events until a signal comes."""
        if not settings.EVENT_QUEUE_URL:
            raise InvalidInputError("Name the queue in CELLENIUM_EVENT_QUEUE_URL; `access up` makes it.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            self._round(stop, wait_seconds=0 if once else WAIT_SECONDS, patient=not once)
            if once:
                return

    def _round(self, stop: threading.Event, *, wait_seconds: int, patient: bool) -> None:
        try:
            done = events.read_queue(wait_seconds=wait_seconds)
        except UnavailableError as error:
            if not patient:
                raise
            self.note(error.detail)
            stop.wait(PAUSE_SECONDS)
            return
        finally:
            connections.close_all()
        if done:
            self.note(", ".join(f"{number} {name}" for name, number in sorted(done.items())))


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument("--state", choices=Upload.State.values)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="for programs")


def _facts(upload: Upload) -> dict[str, Any]:
    return {
        "id": str(upload.pk),
        "state": upload.state,
        "source": upload.source,
        "owner": str(upload.owner) if upload.owner else None,
        "filename": upload.filename,
        "size": upload.size,
        "uri": upload.uri,
        "note": upload.note,
        "found_at": upload.found_at.isoformat(),
    }
