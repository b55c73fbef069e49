"""The page of a comparison: findings by kind, why a plan may not be applied, and who may apply it."""

from typing import Any

import pytest
from django.test import Client

from cellenium_admin.core.models import User
from grants.models import Operation, ReconcileRun
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def administrator() -> User:
    return person("administrator", "administrator")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def entry(kind: str, *, waits: bool = False, destructive: bool = False, calls: tuple[str, ...] = ()) -> dict[str, Any]:
    repair = {"kind": "create_grant", "args": {}, "calls": list(calls)} if calls else None
    return {
        "kind": kind,
        "subject_type": "grant",
        "subject_id": "1",
        "subject": f"the subject of {kind}",
        "found": "",
        "expected": "something",
        "remedy": f"the remedy of {kind}",
        "destructive": destructive,
        "repair": repair,
        "waits": waits,
    }


def run(*plan: dict[str, Any], **fields: Any) -> ReconcileRun:
    counts: dict[str, int] = {}
    for one in plan:
        counts[one["kind"]] = counts.get(one["kind"], 0) + 1
    values = {"state": "planned", "plan": list(plan), "counts": counts, "plan_hash": "a" * 64, "seen": {"grants": 7}}
    return ReconcileRun.objects.create(**(values | fields))


def page_of(user: User, shown: ReconcileRun) -> Any:
    return browser(user).get(f"/admin/grants/reconcilerun/{shown.pk}/change/")


def offered(page: Any) -> list[str]:
    return [button["action"].name for button in page.context["object_actions"]]


MISSING = entry("grant_missing", calls=("s3control CreateAccessGrant READ",))
LEFTOVER = entry("grant_leftover", destructive=True, waits=True, calls=("s3control DeleteAccessGrant 1",))


def test_findings_are_told_by_kind_with_remedy_and_calls(administrator: User) -> None:
    page = page_of(administrator, run(MISSING, MISSING, LEFTOVER, entry("grant_foreign")))
    counts = {finding["kind"]: finding["count"] for finding in page.context["findings"]}
    assert counts == {"grant_missing": 2, "grant_leftover": 1, "grant_foreign": 1}
    text = page.content.decode()
    for words in ("the remedy of grant_missing", "s3control CreateAccessGrant READ", "waits for a second sighting"):
        assert words in text
    assert "none: a person decides" in text
    assert offered(page) == ["apply", "plan"]


def test_only_the_first_of_very_many_are_listed(administrator: User) -> None:
    page = page_of(administrator, run(*[MISSING] * 60))
    assert page.content.decode().count("the subject of grant_missing") == 50
    assert "And 10 more." in page.content.decode()


def test_a_curator_plans_and_does_not_apply(administrator: User) -> None:
    assert offered(page_of(person("curator", "curator"), run(MISSING))) == ["plan"]


@pytest.mark.parametrize(
    ("plan", "fields", "words"),
    [
        ((MISSING,), {"obstacles": ["It would remove 9 of 10 things."]}, "It would remove 9 of 10 things."),
        ((LEFTOVER,), {}, "Nothing to apply yet"),
        ((), {}, "Nothing differs"),
        ((), {"state": "failed", "error_detail": "AccessDenied"}, "nothing was compared"),
        ((MISSING,), {"state": "applied"}, "the remedy of grant_missing"),
    ],
)
def test_what_cannot_be_applied_says_why(
    administrator: User, plan: tuple[dict[str, Any], ...], fields: dict[str, Any], words: str
) -> None:
    shown = run(*plan, **fields)
    page = page_of(administrator, shown)
    assert "apply" not in offered(page)
    assert words in page.content.decode()
    answer = browser(administrator).post(f"/admin/grants/reconcilerun/{shown.pk}/apply/", {"step": "confirm"})
    assert answer.status_code == 302
    assert not Operation.objects.exists()


def test_an_older_plan_cannot_be_applied(administrator: User) -> None:
    older = run(MISSING)
    run(MISSING)
    page = page_of(administrator, older)
    assert "apply" not in offered(page)
    assert "not the newest comparison" in page.content.decode()


def test_the_confirmation_shows_the_hash_and_only_what_is_done_now(administrator: User) -> None:
    shown = run(MISSING, LEFTOVER)
    page = browser(administrator).get(f"/admin/grants/reconcilerun/{shown.pk}/apply/")
    assert page.context["preview"].calls == ["s3control CreateAccessGrant READ"]
    assert shown.plan_hash in page.content.decode()
