"""Base of commands that call services: one way to show errors, one request id for all a command does."""

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cellenium_admin.core.context import Actor, request_context
from cellenium_admin.core.exceptions import ApplicationError, RefusedError
from cellenium_admin.core.services import audit

ACTOR = Actor.system("command")


class ServiceCommand(BaseCommand):
    """Runs `handle` under a request id; what a service refuses becomes a message and exit code 1."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; a refusal goes into the trail first."""
        with request_context(request_id=str(uuid.uuid4())):
            try:
                return super().execute(*args, **options)
            except RefusedError as error:
                audit.record_refusal(error, actor=ACTOR)
                raise CommandError(error.detail) from error
            except ApplicationError as error:
                raise CommandError(error.detail) from error

    def print_json(self, value: Any) -> None:
        """Print for programs."""
        self.stdout.write(json.dumps(value, default=str))

    def note(self, text: str) -> None:
        """Tell a person something without touching standard output, which a program may be reading."""
        self.stderr.write(text)
