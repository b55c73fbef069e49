"""`access create` and `access delete`: users, grants, locations."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Mapping
from typing import Any

from grants.management import access_finding as find
from grants.management import key_output
from grants.management.desk import Desk
from grants.models import Operation, Permission
from grants.services import cuts, grants, keys, locations, previews, principals, sessions


def add_arguments(subparsers: "_SubParsersAction[Any]") -> None:
    """Declare `create` and `delete`."""
    create = subparsers.add_parser("create", help="make a user, a grant or a location")
    kinds = create.add_subparsers(dest="what", required=True)
    _user(kinds.add_parser("user", help="an IAM user that may ask for data access, and its first key"))
    _grant(kinds.add_parser("grant", help="let a principal read or write a prefix, for a while"))
    _location(kinds.add_parser("location", help="register a prefix, served by a role"))
    delete = subparsers.add_parser("delete", help="take a user, a grant or a location away")
    kinds = delete.add_subparsers(dest="what", required=True)
    for name, argument, handler in (
        ("user", "NAME", delete_user),
        ("grant", "ID", delete_grant),
        ("location", "LOCATION", delete_location),
    ):
        parser = kinds.add_parser(name)
        parser.add_argument("name", metavar=argument)
        parser.add_argument("--reason", default="by command")
        parser.set_defaults(handler=handler, needs_aws=True)
        if name == "grant":
            parser.add_argument("--cut", choices=("named", "all"), help="also cut its recorded sessions, or all")


def _user(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--for", dest="account", metavar="EMAIL", help="the account of the person behind it")
    parser.add_argument("--no-key", action="store_true", help="make no access key")
    key_output.add_argument(parser)
    parser.set_defaults(handler=create_user, needs_aws=True)


def _grant(parser: ArgumentParser) -> None:
    parser.add_argument("principal", metavar="PRINCIPAL", help="name, ARN or id")
    parser.add_argument("location", metavar="LOCATION", help="scope or id")
    parser.add_argument("prefix", metavar="PREFIX", help="such as 'data/*': quote it, or the shell expands it")
    parser.add_argument("--permission", choices=Permission.values, default=Permission.READ)
    parser.add_argument("--expires", type=str, metavar="WHEN", help="30d, 12h, a date or a time with its offset")
    parser.add_argument("--object", action="store_true", help="PREFIX is the key of one object")
    parser.add_argument("--reason", default="by command")
    parser.set_defaults(handler=create_grant, needs_aws=True)


def _location(parser: ArgumentParser) -> None:
    parser.add_argument("scope", metavar="SCOPE", help="such as s3://bucket/")
    parser.add_argument("role", metavar="ROLE_ARN")
    parser.add_argument("--reason", default="by command")
    parser.set_defaults(handler=create_location, needs_aws=True)


def create_user(desk: Desk, options: Mapping[str, Any]) -> int:
    """Make a user, and a key whose secret is printed this once."""
    account = find.user(options["account"]) if options["account"] else None
    principal, operation = principals.create_user(name=options["name"], user=account, actor=desk.actor)
    code = desk.carry_out([operation])
    if code or options["no_key"]:
        return code
    principal.refresh_from_db()
    key, secret = keys.create(principal=principal, actor=desk.actor, aws=desk.aws, reason="first key")
    desk.stdout.write(key_output.written(key, secret, options["key_format"], region=desk.aws.region))
    desk.note("The secret is shown this once and kept nowhere here.")
    return 0


def create_grant(desk: Desk, options: Mapping[str, Any]) -> int:
    """Give a grant."""
    grant, operation = grants.create(
        location=find.location(options["location"]),
        principal=find.principal(options["principal"]),
        sub_prefix=options["prefix"],
        permission=options["permission"],
        expires_at=find.moment(options["expires"]) if options["expires"] else None,
        is_object=options["object"],
        actor=desk.actor,
        reason=options["reason"],
    )
    code = desk.carry_out([operation])
    grant.refresh_from_db()
    desk.show_one(
        {
            "id": grant.aws_id or grant.pk,
            "permission": grant.permission,
            "scope": grant.scope,
            "principal": str(grant.principal),
            "expires": grant.expires_at,
            "state": grant.state,
        }
    )
    return code


def create_location(desk: Desk, options: Mapping[str, Any]) -> int:
    """Register a location."""
    location, operation = locations.register(
        scope=options["scope"], role_arn=options["role"], actor=desk.actor, reason=options["reason"]
    )
    code = desk.carry_out([operation])
    location.refresh_from_db()
    desk.show_one({"id": location.aws_id, "scope": location.scope, "role": location.role_arn, "state": location.state})
    return code


def delete_user(desk: Desk, options: Mapping[str, Any]) -> int:
    """Take a user away: grants first, then keys, groups, policies, profile, MFA, then the user."""
    principal = find.principal(options["name"])
    desk.confirm(f"To take {principal} away, in this order:", previews.delete_principal(principal))
    return desk.carry_out(principals.remove(principal=principal, actor=desk.actor, reason=options["reason"]))


def delete_grant(desk: Desk, options: Mapping[str, Any]) -> int:
    """Take a grant away, and cut sessions when asked to."""
    grant = find.grant(options["name"])
    calls = [*previews.revoke_grant(grant), *(previews.cut(grant.location.role_arn) if options["cut"] else ())]
    desk.confirm(f"To take the grant {grant} away:", calls)
    live = sessions.live(grant=grant).count()
    grant, operation = grants.revoke(grant=grant, actor=desk.actor, reason=options["reason"])
    intended: list[Operation] = [operation]
    if options["cut"]:
        everybody = options["cut"] == "all"
        made = cuts.cut_of_grant(grant=grant, everybody=everybody, actor=desk.actor, reason=options["reason"])
        intended += [one for _, one in made]
    else:
        desk.note(f"Sessions live on until they expire, up to 12 h; recorded here: {live}. --cut all ends them now.")
    return desk.carry_out(intended)


def delete_location(desk: Desk, options: Mapping[str, Any]) -> int:
    """Take a location away."""
    location = find.location(options["name"])
    desk.confirm(f"To take the location {location} away:", previews.remove_location(location))
    _, operation = locations.remove(location=location, actor=desk.actor, reason=options["reason"])
    return desk.carry_out([operation])
