"""Many writers at once: no gaps, no deadlock, none waits for another's foreign keys with the head in its hand."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cellenium_admin.core.models import Action, ApiToken, AuditEvent, User
from cellenium_admin.core.services.audit_chain import database_trail, verify
from tests.core.audit.conftest import record, record_and_roll_back

pytestmark = pytest.mark.django_db(transaction=True)


def in_thread(work: Callable[..., Any]) -> Callable[..., Any]:
    """Run work on a connection of the thread's own and close it."""

    def run(*args: Any) -> Any:
        try:
            return work(*args)
        finally:
            connection.close()

    return run


def test_fifty_writers_leave_a_gapless_chain() -> None:
    start = threading.Barrier(50)

    @in_thread
    def write(writer: int) -> None:
        connection.ensure_connection()
        start.wait(30)
        for number in range(4):
            with transaction.atomic():
                record(f"{writer}")
                record(f"{writer}", details={"size": number})
            record_and_roll_back("lost")

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(write, range(50)))
    assert list(AuditEvent.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 401))
    with database_trail() as trail:
        assert verify(trail).breach is None
    times = list(AuditEvent.objects.order_by("seq").values_list("at", flat=True))
    assert times == sorted(times)


def make_token(user: User) -> None:
    ApiToken.objects.create(
        user=user,
        name="t",
        key="k",
        secret_sha256=b"",
        scopes=["read"],
        expires_at=timezone.now() + timezone.timedelta(days=1),
    )


def wait_until_blocked(superuser: psycopg.Connection) -> None:
    blocked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 10
    while not superuser.execute(blocked).fetchone():
        assert time.monotonic() < deadline, "nobody waits for a lock"
        time.sleep(0.01)


def test_waiting_for_a_foreign_key_does_not_hold_the_head(superuser_connection: psycopg.Connection) -> None:
    """One transaction holds a user's row and records; the other records, and its foreign key waits for that row."""
    user = User.objects.create(username="ada")
    ended: list[str] = []

    @in_thread
    def refer() -> None:
        with transaction.atomic():
            record("referring", action=Action.TOKEN_CREATED)
            make_token(user)
        ended.append("referring")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            other = pool.submit(refer)
            wait_until_blocked(superuser_connection)
            record("holding", action=Action.USER_DEACTIVATED)
        ended.insert(0, "holding")
        other.result(10)
    assert list(AuditEvent.objects.order_by("seq").values_list("object_label", flat=True)) == ["holding", "referring"]


def test_with_the_head_taken_first_the_same_would_deadlock(superuser_connection: psycopg.Connection) -> None:
    """The scene is the one to be afraid of: with events appended at once, PostgreSQL has to end one of the two."""
    user = User.objects.create(username="ada")

    @in_thread
    def refer() -> None:
        with transaction.atomic():
            record("referring", action=Action.TOKEN_CREATED)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS core_audit_stage, core_audit_commit IMMEDIATE")
            make_token(user)

    def hold_and_refer() -> None:
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                User.objects.select_for_update().get(pk=user.pk)
                other = pool.submit(refer)
                wait_until_blocked(superuser_connection)
                record("holding", action=Action.USER_DEACTIVATED)
            other.result(10)

    with pytest.raises(OperationalError, match="deadlock"):
        hold_and_refer()


def test_appending_does_not_get_slower_while_an_old_transaction_is_open(
    superuser_connection: psycopg.Connection,
) -> None:
    """The old one keeps every former version of the head alive; appending must not read them."""
    fill = """SELECT core_audit_append(jsonb_build_object('action', '', 'outcome', '', 'actor_type', '', 'actor_id', '',
        'actor_label', '', 'on_behalf_of', '', 'request_id', '', 'address', '', 'object_type', '', 'object_id', '',
        'object_label', '', 'reason', '', 'before', '{}'::jsonb, 'after', '{}'::jsonb, 'details', '{}'::jsonb))
        FROM generate_series(1, %s)"""

    def pages_read(events: int) -> float:
        with superuser_connection.transaction():
            (plan,) = superuser_connection.execute(
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + fill, [events]
            ).fetchone()
        return float(plan[0]["Plan"]["Shared Hit Blocks"]) / events

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1 FROM core_audithead")
        pages_read(200)
        early = pages_read(100)
        pages_read(4000)
        late = pages_read(100)
    assert late < 2.5 * early
