"""Lists of access: who sees what, which filters, and that a page costs the same whatever it holds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cellenium_admin.core.models import User
from grants.models import Origin, State
from tests.api.access.conftest import Client
from tests.builders import grants as rows
from tests.builders.access import failed_operation
from tests.builders.people import person

pytestmark = pytest.mark.django_db


def ids(page: dict[str, Any]) -> set[str]:
    return {one["id"] for one in page["results"]}


def keys(*found: Any) -> set[str]:
    return {str(row.pk) for row in found}


def test_members_see_what_is_theirs(membership: Client, curation: Client, member: User) -> None:
    location = rows.location()
    mine, other = rows.principal(user=member), rows.principal(user=person("neighbour"))
    own, foreign = rows.grant(principal=mine, location=location), rows.grant(principal=other, location=location)
    asked = rows.access_request(requester=member, location=location)
    asked_by_other = rows.access_request(requester=person("stranger"), location=location)
    key, other_key = rows.access_key(principal=mine), rows.access_key(principal=other)
    assert ids(membership.get("principals")) == keys(mine)
    assert ids(membership.get("grants")) == keys(own)
    assert ids(membership.get("access-requests")) == keys(asked)
    assert ids(membership.get(f"principals/{mine.pk}/keys")) == keys(key)
    for path in (f"principals/{other.pk}", f"grants/{foreign.pk}", f"access-requests/{asked_by_other.pk}"):
        invisible = membership.get(path, status=404)
        unknown = membership.get(path[:-36] + "1b671a64-40d5-491e-99b0-da01ff1f3341", status=404)
        assert invisible["detail"] == unknown["detail"]
        assert invisible["code"] == unknown["code"] == "not_found"
        curation.get(path)
    membership.get(f"principals/{other.pk}/keys", status=404)
    membership.get(f"access-keys/{other_key.pk}", status=404)
    assert ids(membership.get(f"grants?principal={other.pk}")) == set()
    assert ids(membership.get("grants?q=neighbour")) == set()
    assert ids(curation.get("grants")) == keys(own, foreign)
    assert ids(curation.get("access-requests")) == keys(asked, asked_by_other)


def test_a_principal_of_another_is_not_found_in_ones_own_request(membership: Client) -> None:
    location, other = rows.location(), rows.principal(user=person("neighbour"))
    wish = {"path": f"{location.scope}x/*", "permission": "READ", "justification": "x", "principal_id": str(other.pk)}
    there = membership.post("access-requests", wish, status=422)
    wish["principal_id"] = "1b671a64-40d5-491e-99b0-da01ff1f3341"
    nowhere = membership.post("access-requests", wish, status=422)
    assert there["errors"] == nowhere["errors"]
    assert there["errors"][0]["pointer"] == "/principal_id"


def test_a_closed_account_is_seen_by_curators_only(membership: Client, curation: Client, member: User) -> None:
    grant = rows.grant(principal=rows.principal(user=member))
    member.is_active = False
    member.save()
    membership.get("grants", status=401)
    assert ids(curation.get("grants")) == keys(grant)


@pytest.fixture
def grants(db: None) -> dict[str, Any]:
    soon = timezone.now() + timedelta(days=3)
    ada = rows.principal(name="ada-lab", user=person("uploader"))
    place = rows.location(scope="s3://studies/")
    return {
        "soon": rows.grant(location=place, expires_at=soon, permission="WRITE", sub_prefix="a_b/*"),
        "gone": rows.grant(location=place, state=State.DELETED, expires_at=soon),
        "going": rows.grant(location=place, state=State.PENDING_DELETE, expires_at=soon),
        "failed": rows.grant(state=State.FAILED, principal=ada, drift="missing"),
        "adopted": rows.grant(location=place, origin=Origin.ADOPTED, sub_prefix="axb*", principal=ada),
        "place": place,
        "ada": ada,
    }


FILTERS: list[tuple[str, Callable[[dict[str, Any]], str], set[str]]] = [
    ("state", lambda made: "state=deleted&state=failed", {"gone", "failed"}),
    ("origin", lambda made: "origin=adopted", {"adopted"}),
    ("drift", lambda made: "drift=missing", {"failed"}),
    ("permission", lambda made: "permission=WRITE", {"soon"}),
    ("principal", lambda made: f"principal={made['ada'].pk}", {"failed", "adopted"}),
    ("location", lambda made: f"location={made['place'].pk}", {"soon", "gone", "going", "adopted"}),
    ("expiring", lambda made: "expiring_before=2999-01-01T00:00:00Z", {"soon", "failed"}),
    ("expired", lambda made: "expiring_before=2001-01-01T00:00:00Z", set()),
    ("prefix", lambda made: "q=s3://studies/a_b", {"soon"}),
    ("arn", lambda made: "q=user/cellenium-admin/ADA", {"failed", "adopted"}),
    ("e-mail", lambda made: "q=uploader@", {"failed", "adopted"}),
    ("both", lambda made: "q=uploader@&state=failed", {"failed"}),
    ("nothing", lambda made: "q=%25", set()),
]


@pytest.mark.parametrize(("query", "expected"), [one[1:] for one in FILTERS], ids=[one[0] for one in FILTERS])
def test_grants_are_found(curation: Client, grants: dict[str, Any], query: Any, expected: set[str]) -> None:
    found = ids(curation.get(f"grants?{query(grants)}"))
    names = {str(row.pk): name for name, row in grants.items()}
    assert {names[pk] for pk in found} == expected


@pytest.mark.parametrize(
    "query",
    [
        "state=gone",
        "origin=ours",
        "permission=ALL",
        "principal=1",
        "location=x",
        "expiring_before=tomorrow",
        "q=",
        "q=%00",
        "states=active",
        "cursor=x",
        "limit=0",
    ],
)
def test_unusable_filter_is_never_everything(curation: Client, grants: dict[str, Any], query: str) -> None:
    problem = curation.get(f"grants?{query}", status=400)
    assert problem["errors"][0]["pointer"] == "?" + query.partition("=")[0]


def test_other_lists_are_searched_too(curation: Client) -> None:
    place, other = rows.location(scope="s3://studies/"), rows.location()
    assert ids(curation.get("locations?q=//studies")) == keys(place)
    assert ids(curation.get(f"locations?q={other.role_arn}")) == keys(other)
    assert ids(curation.get(f"locations?q={other.aws_id}&state=active")) == keys(other)
    who = person("uploader")
    ada, role = rows.principal(name="ada", user=who), rows.principal(kind="role", origin="adopted")
    assert ids(curation.get("principals?q=uploader@")) == ids(curation.get(f"principals?user={who.pk}")) == keys(ada)
    assert ids(curation.get("principals?kind=role")) == keys(role)
    key = rows.access_key(principal=ada)
    assert ids(curation.get(f"principals/{ada.pk}/keys?q={key.access_key_id[:9]}")) == keys(key)
    assert ids(curation.get(f"principals/{ada.pk}/keys?state=deleted")) == set()
    asked = rows.access_request(requester=who, location=place, principal=ada)
    assert ids(curation.get("access-requests?q=uploader@&state=pending")) == keys(asked)
    assert ids(curation.get(f"access-requests?principal={role.pk}")) == set()
    failed = failed_operation(actor_label="administrator@example.org")
    failed_operation(state="cancelled")
    assert ids(curation.get("operations?state=failed&kind=create_location")) == keys(failed)
    assert ids(curation.get("operations?q=administrator@")) == keys(failed)
    assert ids(curation.get(f"operations?subject_type=location&subject_id={failed.subject_id}")) == keys(failed)


def fill(count: int, owner: User) -> None:
    """Make so many of everything, each with neighbours of its own."""
    first = rows.principal(user=owner)
    for number in range(count):
        principal = rows.principal(user=owner)
        location = rows.location()
        asked = rows.access_request(requester=owner, location=location, principal=principal)
        rows.grant(principal=principal, location=location, request=asked if number % 2 else None, created_by=owner)
        rows.access_key(principal=first)
        failed_operation()


@pytest.mark.parametrize("path", ["locations", "principals", "keys", "grants", "access-requests", "operations"])
def test_a_page_costs_the_same_whatever_it_holds(curation: Client, membership: Client, member: User, path: str) -> None:
    costs = {}
    for client in [curation] if path in ("locations", "operations") else [curation, membership]:
        for count in (10, 190):
            fill(count, member)
            principal = member.principals.order_by("created_at").first()
            address = f"principals/{principal.pk}/keys" if path == "keys" else path
            with CaptureQueriesContext(
                connection,
            ) as queries:
                page = client.get(f"{address}?limit=200")
            costs[client.user.username, count] = len(queries)
            if count == 10 and client is curation:
                few = len(page["results"])
    assert 10 <= few < 25
    assert len(page["results"]) >= 200 or path == "keys"
    assert len(set(costs.values())) == 1, costs
    assert max(costs.values()) <= 4


def test_pages_go_on_where_they_ended(curation: Client) -> None:
    made = keys(*(rows.grant() for _ in range(7)))
    seen: list[str] = []
    page = curation.get("grants?limit=3&q=prefix")
    while True:
        seen += [one["id"] for one in page["results"]]
        if page["next"] is None:
            break
        page = curation.get(page["next"].partition("/api/v1/")[2])
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == made
