"""What `audit.record` takes, what it refuses, and when it is in the trail."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from cellenium_admin.core.context import Actor, request_context
from cellenium_admin.core.exceptions import InvalidInputError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, AuditHead, Outcome, User
from cellenium_admin.core.services import audit, audit_fields
from cellenium_admin.core.services.audit_fields import AuditFieldError
from tests.core.audit.conftest import ACTOR, record, record_and_roll_back

pytestmark = pytest.mark.django_db(transaction=True)


def committed(**changes: Any) -> AuditEvent:
    with transaction.atomic():
        record(**changes)
    return AuditEvent.objects.latest("seq")


def test_everything_given_is_kept() -> None:
    user = User.objects.create(username="ada", email="ada@example.org")
    with request_context(request_id="r-1", address="192.0.2.7"):
        event = committed(
            action=Action.USER_ROLES_CHANGED,
            actor=Actor.of(user),
            obj=user,
            before={"system_roles": []},
            after={"system_roles": ["curator"]},
            reason="she asked",
            on_behalf_of="grace",
        )
    assert (event.seq, event.action, event.outcome, event.version) == (1, "user.roles_changed", "ok", 1)
    assert (event.actor_type, event.actor_id, event.actor_label) == ("user", str(user.pk), "ada@example.org")
    assert (event.object_type, event.object_id, event.object_label) == ("user", str(user.pk), "ada@example.org")
    assert (event.request_id, event.address) == ("r-1", "192.0.2.7")
    assert (event.before, event.after, event.details) == (
        {"system_roles": []},
        {"system_roles": ["curator"]},
        {},
    )
    assert (event.reason, event.on_behalf_of) == ("she asked", "grace")
    assert abs(event.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_outside_of_a_transaction_it_raises() -> None:
    with pytest.raises(audit.OutsideTransactionError, match="atomic"):
        record()
    assert not AuditEvent.objects.exists()


def test_event_appears_with_the_commit_and_not_before() -> None:
    with transaction.atomic():
        record()
        assert not AuditEvent.objects.exists()
    assert AuditEvent.objects.get().seq == 1


def test_rollback_leaves_no_event_and_no_hole() -> None:
    committed(label="first")
    record_and_roll_back("lost")
    committed(label="second")
    assert list(AuditEvent.objects.order_by("seq").values_list("seq", "object_label")) == [(1, "first"), (2, "second")]


def test_rollback_to_a_savepoint_drops_its_event_only() -> None:
    with transaction.atomic():
        record("before")
        record_and_roll_back("inside")
        record("after")
    assert list(AuditEvent.objects.order_by("seq").values_list("object_label", flat=True)) == ["before", "after"]


def test_events_of_one_transaction_keep_their_order() -> None:
    with transaction.atomic():
        for number in range(20):
            record(f"{number:02}")
    labels = list(AuditEvent.objects.order_by("seq").values_list("object_label", flat=True))
    assert labels == [f"{number:02}" for number in range(20)]


def test_nothing_stays_in_the_queue(superuser_connection: psycopg.Connection) -> None:
    with transaction.atomic():
        record("a")
        record("b")
    assert superuser_connection.execute("SELECT count(*) FROM core_auditpending").fetchone() == (0,)


def test_connection_lost_in_mid_transaction_leaves_nothing(superuser_connection: psycopg.Connection) -> None:
    recorded, killed = threading.Event(), threading.Event()
    pids: list[int] = []

    @transaction.atomic
    def be_killed() -> None:
        record("lost")
        pids.append(connection.connection.info.backend_pid)
        recorded.set()
        killed.wait(10)

    def die() -> None:
        with pytest.raises(Exception, match=r"terminat|closed"):
            be_killed()
        connection.close()

    thread = threading.Thread(target=die)
    thread.start()
    assert recorded.wait(10)
    superuser_connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pids[0]])
    killed.set()
    thread.join(10)
    assert committed(label="next").seq == 1


def test_constraints_made_immediate_append_early_and_right() -> None:
    with transaction.atomic():
        record("a")
        connection.check_constraints()
        assert AuditEvent.objects.get().object_label == "a"
        record("b")
    assert list(AuditEvent.objects.order_by("seq").values_list("object_label", flat=True)) == ["a", "b"]


def test_time_never_runs_backwards(superuser_connection: psycopg.Connection) -> None:
    ahead = committed().at + timedelta(hours=1)
    with superuser_connection.transaction():
        superuser_connection.execute("SET LOCAL session_replication_role = replica")
        superuser_connection.execute("UPDATE core_auditevent SET at = %s", [ahead])
    assert committed().at == ahead


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"details": {"secret_key": "x"}}, "does not tell 'secret_key'"),
        ({"after": {"sha256": "x"}}, "does not tell 'sha256'"),
        ({"details": {"uri": 1}}, "uri of upload.found must be str, not int"),
        ({"details": {"size": "1"}}, "must be int"),
        ({"details": {"size": True}}, "must be int, not bool"),
        ({"details": {"size": 2**63}}, "64 bits"),
        ({"details": {"size": 1.0}}, "must be int, not float"),
        ({"details": {"uri": "a\0b"}}, "NUL"),
        ({"details": {"uri": "\ud800"}}, "surrogate"),
        ({"details": {"uri": "x" * 4097}}, "4097 characters"),
        ({"obj": audit.ObjectRef(type="upload", id="x" * 256, label="")}, "object_id has 256 characters"),
        ({"obj": audit.ObjectRef(type="x" * 51, id="", label="")}, "object_type has 51 characters"),
        ({"actor": Actor("user", "x" * 101, "")}, "actor_id has 101 characters"),
        ({"actor": Actor("user", "a\0", "")}, "actor_id holds a NUL"),
    ],
)
def test_what_the_trail_does_not_take(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AuditFieldError, match=message), transaction.atomic():
        record(**changes)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "roles", [[1.5], [b"x"], [{1: 2}], [{"a": float("nan")}], [object()], [()], ["\0"], [{"\0": 1}]]
)
def test_what_lists_may_not_hold(roles: list[Any]) -> None:
    with pytest.raises(AuditFieldError, match="system_roles"), transaction.atomic():
        record(action=Action.USER_ROLES_CHANGED, after={"system_roles": roles})


def test_nesting_and_size_have_an_end() -> None:
    deep: list[Any] = []
    for _ in range(9):
        deep = [deep]
    for roles in (deep, ["x"] * 201):
        with pytest.raises(AuditFieldError, match="at most 200 items and 8 levels"), transaction.atomic():
            record(action=Action.USER_ROLES_CHANGED, after={"system_roles": roles})


def test_nothing_set_is_told_as_null() -> None:
    event = committed(action=Action.USER_CREATED, after={"username": "importer", "upload_prefix": None})
    assert event.after == {"username": "importer", "upload_prefix": None}


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match=r"grant\.forged"), transaction.atomic():
        record(action="grant.forged")


def test_labels_are_cut_and_made_readable() -> None:
    subject = audit.ObjectRef(type="upload", id="1", label="\0\ud800" + "ä" * 2000)
    event = committed(obj=subject, actor=Actor("user", "1", "a" * 300), on_behalf_of="b" * 300)
    assert event.object_label == "\N{REPLACEMENT CHARACTER}?" + "ä" * 1022
    assert (event.actor_label, event.on_behalf_of) == ("a" * 254, "b" * 254)


def test_a_reason_too_long_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidInputError) as caught, transaction.atomic():
        record(reason="x" * 1001)
    assert caught.value.errors[0].pointer == "/reason"


def test_every_action_says_what_it_tells() -> None:
    assert set(audit_fields.FIELDS) == set(Action)


REFUSAL = RefusedError(
    "You may not.",
    attempt=RefusedAttempt(action="study.visibility_changed", object_type="study", object_id="7", object_label="PBMC"),
)


def test_refusal_is_recorded_after_the_transaction_that_was_refused() -> None:
    @transaction.atomic
    def be_refused() -> None:
        User.objects.create(username="half")
        raise REFUSAL

    with pytest.raises(RefusedError) as caught:
        be_refused()
    audit.record_refusal(caught.value, actor=ACTOR)
    event = AuditEvent.objects.get()
    assert (event.outcome, event.action, event.details) == (
        Outcome.REFUSED,
        "study.visibility_changed",
        {"code": "forbidden"},
    )
    assert (event.object_type, event.object_id, event.object_label) == ("study", "7", "PBMC")
    assert not User.objects.exists()


def test_refusal_inside_of_a_transaction_raises() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        audit.record_refusal(REFUSAL, actor=ACTOR)
    assert not AuditEvent.objects.exists()


def test_missing_head_stops_recording(superuser_connection: psycopg.Connection) -> None:
    (head,) = AuditHead.objects.values_list("seq", "hash")
    superuser_connection.execute("DELETE FROM core_audithead")
    try:
        with pytest.raises(Exception, match="no rows"), transaction.atomic():
            record()
    finally:
        superuser_connection.execute("INSERT INTO core_audithead (id, seq, hash) VALUES (1, %s, %s)", head)
    assert not AuditEvent.objects.exists()
