"""Rows of grants for tests: without services, without AWS and without the trail."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from grants import scopes
from grants.models import AccessKey, AccessRequest, Grant, Location, Origin, Principal, State

_numbers = itertools.count(1)
ACCOUNT = "123456789012"


def location(scope: str = "", **fields: Any) -> Location:
    number = next(_numbers)
    fields.setdefault("state", State.ACTIVE)
    fields.setdefault("aws_id", str(uuid.uuid4()) if fields["state"] == State.ACTIVE else "")
    fields.setdefault("role_arn", f"arn:aws:iam::{ACCOUNT}:role/cellenium-admin/location-{number}")
    return Location.objects.create(scope=scope or f"s3://bucket-{number}/", **_ended(fields))


def principal(name: str = "", **fields: Any) -> Principal:
    name = name or f"principal-{next(_numbers)}"
    fields.setdefault("state", State.ACTIVE)
    fields.setdefault("arn", f"arn:aws:iam::{ACCOUNT}:user/cellenium-admin/{name}")
    fields.setdefault("unique_id", f"AIDA{uuid.uuid4().hex[:16].upper()}")
    return Principal.objects.create(name=name, **_ended(fields))


def grant(**fields: Any) -> Grant:
    fields.setdefault("state", State.ACTIVE)
    fields.setdefault("location", fields.get("location") or location())
    fields.setdefault("principal", fields.get("principal") or principal())
    fields.setdefault("sub_prefix", f"prefix-{next(_numbers)}/*")
    fields.setdefault("permission", "READ")
    fields.setdefault("scope", scopes.join(fields["location"].scope, fields["sub_prefix"]))
    fields.setdefault("aws_id", str(uuid.uuid4()) if fields["state"] == State.ACTIVE else "")
    if fields.get("origin", Origin.MANAGED) == Origin.MANAGED:
        fields.setdefault("expires_at", timezone.now() + timedelta(days=30))
    if fields.get("origin") == Origin.ADOPTED:
        fields.setdefault("review_at", timezone.now() + timedelta(days=30))
    return Grant.objects.create(**_ended(fields))


def access_key(**fields: Any) -> AccessKey:
    fields.setdefault("state", State.ACTIVE)
    fields.setdefault("principal", fields.get("principal") or principal())
    fields.setdefault("access_key_id", f"AKIA{uuid.uuid4().hex[:16].upper()}")
    return AccessKey.objects.create(**_ended(fields))


def access_request(**fields: Any) -> AccessRequest:
    fields.setdefault("location", fields.get("location") or location())
    fields.setdefault("sub_prefix", f"asked-{next(_numbers)}/*")
    fields.setdefault("scope", scopes.join(fields["location"].scope, fields["sub_prefix"]))
    fields.setdefault("wanted_until", timezone.now() + timedelta(days=10))
    fields.setdefault("lapses_at", timezone.now() + timedelta(days=14))
    fields.setdefault("justification", "To read the study.")
    return AccessRequest.objects.create(**fields)


def _ended(fields: dict[str, Any]) -> dict[str, Any]:
    if fields["state"] == State.DELETED:
        fields.setdefault("deleted_at", timezone.now())
    return fields
