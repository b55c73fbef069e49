"""What the trail tells of each row: one list of fields per model, used before and after every change."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from grants.models import AccessKey, AccessRequest, Cut, Grant, Issuance, Location, Principal


def of(row: Model) -> dict[str, Any]:
    """Give the facts of a row, as plain values."""
    return {name: _plain(value) for name, value in _TELLERS[type(row)](row).items()}


def _of_location(location: Location) -> dict[str, Any]:
    return _common(location) | {"scope": location.scope, "role_arn": location.role_arn, "aws_id": location.aws_id}


def _of_key(key: AccessKey) -> dict[str, Any]:
    names = {"access_key_id": key.access_key_id, "is_enabled": key.is_enabled}
    return _common(key) | {"principal": str(key.principal)} | names


def _of_cut(cut: Cut) -> dict[str, Any]:
    return {
        "state": cut.state,
        "origin": cut.origin,
        "role_arn": cut.role_arn,
        "user_ids": list(cut.user_ids),
        "grant_id": cut.grant_id,
        "sessions_before": cut.sessions_before,
        "expires_at": cut.expires_at,
    }


def _common(row: Location | Principal | AccessKey | Grant) -> dict[str, Any]:
    return {"state": row.state, "origin": row.origin, "drift": row.drift}


def _of_grant(grant: Grant) -> dict[str, Any]:
    return _common(grant) | {
        "principal": str(grant.principal),
        "principal_id": grant.principal_id,
        "location": grant.location.scope,
        "scope": grant.scope,
        "sub_prefix": grant.sub_prefix,
        "permission": grant.permission,
        "is_object": grant.is_object,
        "expires_at": grant.expires_at,
        "review_at": grant.review_at,
        "aws_id": grant.aws_id,
    }


def _of_principal(principal: Principal) -> dict[str, Any]:
    return _common(principal) | {
        "kind": principal.kind,
        "name": principal.name,
        "arn": principal.arn,
        "unique_id": principal.unique_id,
        "user": principal.user.label if principal.user else None,
        "user_id": principal.user_id,
    }


def _of_request(request: AccessRequest) -> dict[str, Any]:
    grant = getattr(request, "grant", None)
    return {
        "state": request.state,
        "requester": request.requester.label,
        "principal": str(request.principal) if request.principal else None,
        "scope": request.scope,
        "permission": request.permission,
        "wanted_until": request.wanted_until,
        "grant_id": grant.pk if grant else None,
    }


def _of_issuance(issuance: Issuance) -> dict[str, Any]:
    return {
        "issuance_id": issuance.pk,
        "method": issuance.method,
        "purpose": issuance.purpose,
        "capped_by": issuance.capped_by,
        "principal": str(issuance.principal) if issuance.principal else None,
        "grant_id": issuance.grant_id,
        "role_arn": issuance.role_arn,
        "scope": issuance.scope,
        "permission": issuance.permission,
        "duration_seconds": issuance.duration_seconds,
        "expires_at": issuance.expires_at,
        "access_key_id": issuance.access_key_id,
        "aws_user_id": issuance.aws_user_id,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | list) else str(value)


_TELLERS: Mapping[type[Model], Callable[[Any], Mapping[str, Any]]] = {
    Grant: _of_grant,
    Location: _of_location,
    Principal: _of_principal,
    AccessKey: _of_key,
    Cut: _of_cut,
    AccessRequest: _of_request,
    Issuance: _of_issuance,
}
