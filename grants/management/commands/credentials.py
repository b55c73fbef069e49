"""Temporary credentials on the command line: which are alive, and their end before their time."""

from argparse import _SubParsersAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.management.service_command import ServiceCommand
from grants.aws.errors import AwsError
from grants.aws.factory import connect
from grants.management import access_finding
from grants.management.desk import Desk, NotConfirmedError
from grants.models import Issuance
from grants.services import cuts, previews

COLUMNS = ("id", "who", "purpose", "scope", "state", "until", "cut", "key")
NOT_CONFIRMED = 2


class Command(ServiceCommand):
    """Lists what was handed out and cuts it; credentials themselves are asked for over the API."""

    help = "Temporary credentials: list what may still be used, cut one set or all of a person."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        _add_list(verbs)
        _add_cut(verbs)

    def handle(self, *_: Any, **options: Any) -> None:
        """Do what the verb says: exit code 0 done, 1 refused or failed, 2 not confirmed."""
        try:
            code = show(self._desk(options), options) if options["verb"] == "list" else self._cut(options)
        except NotConfirmedError as error:
            raise CommandError(error.detail, returncode=NOT_CONFIRMED) from error
        except AwsError as error:
            raise CommandError(f"AWS says no to {error.operation}: {error.message or error.code}") from error
        if code:
            raise CommandError("AWS has not done it yet.", returncode=code)

    def _desk(self, options: Any, connection: Any = None) -> Desk:
        return Desk(self.stdout, self.stderr, options.get("output", "table"), options.get("yes", False), connection)  # type: ignore[arg-type]

    def _cut(self, options: Any) -> int:
        return cut(self._desk(options, connect(region=options["region"])), options)


def show(desk: Desk, options: Any) -> int:
    """Print what may still be used, or all, newest first."""
    found = Issuance.objects.select_related("user").order_by("-created_at")
    if not options["all"]:
        found = found.live(timezone.now()).filter(cut_at__isnull=True)
    if options["user"]:
        found = found.filter(user=access_finding.user(options["user"]))
    desk.show([_row(issuance) for issuance in found.iterator(chunk_size=2000)], COLUMNS)
    return 0


def cut(desk: Desk, options: Any) -> int:
    """Leave one session, or all of a person, nothing from now on."""
    found = _meant(options)
    roles = sorted({issuance.role_arn for issuance in found if issuance.aws_user_id})
    question = f"To cut {len(found)} recorded sessions:"
    desk.confirm(question, [call for role_arn in roles for call in previews.cut(role_arn)])
    made = cuts.cut_sessions(issuances=found, actor=desk.actor, reason=options["reason"])
    return desk.carry_out([operation for _, operation in made])


def _meant(options: Any) -> list[Issuance]:
    alive = Issuance.objects.live(timezone.now()).filter(cut_at__isnull=True)
    if options["user"]:
        return list(alive.filter(user=access_finding.user(options["user"])))
    try:
        found = list(Issuance.objects.filter(pk=options["issuance"]))
    except ValidationError:
        found = []
    if not found:
        raise NotFoundError(f"There are no credentials {options['issuance']}; `credentials list` shows them.")
    return found


def _row(issuance: Issuance) -> dict[str, Any]:
    return {
        "id": issuance.pk,
        "who": issuance.user.label if issuance.user else "",
        "purpose": issuance.purpose,
        "scope": issuance.scope,
        "state": issuance.state,
        "until": issuance.expires_at.isoformat(timespec="minutes"),
        "cut": issuance.cut_at and issuance.cut_at.isoformat(timespec="minutes"),
        "key": issuance.access_key_id,
    }


def _add_list(verbs: "_SubParsersAction[Any]") -> None:
    parser = verbs.add_parser("list", help="show what may still be used, never a secret")
    parser.add_argument("--user", metavar="EMAIL", help="of one person alone")
    parser.add_argument("--all", action="store_true", help="also what is over, cut or was refused")
    parser.add_argument("--output", choices=("table", "json"), default="table")


def _add_cut(verbs: "_SubParsersAction[Any]") -> None:
    parser = verbs.add_parser("cut", help="deny everything to one session, or to all of a person")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("issuance", metavar="ID", nargs="?", help="as `credentials list` shows it")
    which.add_argument("--user", metavar="EMAIL", help="all recorded sessions of one person")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--region", help="instead of AWS_REGION or the profile's")
