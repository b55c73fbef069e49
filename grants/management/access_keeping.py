"""`access extend`, `key`, `cut`, `retry`: what is done to what exists."""

from argparse import _SubParsersAction
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from cellenium_admin.core.exceptions import NotFoundError
from grants.management import access_finding as find
from grants.management import key_output
from grants.management.desk import Desk
from grants.models import AccessKey, Operation, Principal
from grants.services import cuts, grants, keys, operations, previews


def add_arguments(subparsers: "_SubParsersAction[Any]") -> None:
    """Declare the commands."""
    extend = subparsers.add_parser("extend", help="change when a grant ends")
    extend.add_argument("grant", metavar="ID")
    extend.add_argument("expires", metavar="WHEN", help="30d, 12h, a date or a time with its offset")
    extend.add_argument("--reason", required=True)
    extend.set_defaults(handler=extend_grant, needs_aws=False)
    key = subparsers.add_parser("key", help="access keys of a user: list, rotate, enable, disable, delete")
    key.add_argument("action", choices=("list", "rotate", "enable", "disable", "delete"))
    key.add_argument("user", metavar="NAME")
    key.add_argument("key", metavar="KEY_ID", nargs="?", help="for enable, disable and delete")
    key.add_argument("--reason", default="by command")
    key_output.add_argument(key)
    key.set_defaults(handler=change_key, needs_aws=True)
    cut = subparsers.add_parser("cut", help="leave all sessions of a location's role nothing, from now on")
    cut.add_argument("location", metavar="LOCATION")
    cut.add_argument("--reason", required=True)
    cut.set_defaults(handler=cut_location, needs_aws=True)
    retry = subparsers.add_parser("retry", help="try a failed operation again")
    retry.add_argument("operation", metavar="ID")
    retry.add_argument("--reason", default="by command")
    retry.set_defaults(handler=retry_operation, needs_aws=True)


def extend_grant(desk: Desk, options: Mapping[str, Any]) -> int:
    """Change when a grant ends; AWS knows no expiry and is not told."""
    grant = grants.extend(
        grant=find.grant(options["grant"]),
        expires_at=find.moment(options["expires"]),
        actor=desk.actor,
        reason=options["reason"],
    )
    desk.show_one({"id": grant.aws_id or grant.pk, "scope": grant.scope, "expires": grant.expires_at})
    return 0


def change_key(desk: Desk, options: Mapping[str, Any]) -> int:
    """List, rotate, switch or delete access keys."""
    principal = find.principal(options["user"])
    if options["action"] == "list":
        return _list(desk, principal)
    if options["action"] == "rotate":
        return _rotate(desk, principal, options)
    key = AccessKey.objects.existing().filter(principal=principal, access_key_id=options["key"] or "-").first()
    if key is None:
        raise NotFoundError(f"{principal.name} has no key {options['key']}; `access key list` shows them.")
    if options["action"] == "delete":
        desk.confirm("To delete the key:", [f"iam DeleteAccessKey AccessKeyId={key.access_key_id}"])
        return desk.carry_out([keys.remove(key=key, actor=desk.actor, reason=options["reason"])])
    enabled = options["action"] == "enable"
    return desk.carry_out([keys.set_enabled(key=key, enabled=enabled, actor=desk.actor, reason=options["reason"])])


def cut_location(desk: Desk, options: Mapping[str, Any]) -> int:
    """Cut every session that a location's role has given so far."""
    location = find.location(options["location"])
    desk.confirm(f"To cut every session of {location} that has begun by now:", previews.cut(location.role_arn))
    _, operation = cuts.cut_all(role_arn=location.role_arn, actor=desk.actor, reason=options["reason"])
    return desk.carry_out([operation])


def retry_operation(desk: Desk, options: Mapping[str, Any]) -> int:
    """Try a failed operation again."""
    try:
        operation = Operation.objects.filter(pk=options["operation"]).first()
    except ValidationError:
        operation = None
    if operation is None:
        raise NotFoundError(f"There is no operation {options['operation']}; `access list operation` shows them.")
    return desk.carry_out([operations.retry(operation=operation, actor=desk.actor, reason=options["reason"])])


def _list(desk: Desk, principal: Principal) -> int:
    rows = [
        {
            "id": key.access_key_id,
            "enabled": key.is_enabled,
            "created": key.created_at.isoformat(timespec="minutes"),
            "last_used": desk.aws.iam.key_last_used(key.access_key_id),
            "state": key.state,
        }
        for key in AccessKey.objects.existing().filter(principal=principal)
    ]
    desk.show(rows, ("id", "enabled", "created", "last_used", "state"))
    return 0


def _rotate(desk: Desk, principal: Principal, options: Mapping[str, Any]) -> int:
    key, secret, intended = keys.rotate(principal=principal, actor=desk.actor, aws=desk.aws, reason=options["reason"])
    desk.stdout.write(key_output.written(key, secret, options["key_format"], region=desk.aws.region))
    desk.note("The secret is shown this once and kept nowhere here.")
    return desk.carry_out(intended)
