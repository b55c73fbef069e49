"""One of each thing of access, belonging to one person, as the routes of the API name them."""

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cellenium_admin.core.api import etags
from cellenium_admin.core.models import User
from grants.api.operations import Tagged
from grants.models import Operation, Origin, ReconcileRun, State
from tests.builders import grants as rows

ROLE = f"arn:aws:iam::{rows.ACCOUNT}:role/another"
_numbers = itertools.count(1)


def access_world(owner: User, *, origin: str = Origin.ADOPTED) -> dict[str, Any]:
    """Make a location, a principal of the owner with a key and two grants, a request, an operation that has failed.

    Gives what routes name, by the name they give it, and `tags`: the tag of each by the same name.
    """
    location, principal = rows.location(), rows.principal(user=owner)
    made = {
        "location_id": location,
        "principal_id": principal,
        "key_id": rows.access_key(principal=principal),
        "grant_id": rows.grant(location=location, principal=principal),
        "adopted_id": rows.grant(location=location, principal=principal, origin=origin, sub_prefix="old*"),
        "access_request_id": rows.access_request(location=location, requester=owner, principal=principal),
        "operation_id": failed_operation(),
    }
    tags = {name: etags.etag(Tagged.of(row) if isinstance(row, Operation) else row) for name, row in made.items()}
    ReconcileRun.objects.create(state=ReconcileRun.State.PLANNED, finished_at=timezone.now(), plan_hash="0" * 64)
    more = {"tags": tags, "new": f"new-{next(_numbers)}", "scope": location.scope}
    return {name: row.pk for name, row in made.items()} | more


def failed_operation(**fields: Any) -> Operation:
    """Make an operation that has failed, about a location that could not be made."""
    location = rows.location(state=State.FAILED)
    defaults = {
        "kind": Operation.Kind.CREATE_LOCATION,
        "natural_key": f"location:{location.scope}",
        "subject_type": "location",
        "subject_id": str(location.pk),
        "subject_label": location.scope,
        "state": Operation.State.FAILED,
        "finished_at": timezone.now(),
        "attempts": 3,
        "lease_token": 3,
        "error_code": "AccessDenied",
        "error_detail": "no",
        "actor_type": "user",
        "actor_id": "1",
        "actor_label": "curator@example.org",
    }
    return Operation.objects.create(**{**defaults, **fields})


def body_of(operation: str, ids: dict[str, Any]) -> dict[str, Any]:
    """Give a body that the route takes, for `METHOD route`."""
    soon = (timezone.now() + timedelta(days=5)).isoformat()
    parts = {"location_id": str(ids["location_id"]), "principal_id": str(ids["principal_id"])}
    bodies: dict[str, dict[str, Any]] = {
        "POST locations": {"scope": f"s3://{ids['new']}/", "role_arn": ROLE},
        "PATCH locations/{location_id}": {"role_arn": ROLE},
        "POST principals": {"name": ids["new"]},
        "PATCH principals/{principal_id}": {"user_id": None},
        "POST principals/{principal_id}/keys": {},
        "POST principals/{principal_id}/keys/rotate": {},
        "PATCH access-keys/{key_id}": {"is_enabled": False},
        "POST grants": {**parts, "sub_prefix": "new/*", "permission": "READ"},
        "POST grants/{grant_id}/extend": {"expires_at": soon, "reason": "x"},
        "POST grants/{grant_id}/replace": {"sub_prefix": "narrow/*", "reason": "x"},
        "POST grants/{grant_id}/cut": {"everybody": True, "reason": "x"},
        "POST access-requests": {"path": f"{ids['scope']}x/*", "permission": "READ", "justification": "x"},
        "POST access-requests/{access_request_id}/approve": {},
        "POST access-requests/{access_request_id}/cancel": {},
        "POST explain": {**parts, "sub_prefix": "new/*", "permission": "READ"},
        "POST reconcile/plan": {},
        "POST reconcile/apply": {"plan_hash": "0" * 64},
    }
    return bodies.get(operation, {"reason": "x"})
