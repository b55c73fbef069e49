"""Explanations over HTTP, for curators."""

import uuid
from typing import Any

import pytest

from tests.api.access.conftest import Client
from tests.grants.services.conftest import Stack

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def grant(curation: Client, stack: Stack) -> dict[str, Any]:
    location = curation.post("locations", {"scope": stack.scope, "role_arn": stack.role_arn})
    principal = curation.post("principals", {"name": stack.aws.name("uploader")})
    wish = {"location_id": location["id"], "principal_id": principal["id"], "sub_prefix": "data/*"}
    return curation.post("grants", {**wish, "permission": "READ"}) | wish


def test_who_reaches_a_key_and_what_somebody_reaches(curation: Client, stack: Stack, grant: dict[str, Any]) -> None:
    by_key = curation.get(f"explain?key={stack.scope}data/file")["results"]
    [way] = [one for one in by_key if one["grant_id"] == grant["aws_id"]]
    assert way["reaches"] is True
    assert "s3:GetObject" in way["actions"]
    assert "s3:PutObject" not in way["actions"]
    by_principal = curation.get(f"explain?principal_id={grant['principal_id']}")["results"]
    assert grant["aws_id"] in {one["grant_id"] for one in by_principal}
    outside = curation.get(f"explain?key={stack.scope}other/file")["results"]
    assert grant["aws_id"] not in {one["grant_id"] for one in outside}


def test_what_a_grant_would_add(curation: Client, grant: dict[str, Any]) -> None:
    wish = {name: grant[name] for name in ("location_id", "principal_id")} | {"permission": "READWRITE"}
    found = curation.post("explain", {**wish, "sub_prefix": "data/*"}, status=200)
    assert "s3:PutObject" in found["adds"]
    assert "s3:GetObject" in found["already"]
    curation.post("explain", {**wish, "sub_prefix": "data*"}, status=422)


def test_what_cannot_be_asked(curation: Client, membership: Client, stack: Stack) -> None:
    curation.get("explain", status=400)
    curation.get(f"explain?key=s3://b/k&user_id={uuid.uuid4()}", status=400)
    curation.get("explain?key=bucket/key", status=400)
    curation.get(f"explain?principal_id={uuid.uuid4()}", status=400)
    curation.get("explain?principal_id=nonsense", status=400)
    membership.get("explain?key=s3://bucket/key", status=403)
