"""The process dies between each pair of steps of issuing: no secret leaves unrecorded, every record is visible."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import AuditEvent, User
from grants.api import credentials as route
from grants.aws.sts import Boto3Sts
from grants.models import Issuance
from grants.services import cuts, issuing
from tests.builders.people import caller, person
from tests.grants.services.issuing import Desk, desk, uploader
from tests.support.crashes import Crash, crash

__all__ = ["desk", "uploader"]
pytestmark = pytest.mark.django_db(transaction=True)


class Died(Exception):  # noqa: N818 -- the name of what has happened
    """What a crash looks like from outside: no answer."""


@contextmanager
def dying(target: Any, name: str, *, after: bool) -> Iterator[None]:
    """Let the process die right before or right after a step."""
    step: Callable[..., Any] = getattr(target, name)

    def dies(*args: Any, **more: Any) -> Any:
        if after:
            step(*args, **more)
        crash()

    with mock.patch.object(target, name, dies):
        yield


@contextmanager
def dying_at_commit(number: int) -> Iterator[None]:
    """Let the process die with the event of the second (or first) record written and not committed."""
    record, seen = issuing.record, []

    def dies(*args: Any, **more: Any) -> None:
        record(*args, **more)
        seen.append(1)
        if len(seen) == number:
            crash()

    with mock.patch.object(issuing, "record", dies):
        yield


# Each with what is left behind: the state of the record, whether AWS was asked, the events of the trail.
REQUESTED, ISSUED = "credentials.requested", "credentials.issued"
POINTS: dict[str, tuple[Callable[[], Any], str | None, bool, list[str]]] = {
    "before the wish is written": (lambda: dying(issuing, "intend", after=False), None, False, []),
    "with the wish written and not committed": (lambda: dying_at_commit(1), None, False, []),
    "with the wish committed": (lambda: dying(issuing, "intend", after=True), "intended", False, [REQUESTED]),
    "before AWS is asked": (lambda: dying(Boto3Sts, "assume_role", after=False), "intended", False, [REQUESTED]),
    "when AWS has answered": (lambda: dying(Boto3Sts, "assume_role", after=True), "intended", True, [REQUESTED]),
    "before the outcome is written": (lambda: dying(issuing, "confirm", after=False), "intended", True, [REQUESTED]),
    "with the outcome written and not committed": (lambda: dying_at_commit(2), "intended", True, [REQUESTED]),
    "with the outcome committed": (
        lambda: dying(issuing, "confirm", after=True), "issued", True, [REQUESTED, ISSUED],
    ),
    "before the answer is written": (
        lambda: dying(route, "_answer", after=False), "issued", True, [REQUESTED, ISSUED],
    ),
    "with the answer written and not sent": (
        lambda: dying(route, "_answer", after=True), "issued", True, [REQUESTED, ISSUED],
    ),
}  # fmt: skip


def ask(user: User) -> Any:
    client = caller(user)
    client.raise_request_exception = True
    try:
        return client.post("/api/v1/credentials", {"purpose": "upload"})
    except Crash as error:
        raise Died from error


@pytest.mark.parametrize("point", POINTS)
def test_killed(point: str, desk: Desk, uploader: User) -> None:
    death, state, asked, events = POINTS[point]
    control = desk.sandbox.sandbox.control
    control.clear_calls()
    with ExitStack() as stack:
        stack.enter_context(death())
        with pytest.raises(Died):
            ask(uploader)
    assert ("AssumeRole" in [call["operation"] for call in control.calls()]) is asked
    assert [one.state for one in Issuance.objects.all()] == ([state] if state else [])
    recorded = AuditEvent.objects.filter(action__startswith="credentials.").order_by("seq")
    assert list(recorded.values_list("action", flat=True)) == events
    if state:
        is_visible_and_can_be_cut(uploader, state)
    answer = ask(uploader)
    assert answer.status_code == 201, "whoever asks again gets new ones"
    assert Issuance.objects.get(pk=answer.json()["issuance_id"]).state == "issued"


def is_visible_and_can_be_cut(user: User, state: str) -> None:
    """Insist that its owner and an administrator see the record, and that it counts as live."""
    administrator = person(f"administrator-{secrets.token_hex(4)}", "administrator")
    for who in (user, administrator):
        for query in ("?live=true", f"?state={state}"):
            found = caller(who).get(f"/api/v1/issuances{query}").json()["results"]
            assert [(one["state"], one["is_live"]) for one in found] == [(state, True)]
    row = Issuance.objects.get()
    assert list(Issuance.objects.live(timezone.now())) == [row]
    cuts.cut_all(role_arn=row.role_arn, actor=Actor.of(administrator), reason="nobody knows of its outcome")
    row.refresh_from_db()
    assert row.cut_at is not None
