"""S3 Access Grants on the command line: the stack, locations, users, grants, reconcile, explain."""

import sys
from argparse import _SubParsersAction
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cellenium_admin.core.management.service_command import ServiceCommand
from grants.aws.errors import AwsError
from grants.aws.factory import connect
from grants.management import (
    access_changes,
    access_explain,
    access_keeping,
    access_lists,
    access_reconcile,
    access_stack,
)
from grants.management.desk import Desk, NotConfirmedError

PARTS = (access_stack, access_lists, access_changes, access_keeping, access_reconcile, access_explain)
NOT_CONFIRMED = 2


class Command(ServiceCommand):
    """Does what cytoskel did, with a record of everything. AWS_PROFILE and the Region are botocore's own."""

    help = "S3 Access Grants: up, plan, destroy, list, create, delete, extend, key, cut, reconcile, adopt, explain."

    def add_arguments(self, parser: CommandParser) -> None:
        """Let each part declare its commands; every one of them takes the same three options."""
        subparsers = parser.add_subparsers(dest="action", required=True)
        for part in PARTS:
            part.add_arguments(subparsers)
        for leaf in _leaves(subparsers):
            leaf.add_argument("--output", choices=("table", "json"), default="table")
            leaf.add_argument("--yes", action="store_true", help="do not ask")
            leaf.add_argument("--region", help="instead of AWS_REGION or the profile's")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run one command and end with its exit code: 0 done, 1 refused or failed, 2 not confirmed."""
        try:
            connection = connect(region=options["region"]) if options["needs_aws"] else None
            desk = Desk(self.stdout, self.stderr, options["output"], options["yes"], connection)  # type: ignore[arg-type]
            code = options["handler"](desk, options)
        except NotConfirmedError as error:
            raise CommandError(error.detail, returncode=NOT_CONFIRMED) from error
        except AwsError as error:
            raise CommandError(f"AWS says no to {error.operation}: {error.message or error.code}") from error
        if code:
            sys.exit(code)


def _leaves(subparsers: Any) -> list[Any]:
    """Give the parsers that take no further command; argparse has no public way to them."""
    found = []
    for parser in subparsers.choices.values():
        inner = [action for action in parser._actions if isinstance(action, _SubParsersAction)]  # noqa: SLF001
        found += [leaf for action in inner for leaf in _leaves(action)] or [parser]
    return found
