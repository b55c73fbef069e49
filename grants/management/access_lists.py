"""`access list`: locations, users, grants, requests, operations; always all of them."""

from argparse import _SubParsersAction
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db.models import Count, Q

from grants.management.desk import Desk
from grants.models import AccessRequest, Grant, Location, Operation, Principal

Rows = Iterator[dict[str, Any]]


def add_arguments(subparsers: "_SubParsersAction[Any]") -> None:
    """Declare `list`."""
    parser = subparsers.add_parser("list", help="list what is known here, complete beyond a page")
    parser.add_argument("what", choices=LISTS)
    parser.add_argument("--all", action="store_true", help="also what is deleted or done")
    parser.set_defaults(handler=show, needs_aws=False)


def show(desk: Desk, options: Mapping[str, Any]) -> int:
    """Print one list."""
    columns, rows = LISTS[options["what"]]
    desk.show(list(rows(options["all"])), columns)
    return 0


def _locations(everything: bool) -> Rows:
    found = Location.objects.all() if everything else Location.objects.existing()
    for location in found.annotate(grant_count=Count("grants", filter=~Q(grants__state="deleted"))).iterator():
        yield {
            "id": location.aws_id,
            "scope": location.scope,
            "role": location.role_arn,
            "grants": vars(location)["grant_count"],
            **_standing(location),
        }


def _users(everything: bool) -> Rows:
    found = Principal.objects.all() if everything else Principal.objects.existing()
    counted = found.select_related("user").annotate(
        grant_count=Count("grants", filter=~Q(grants__state="deleted"), distinct=True),
        key_count=Count("keys", filter=Q(keys__state="active"), distinct=True),
    )
    for principal in counted.iterator():
        yield {
            "name": principal.name,
            "arn": principal.arn,
            "account": principal.user.label if principal.user else "",
            "grants": vars(principal)["grant_count"],
            "keys": vars(principal)["key_count"],
            **_standing(principal),
        }


def _grants(everything: bool) -> Rows:
    found = Grant.objects.all() if everything else Grant.objects.existing()
    for grant in found.select_related("principal", "location").iterator(chunk_size=2000):
        yield {
            "id": grant.aws_id or str(grant.pk),
            "permission": grant.permission,
            "scope": grant.scope,
            "principal": grant.principal.name,
            "expires": grant.expires_at and grant.expires_at.isoformat(timespec="minutes"),
            **_standing(grant),
        }


def _requests(everything: bool) -> Rows:
    found = AccessRequest.objects.all() if everything else AccessRequest.objects.filter(state="pending")
    for request in found.select_related("requester", "principal").iterator():
        yield {
            "id": request.pk,
            "who": request.requester.label,
            "permission": request.permission,
            "scope": request.scope,
            "until": request.wanted_until.isoformat(timespec="minutes"),
            "state": request.state,
        }


def _operations(everything: bool) -> Rows:
    found = Operation.objects.all() if everything else Operation.objects.exclude(state__in=["succeeded", "cancelled"])
    for operation in found.order_by("number").iterator():
        yield {
            "id": operation.pk,
            "kind": operation.kind,
            "about": operation.subject_label,
            "state": operation.state,
            "attempts": operation.attempts,
            "error": f"{operation.error_code}: {operation.error_detail}" if operation.error_code else "",
        }


def _standing(row: Location | Principal | Grant) -> dict[str, str]:
    return {"origin": row.origin, "state": row.state, "drift": row.drift}


_STANDING = ("origin", "state", "drift")
LISTS: Mapping[str, tuple[tuple[str, ...], Callable[[bool], Rows]]] = {
    "location": (("id", "scope", "role", "grants", *_STANDING), _locations),
    "user": (("name", "arn", "account", "grants", "keys", *_STANDING), _users),
    "grant": (("id", "permission", "scope", "principal", "expires", *_STANDING), _grants),
    "request": (("id", "who", "permission", "scope", "until", "state"), _requests),
    "operation": (("id", "kind", "about", "state", "attempts", "error"), _operations),
}
