"""Reconcile over HTTP: planned by curators, applied by administrators, by the hash they saw."""

from typing import Any

import pytest

from grants.models import Grant, ReconcileRun
from tests.api.access.conftest import Client
from tests.builders import grants as rows
from tests.grants.services.conftest import Stack

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def grant(curation: Client, stack: Stack) -> dict[str, Any]:
    location = curation.post("locations", {"scope": stack.scope, "role_arn": stack.role_arn})
    principal = curation.post("principals", {"name": stack.aws.name("uploader")})
    wish = {"location_id": location["id"], "principal_id": principal["id"], "sub_prefix": "data/*"}
    return curation.post("grants", {**wish, "permission": "READ"})


def test_nothing_was_compared_yet(curation: Client) -> None:
    assert curation.get("reconcile")["results"] == []
    plan = curation.get("reconcile/plan")
    assert (plan["run_id"], plan["total"], plan["results"]) == (None, 0, [])


def test_what_somebody_took_away_is_planned_and_put_back(
    curation: Client, administration: Client, stack: Stack, grant: dict[str, Any]
) -> None:
    stack.gateway.access_grants.delete_grant(grant["aws_id"])
    run = curation.post("reconcile/plan", Idempotency_Key="k")
    assert run["state"] == "planned"
    assert curation.post("reconcile/plan", Idempotency_Key="k") == run
    assert ReconcileRun.objects.count() == 1
    plan = curation.get("reconcile/plan")
    assert (plan["run_id"], plan["plan_hash"]) == (run["id"], run["plan_hash"])
    [entry] = [one for one in plan["results"] if one["subject_id"] == grant["id"]]
    assert "missing" in entry["kind"]
    assert any("CreateAccessGrant" in call for call in entry["repair"]["calls"])

    curation.post("reconcile/apply", {"plan_hash": run["plan_hash"]}, status=403)
    administration.post("reconcile/apply", {"plan_hash": "0" * 64}, status=409)
    assert administration.last.json()["code"] == "plan_changed"
    administration.post("reconcile/apply", {"plan_hash": "short"}, status=422)
    applied = administration.post("reconcile/apply", {"plan_hash": run["plan_hash"]}, status=200)
    assert (applied["state"], applied["applied_by"]) == ("applied", "administrator@example.org")
    again = Grant.objects.get(pk=grant["id"])
    assert again.state == "active"
    assert stack.gateway.access_grants.grant(again.aws_id) is not None
    assert [one["id"] for one in curation.get("reconcile?limit=1")["results"]] == [applied["id"]]


def test_a_plan_comes_in_parts(curation: Client) -> None:
    entry = dict.fromkeys(("kind", "subject_type", "subject", "found", "expected", "remedy"), "")
    entry |= {"destructive": False, "waits": False, "repair": None}
    plan = [entry | {"subject_id": str(number)} for number in range(5)]
    ReconcileRun.objects.create(state="planned", plan=plan, counts={"x": 5})
    part = curation.get("reconcile/plan?offset=1&limit=2")
    assert (part["total"], [one["subject_id"] for one in part["results"]]) == (5, ["1", "2"])
    assert curation.get("reconcile")["results"][0]["entries"] == 5
    curation.get("reconcile/plan?limit=1001", status=400)
    curation.get("reconcile/plan?ofset=1", status=400)


def test_a_foreign_grant_is_adopted_with_what_it_hangs_on(curation: Client) -> None:
    grant = rows.grant(
        origin="foreign", location=rows.location(origin="foreign"), principal=rows.principal(origin="foreign")
    )
    path = f"grants/{grant.pk}"
    curation.change(f"{path}/revoke", {"reason": "x"}, status=409)
    adopted = curation.change(f"{path}/adopt", {"reason": "from before"})
    assert (adopted["origin"], adopted["review_at"] is not None) == ("adopted", True)
    assert curation.get(f"principals/{grant.principal_id}")["origin"] == "adopted"
    curation.change(f"{path}/adopt", {"reason": "x"}, status=409)
