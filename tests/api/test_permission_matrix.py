"""Every route of the API, by everyone who may call it. A route that is not in the table fails the suite."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient
from rest_framework.views import APIView

from cellenium_admin.core.api.permissions import IsMember, Nobody
from cellenium_admin.core.models import Job, TokenScope
from studies.models import Analysis, StudyAccess
from tests.builders.people import caller, person
from tests.builders.stores import published_study

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
    "POST studies/{study_id}/de": (401, 404, 403, 202, 202, 404, 202),
    "POST studies/{study_id}/correlations": (401, 404, 403, 202, 202, 404, 202),
    "GET analyses/{analysis_id}": (401, 404, 200, 200, 200, 404, 200),
    "GET jobs": (401, 200, 200, 200, 200, 200, 200),
    "GET jobs/{job_id}": (401, 404, 404, 404, 200, 404, 200),
    "POST jobs/{job_id}/cancel": (401, 404, 404, 404, 200, 404, 200),
    "GET audit-events": (401, 403, 403, 403, 403, 200, 200),
}
QUERIES = {"GET studies/{study_id}/expression": "?feature=GENE1"}
BODIES: dict[str, dict[str, Any]] = {
    "POST studies/{study_id}/de": {"group1": {"cell_ids": [1, 2, 3]}},
    "POST studies/{study_id}/correlations": {"feature": "GENE1"},
}


def views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, type[APIView]]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/v1/"):
            yield route.removeprefix("api/v1/"), pattern.callback.cls


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
    scopes = {method: TokenScope.READ if method == "GET" else TokenScope.COMPUTE for method in methods(view)}
    assert view.required_scopes == scopes
    assert "OPTIONS" not in view().allowed_methods


def make_world() -> dict[str, Any]:
    """Make the people and what they ask for."""
    people = {name: person(name) for name in ("stranger", "viewer", "analyst", "owner")}
    people |= {role: person(role, role) for role in ("curator", "administrator")}
    made = published_study(owner=people["owner"])
    for role in ("viewer", "analyst"):
        StudyAccess.objects.create(study=made.study, user=people[role], role=role)
    job = Job.objects.create(name="imports.run_import", owner=people["owner"])
    analysis = Analysis.objects.create(
        version=made.version, kind="correlation", parameters={}, parameters_sha256="0" * 64, job=job, results=[]
    )
    ids = {"study_id": made.study.pk, "key": "umap", "analysis_id": analysis.pk, "job_id": job.pk}
    return {"people": people, "ids": ids}


def call(client: APIClient, operation: str, ids: dict[str, Any]) -> int:
    method, _, route = operation.partition(" ")
    address = f"/api/v1/{route.format(**ids)}{QUERIES.get(operation, '')}"
    return getattr(client, method.lower())(address, BODIES.get(operation)).status_code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", TABLE)
def test_who_may(operation: str) -> None:
    world = make_world()
    found = []
    for name in CALLERS:
        # Stopping a job ends it, so it is put back for the next caller.
        Job.objects.filter(pk=world["ids"]["job_id"]).update(state="queued", finished_at=None, cancel_requested_at=None)
        anonymous = APIClient(raise_request_exception=False)
        client = anonymous if name == "anonymous" else caller(world["people"][name])
        found.append(call(client, operation, world["ids"]))
    assert dict(zip(CALLERS, found, strict=True)) == dict(zip(CALLERS, TABLE[operation], strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("operation", TABLE)
def test_token_without_the_scope_may_not(operation: str) -> None:
    world = make_world()
    needed = "read" if operation.startswith("GET") else "compute"
    client = caller(world["people"]["administrator"], [scope for scope in ("read", "compute") if scope != needed])
    assert call(client, operation, world["ids"]) == 403


@pytest.mark.django_db
def test_closed_account_may_nothing() -> None:
    world = make_world()
    administrator = world["people"]["administrator"]
    token, session = caller(administrator), APIClient(raise_request_exception=False)
    session.force_login(administrator)
    administrator.is_active = False
    administrator.save()
    for operation, (refused, *_) in TABLE.items():
        assert call(token, operation, world["ids"]) == 401, operation
        assert call(session, operation, world["ids"]) == refused, operation
