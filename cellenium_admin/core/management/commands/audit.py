"""The trail on the command line: verify it, sign it, export it, look at its end."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cellenium_admin.core.management import audit_arguments, audit_output
from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from cellenium_admin.core.models import AuditCheckpoint, AuditEvent
from cellenium_admin.core.services import audit_checkpoints, audit_export
from cellenium_admin.core.services.audit_chain import database_trail, verify
from cellenium_admin.core.services.audit_export import MANIFEST, Selection
from cellenium_admin.core.services.audit_signatures import load_signing_key, make_key_pair
from cellenium_admin.core.services.audit_verification import trusted_keys, verify_against


class Command(ServiceCommand):
    """Recomputes the chain, compares it with checkpoints, makes those, copies and prints events."""

    help = "Verify, sign, or export the audit trail, or print its newest events."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one parser for each action."""
        actions = parser.add_subparsers(dest="action", required=True)
        audit_arguments.declare(actions)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action."""
        del args
        actions: dict[str, Callable[..., None]] = {
            "verify": self.verify,
            "tail": self.tail,
            "checkpoint": self.checkpoint,
            "keygen": self.keygen,
            "rotate-key": self.rotate_key,
            "export": self.export,
        }
        actions[options["action"]](**options)

    def verify(self, *, start: int, checkpoint: list[str], public_key: list[str], json: bool, **_: Any) -> None:
        """Recompute the chain, and compare it with checkpoints where some are named."""
        self._check_start(start)
        if checkpoint:
            self._verify_against(checkpoint, public_key, start, as_json=json)
            return
        if public_key:
            raise CommandError("--public-key is for --checkpoint: name what it is to verify.")
        with database_trail() as trail:
            verdict = verify(trail, start=start)
        self.stdout.write(audit_output.verdict_json(verdict) if json else audit_output.verdict_line(verdict))
        if verdict.breach:
            sys.exit(1)

    def tail(self, *, limit: int, **_: Any) -> None:
        """Print the newest events, the newest last."""
        if limit < 1:
            raise CommandError(f"--limit {limit}: give 1 or more.")
        for event in reversed(AuditEvent.objects.order_by("-seq")[:limit]):
            self.stdout.write(audit_output.event_line(event))

    def checkpoint(self, **_: Any) -> None:
        """Sign the newest event now."""
        row = audit_checkpoints.sign(actor=ACTOR)
        if row is None:
            newest = AuditCheckpoint.objects.first()
            self.note(f"Nothing happened since event {newest.seq if newest else 0}; nothing to sign.")
            return
        self.stdout.write(f"Signed event {row.seq}: {row.uri}")

    def keygen(self, *, path: Path, **_: Any) -> None:
        """Make a key pair."""
        public = make_key_pair(path)
        self.stdout.write(f"Made {path} and {path}.pub, key {public.id}.")
        self.note(
            "Keep the private key on worker hosts only, and copies of the public one where nobody here can write."
        )

    def rotate_key(self, *, path: Path, **_: Any) -> None:
        """Hand over to another key."""
        new_key = load_signing_key(path)
        row = audit_checkpoints.change_key(new_key=new_key, actor=ACTOR)
        self.stdout.write(f"From the next checkpoint on the key {new_key.public.id} signs: {row.uri}")
        self.note(f"Set CELLENIUM_CHECKPOINT_KEY_FILE={path} and restart workers and beat; then destroy the old key.")

    def export(self, *, form: audit_export.Format, output: Path, force: bool, reason: str, **options: Any) -> None:
        """Copy events into a file."""
        chosen = {name: options[name] for name in Selection.__dataclass_fields__}
        selection = Selection(**{**chosen, "actions": tuple(chosen["actions"] or ())})
        manifest = audit_export.export(
            selection=selection, form=form, path=output, actor=ACTOR, replace=force, reason=reason
        )
        self.stdout.write(f"{manifest['count']} events: {output} (SHA-256 {manifest['sha256']})")
        self.note(f"What was chosen, and how far the trail had come, stands in {output}{MANIFEST}.")

    def _check_start(self, start: int) -> None:
        with database_trail() as trail:
            head = trail.head()
        if start < 1 or (head and start > head.seq + 1):
            raise CommandError(f"--from {start}: give a number from 1 to {head.seq + 1 if head else 1}.")

    def _verify_against(self, locations: list[str], key_files: list[str], start: int, *, as_json: bool) -> None:
        report = verify_against(locations, keys=trusted_keys(key_files), start=start)
        if as_json:
            self.stdout.write(audit_output.report_json(report))
        else:
            for line in audit_output.report_lines(report):
                self.stdout.write(line)
        if report.breaches:
            sys.exit(1)
