"""How each repair of a plan becomes operations, with the row's new state and the event in one transaction."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from cellenium_admin.core.context import Actor
from grants.models import Cut, Grant, Location, Operation, Principal, State
from grants.services import grants, operations, principals, settlement

REASON = "reconcile"
_Kind = Operation.Kind
Args = Mapping[str, Any]


def intend(repair: Mapping[str, Any], *, actor: Actor) -> list[Operation]:
    """Write down what one repair of a plan wants; an empty list when nothing is wanted any more."""
    with transaction.atomic():
        return _INTENTS[repair["kind"]](repair["args"], actor)


def _again(model: type[Grant] | type[Location], pk: str, kind: str, key: str, actor: Actor) -> list[Operation]:
    rows: Any = model._default_manager  # noqa: SLF001 -- Django's documented interface
    row = rows.select_for_update(of=("self",)).get(pk=pk)
    if row.state != State.ACTIVE:
        return []
    settlement.change(row, state=State.PENDING_CREATE, aws_id="", arn="")
    return [_intend(kind, key, actor, subject=row)]


def _create_grant(args: Args, actor: Actor) -> list[Operation]:
    grant = Grant.objects.get(pk=args["grant"])
    return _again(Grant, args["grant"], _Kind.CREATE_GRANT, grants.key_of(grant), actor)


def _create_location(args: Args, actor: Actor) -> list[Operation]:
    location = Location.objects.get(pk=args["location"])
    return _again(Location, args["location"], _Kind.CREATE_LOCATION, f"location:{location.scope}", actor)


def _update_location(args: Args, actor: Actor) -> list[Operation]:
    location = Location.objects.get(pk=args["location"])
    return [_intend(_Kind.UPDATE_LOCATION, f"location:{location.scope}", actor, subject=location)]


def _give_up_principal(args: Args, actor: Actor) -> list[Operation]:
    principal = Principal.objects.get(pk=args["principal"])
    return principals.give_up_lost(principal=principal, actor=actor, reason=REASON)


def _add_to_group(args: Args, actor: Actor) -> list[Operation]:
    user = args["user"]
    return [_intend(_Kind.ADD_TO_GROUP, f"user:{user}", actor, user=user, group=settings.UPLOADER_GROUP)]


def _put_cut(args: Args, actor: Actor) -> list[Operation]:
    role_arn = args["role_arn"]
    cut = Cut.objects.filter(role_arn=role_arn).exclude(state=State.FAILED).first()
    return [_intend(_Kind.PUT_CUT, f"cut:{role_arn}", actor, subject=cut, role_arn=role_arn)] if cut else []


def _stray(kind: str) -> Callable[[Args, Actor], list[Operation]]:
    def intend_stray(args: Args, actor: Actor) -> list[Operation]:
        what = next(iter(sorted(args.values())))
        return [_intend(kind, f"stray:{kind}:{what}", actor, **args)]

    return intend_stray


def _intend(kind: str, key: str, actor: Actor, *, subject: Any = None, **args: Any) -> Operation:
    return operations.intend(kind=kind, natural_key=key, subject=subject, args=args, actor=actor, reason=REASON)


_INTENTS: Mapping[str, Callable[[Args, Actor], list[Operation]]] = {
    "create_grant": _create_grant,
    "create_location": _create_location,
    "update_location": _update_location,
    "give_up_principal": _give_up_principal,
    "add_to_group": _add_to_group,
    "put_cut": _put_cut,
    "tag_resource": _stray(_Kind.TAG_RESOURCE),
    "delete_stray_grant": _stray(_Kind.DELETE_STRAY_GRANT),
    "delete_stray_location": _stray(_Kind.DELETE_STRAY_LOCATION),
    "delete_stray_user": _stray(_Kind.DELETE_STRAY_USER),
    "delete_stray_key": _stray(_Kind.DELETE_STRAY_KEY),
}
