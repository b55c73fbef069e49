"""Every route of the API, by everyone who may call it. A route that is not in the table fails the suite."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient
from rest_framework.views import APIView

from cellenium_admin.core.api.etags import etag
from cellenium_admin.core.api.permissions import IsMember, Nobody
from cellenium_admin.core.models import Job, TokenScope, User
from studies.models import StudyAccess
from studies.services import user_annotations
from tests.builders.access import access_world, body_of
from tests.builders.people import SCOPES, caller, person
from tests.builders.stores import answered_correlation, published_study, table_of_file
from tests.builders.uploads import upload_world

CALLERS = ("anonymous", "stranger", "viewer", "analyst", "owner", "curator", "administrator")
# Study, analysis and job belong to the owner; viewer and analyst have that role on the study.
TABLE = {
    #                                            anon str  view anal own  cur  admin
    "GET me": (401, 200, 200, 200, 200, 200, 200),
    "GET schema": (401, 200, 200, 200, 200, 200, 200),
    "GET docs": (302, 200, 200, 200, 200, 200, 200),
    "GET studies": (401, 200, 200, 200, 200, 200, 200),
    "GET studies/{study_id}": (401, 404, 200, 200, 200, 404, 200),
    "GET studies/{study_id}/annotations": (401, 404, 200, 200, 200, 404, 200),
    "GET studies/{study_id}/projections/{key}": (401, 404, 200, 200, 200, 404, 200),
    "GET studies/{study_id}/expression": (401, 404, 200, 200, 200, 404, 200),
    "GET studies/{study_id}/de": (401, 404, 200, 200, 200, 404, 200),
    "GET studies/{study_id}/de.csv": (401, 404, 200, 200, 200, 404, 200),
    "POST studies/{study_id}/de": (401, 404, 403, 202, 202, 404, 202),
    "POST studies/{study_id}/correlations": (401, 404, 403, 202, 202, 404, 202),
    "POST studies/{study_id}/pseudobulk": (401, 404, 403, 202, 202, 404, 202),
    # The annotation is the owner's and shared with who sees the study.
    "GET studies/{study_id}/user-annotations": (401, 404, 200, 200, 200, 404, 200),
    "POST studies/{study_id}/user-annotations": (401, 404, 201, 201, 201, 404, 201),
    "GET user-annotations/{annotation_id}": (401, 404, 200, 200, 200, 404, 200),
    "PATCH user-annotations/{annotation_id}": (401, 404, 404, 404, 200, 404, 404),
    "GET user-annotations/{annotation_id}/cells": (401, 404, 200, 200, 200, 404, 200),
    "GET user-annotations/{annotation_id}/cells.csv": (401, 404, 200, 200, 200, 404, 200),
    "POST user-annotations/{annotation_id}/remove": (401, 404, 404, 404, 204, 404, 404),
    "GET features/suggest": (401, 200, 200, 200, 200, 200, 200),
    "POST features/resolve": (401, 200, 200, 200, 200, 200, 200),
    "GET analyses/{analysis_id}": (401, 404, 200, 200, 200, 404, 200),
    "GET analyses/{analysis_id}/results.csv": (401, 404, 200, 200, 200, 404, 200),
    "GET jobs": (401, 200, 200, 200, 200, 200, 200),
    "GET jobs/{job_id}": (401, 404, 404, 404, 200, 404, 200),
    "POST jobs/{job_id}/cancel": (401, 404, 404, 404, 200, 404, 200),
    "GET audit-events": (401, 403, 403, 403, 403, 200, 200),
    # One's own tokens, which a token does not make; uploads and credentials of the owner. The store is a directory.
    "GET tokens": (401, 200, 200, 200, 200, 200, 200),
    "POST tokens": (401, 403, 403, 403, 403, 403, 403),
    "POST tokens/{token_key}/revoke": (401, 404, 404, 404, 200, 404, 404),
    "GET uploads": (401, 200, 200, 200, 200, 200, 200),
    "POST uploads": (401, 409, 409, 409, 409, 409, 409),
    "GET uploads/usage": (401, 200, 200, 200, 200, 200, 200),
    "GET uploads/{upload_id}": (401, 404, 404, 404, 200, 404, 200),
    "POST uploads/{upload_id}/parts": (401, 404, 404, 404, 422, 404, 404),
    "POST uploads/{upload_id}/complete": (401, 404, 404, 404, 200, 404, 404),
    "POST uploads/{upload_id}/cancel": (401, 404, 404, 404, 409, 404, 409),
    "POST uploads/{upload_id}/remove": (401, 404, 404, 404, 409, 404, 409),
    "GET imports/{run_id}": (401, 404, 404, 404, 200, 404, 200),
    "POST imports/{run_id}/retry": (401, 404, 404, 404, 409, 404, 409),
    "POST imports/validate": (401, 404, 404, 404, 202, 404, 202),
    "POST credentials": (401, 503, 503, 503, 503, 503, 503),
    "GET issuances": (401, 200, 200, 200, 200, 200, 200),
    "GET issuances/{issuance_id}": (401, 404, 404, 404, 200, 404, 200),
    "POST issuances/{issuance_id}/cut": (401, 404, 404, 404, 200, 404, 200),
    # Principal, key, grant and request belong to the owner. AWS does not answer: what needs it at once is 503.
    "GET locations": (401, 403, 403, 403, 403, 200, 200),
    "POST locations": (401, 403, 403, 403, 403, 201, 201),
    "GET locations/{location_id}": (401, 403, 403, 403, 403, 200, 200),
    "PATCH locations/{location_id}": (401, 403, 403, 403, 403, 200, 200),
    "POST locations/{location_id}/remove": (401, 403, 403, 403, 403, 409, 409),
    "GET principals": (401, 200, 200, 200, 200, 200, 200),
    "POST principals": (401, 403, 403, 403, 403, 201, 201),
    "GET principals/{principal_id}": (401, 404, 404, 404, 200, 200, 200),
    "PATCH principals/{principal_id}": (401, 403, 403, 403, 403, 200, 200),
    "POST principals/{principal_id}/remove": (401, 403, 403, 403, 403, 200, 200),
    "GET principals/{principal_id}/keys": (401, 404, 404, 404, 200, 200, 200),
    "POST principals/{principal_id}/keys": (401, 403, 403, 403, 403, 503, 503),
    "POST principals/{principal_id}/keys/rotate": (401, 403, 403, 403, 403, 503, 503),
    "GET access-keys/{key_id}": (401, 404, 404, 404, 200, 200, 200),
    "PATCH access-keys/{key_id}": (401, 403, 403, 403, 403, 200, 200),
    "POST access-keys/{key_id}/remove": (401, 403, 403, 403, 403, 200, 200),
    "GET grants": (401, 200, 200, 200, 200, 200, 200),
    "POST grants": (401, 403, 403, 403, 403, 201, 201),
    "GET grants/{grant_id}": (401, 404, 404, 404, 200, 200, 200),
    "POST grants/{grant_id}/extend": (401, 403, 403, 403, 403, 200, 200),
    "POST grants/{grant_id}/adopt": (401, 403, 403, 403, 403, 200, 200),
    "POST grants/{grant_id}/review": (401, 403, 403, 403, 403, 200, 200),
    "POST grants/{grant_id}/replace": (401, 403, 403, 403, 403, 201, 201),
    "POST grants/{grant_id}/revoke": (401, 403, 403, 403, 403, 200, 200),
    "POST grants/{grant_id}/cut": (401, 403, 403, 403, 403, 403, 200),
    "GET access-requests": (401, 200, 200, 200, 200, 200, 200),
    "POST access-requests": (401, 201, 201, 201, 201, 201, 201),
    "GET access-requests/{access_request_id}": (401, 404, 404, 404, 200, 200, 200),
    "POST access-requests/{access_request_id}/approve": (401, 403, 403, 403, 403, 200, 200),
    "POST access-requests/{access_request_id}/reject": (401, 403, 403, 403, 403, 200, 200),
    "POST access-requests/{access_request_id}/cancel": (401, 404, 404, 404, 200, 403, 403),
    "GET operations": (401, 403, 403, 403, 403, 200, 200),
    "GET operations/{operation_id}": (401, 403, 403, 403, 403, 200, 200),
    "POST operations/{operation_id}/retry": (401, 403, 403, 403, 403, 200, 200),
    "POST operations/{operation_id}/give-up": (401, 403, 403, 403, 403, 200, 200),
    "GET explain": (401, 403, 403, 403, 403, 503, 503),
    "POST explain": (401, 403, 403, 403, 403, 503, 503),
    "GET reconcile": (401, 403, 403, 403, 403, 200, 200),
    "GET reconcile/plan": (401, 403, 403, 403, 403, 200, 200),
    "POST reconcile/plan": (401, 403, 403, 403, 403, 503, 503),
    "POST reconcile/apply": (401, 403, 403, 403, 403, 403, 503),
}
QUERIES = {
    "GET studies/{study_id}/expression": "?feature=GENE1",
    "GET studies/{study_id}/de": "?value={value_id}",
    "GET studies/{study_id}/de.csv": "?value={value_id}",
    "GET explain": "?key=s3://bucket/key",
    "GET features/suggest": "?q=CD",
}
BODIES: dict[str, dict[str, Any]] = {
    "POST studies/{study_id}/de": {"group1": {"cell_ids": [1, 2, 3]}},
    "POST studies/{study_id}/correlations": {"feature": "GENE1"},
    "POST studies/{study_id}/pseudobulk": {"sample": "cell_type"},
    "POST studies/{study_id}/user-annotations": {"name": "mine", "cells": {"cell_ids": [1, 2]}},
    "PATCH user-annotations/{annotation_id}": {"color": "#123456"},
    "POST features/resolve": {"identifiers": ["CD79A"]},
    "POST tokens": {"name": "mine", "scopes": ["read"], "days": 1},
    "POST tokens/{token_key}/revoke": {},
    "POST uploads": {"filename": "a.h5ad", "size": 10},
    "POST uploads/{upload_id}/parts": {"parts": [{"number": 1, "checksum_sha256": f"{'A' * 43}="}]},
    "POST uploads/{upload_id}/complete": {},
    "POST uploads/{upload_id}/cancel": {},
    "POST uploads/{upload_id}/remove": {"reason": "x"},
    "POST imports/{run_id}/retry": {"reason": "x"},
    "POST credentials": {"purpose": "upload"},
    "POST issuances/{issuance_id}/cut": {"reason": "x"},
}
ACCESS = ("locations", "principals", "access-keys", "grants", "access-requests", "operations", "explain", "reconcile")


def views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, type[APIView]]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/v1/"):
            yield route.removeprefix("api/v1/"), pattern.callback.cls


def scope_of(route: str, method: str) -> str:
    """Say what a token needs: whoever changes access needs more than whoever asks questions."""
    if method == "GET" or route == "features/resolve":
        return "read"
    if route.endswith("/revoke") and route.startswith("tokens"):
        return "read"
    if route.startswith(("uploads", "imports", "credentials", "issuances")):
        return "upload"
    return "manage" if route.startswith((*ACCESS, "tokens")) else "compute"


def plain(route: str) -> str:
    """Write `<uuid:study_id>` as `{study_id}`."""
    return route.replace("<uuid:", "{").replace("<str:", "{").replace(">", "}")


VIEWS = [(plain(route), view) for route, view in views(get_resolver().url_patterns)]


def methods(view: type[APIView]) -> set[str]:
    return set(view().allowed_methods) - {"HEAD"}


def test_every_route_is_in_the_table() -> None:
    assert {f"{method} {route}" for route, view in VIEWS for method in methods(view)} == set(TABLE)


@pytest.mark.parametrize(("route", "view"), VIEWS, ids=[route for route, _ in VIEWS])
def test_view_says_whom_it_serves_and_what_a_token_needs(route: str, view: type[Any]) -> None:
    assert "permission_classes" in vars(view), "name the permission class on the view itself"
    assert view.permission_classes
    assert all(issubclass(one, IsMember) for one in view.permission_classes)
    assert Nobody not in view.permission_classes
    assert set(view.required_scopes) == methods(view)
    assert view.required_scopes == {method: TokenScope(scope_of(route, method)) for method in methods(view)}
    assert "OPTIONS" not in view().allowed_methods


def make_world() -> dict[str, Any]:
    """Make the people and what they ask for."""
    people = {name: person(name) for name in ("stranger", "viewer", "analyst", "owner")}
    people |= {role: person(role, role) for role in ("curator", "administrator")}
    made = published_study(owner=people["owner"])
    for role in ("viewer", "analyst"):
        StudyAccess.objects.create(study=made.study, user=people[role], role=role)
    job = Job.objects.create(name="imports.run_import", owner=people["owner"])
    analysis = answered_correlation(made, job)
    value = table_of_file(made).value
    ids = {"study_id": made.study.pk, "key": "umap", "analysis_id": analysis.pk, "job_id": job.pk}
    ids["value_id"] = value.pk
    annotation = user_annotations.create(
        user=people["owner"], study_id=made.study.pk, name="drawn", visibility="study", cells={"cell_ids": [3, 4]}
    )
    ids |= {"annotation_id": annotation.pk, "annotation_tag": etag(annotation)}
    return {"people": people, "ids": ids}


def call(client: APIClient, operation: str, ids: dict[str, Any]) -> int:
    method, _, route = operation.partition(" ")
    address = f"/api/v1/{route.format(**ids)}{QUERIES.get(operation, '').format(**ids)}"
    body = BODIES.get(operation)
    if route == "imports/validate":
        body = {"upload_id": str(ids["upload_id"])}
    headers = {}
    if route.startswith(ACCESS):
        body = None if method == "GET" else body_of(operation, ids)
        tags = [tag for name, tag in ids["tags"].items() if f"{{{name}}}" in route]
        headers = {"If-Match": tags[0]} if tags else {}
    elif method != "GET" and route.startswith("user-annotations"):
        headers = {"If-Match": ids["annotation_tag"]}
    return getattr(client, method.lower())(address, body, headers=headers).status_code


def access_of(operation: str, owner: User) -> dict[str, Any]:
    """Make what the routes of access name; others' grants are what is adopted, reviewed, replaced."""
    ids = access_world(owner, origin="foreign" if operation.endswith("/adopt") else "adopted")
    if operation.endswith(("/adopt", "/review", "/replace")):
        ids["grant_id"], ids["tags"]["grant_id"] = ids["adopted_id"], ids["tags"]["adopted_id"]
    return ids


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", TABLE)
def test_who_may(operation: str) -> None:
    world = make_world()
    found = []
    for name in CALLERS:
        # Stopping a job ends it, so it is put back for the next caller; what is changed of access is made anew.
        owner = world["people"]["owner"]
        ids = world["ids"] | access_of(operation, owner) | upload_world(owner)
        Job.objects.filter(pk=world["ids"]["job_id"]).update(state="queued", finished_at=None, cancel_requested_at=None)
        anonymous = APIClient(raise_request_exception=False)
        client = anonymous if name == "anonymous" else caller(world["people"][name])
        found.append(call(client, operation, ids))
    assert dict(zip(CALLERS, found, strict=True)) == dict(zip(CALLERS, TABLE[operation], strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("operation", TABLE)
def test_token_without_the_scope_may_not(operation: str) -> None:
    world = make_world()
    method, _, route = operation.partition(" ")
    needed = scope_of(route, method)
    client = caller(world["people"]["administrator"], [scope for scope in SCOPES if scope != needed])
    owner = world["people"]["owner"]
    assert call(client, operation, world["ids"] | access_of(operation, owner) | upload_world(owner)) == 403


@pytest.mark.django_db
def test_closed_account_may_nothing() -> None:
    world = make_world()
    administrator = world["people"]["administrator"]
    token, session = caller(administrator), APIClient(raise_request_exception=False)
    session.force_login(administrator)
    administrator.is_active = False
    administrator.save()
    for operation, (refused, *_) in TABLE.items():
        owner = world["people"]["owner"]
        ids = world["ids"] | access_of(operation, owner) | upload_world(owner)
        assert call(token, operation, ids) == 401, operation
        assert call(session, operation, ids) == refused, operation
