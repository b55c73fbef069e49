"""What the application's role cannot do to the trail, statement by statement, and what its owner cannot either."""

import json
from collections.abc import Callable

import psycopg
import pytest
from psycopg import errors

from cellenium_admin.core.models import AuditEvent
from cellenium_admin.core.services.audit_chain import database_trail, verify
from cellenium_admin.embedded.roles import APP, OWNER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Connect = Callable[[str], psycopg.Connection]

COPY_OF_FIRST = "INSERT INTO core_auditevent SELECT * FROM core_auditevent WHERE seq = 1"
REFUSED = {
    "update": "UPDATE core_auditevent SET reason = 'other' WHERE seq = 3",
    "update of nothing": "UPDATE core_auditevent SET reason = 'other' WHERE false",
    "delete": "DELETE FROM core_auditevent WHERE seq = 3",
    "truncate": "TRUNCATE core_auditevent",
    "truncate cascade": "TRUNCATE core_auditevent, core_audithead CASCADE",
    "insert": COPY_OF_FIRST,
    "upsert": COPY_OF_FIRST + " ON CONFLICT (seq) DO UPDATE SET reason = 'other'",
    "merge": "MERGE INTO core_auditevent t USING core_auditevent s ON t.seq = s.seq WHEN MATCHED THEN DELETE",
    "copy": "COPY core_auditevent FROM STDIN",
    "lock": "SELECT * FROM core_auditevent FOR UPDATE",
    "lock of the table": "LOCK TABLE core_auditevent IN EXCLUSIVE MODE",
    "alter": "ALTER TABLE core_auditevent ALTER COLUMN reason DROP NOT NULL",
    "rename": "ALTER TABLE core_auditevent RENAME TO other",
    "owner": "ALTER TABLE core_auditevent OWNER TO CURRENT_USER",
    "disable triggers": "ALTER TABLE core_auditevent DISABLE TRIGGER ALL",
    "drop trigger": "DROP TRIGGER core_audit_refuse_change ON core_auditevent",
    "add trigger": "CREATE TRIGGER mine BEFORE INSERT ON core_auditpending"
    " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "add rule": "CREATE RULE mine AS ON INSERT TO core_auditpending DO INSTEAD NOTHING",
    "add policy": "CREATE POLICY mine ON core_auditevent USING (false)",
    "replica role": "SET session_replication_role = replica",
    "drop": "DROP TABLE core_auditevent",
    "become the owner": f"SET ROLE {OWNER}",
    "head update": "UPDATE core_audithead SET seq = 0",
    "head delete": "DELETE FROM core_audithead",
    "head lock": "SELECT * FROM core_audithead FOR UPDATE",
    "head truncate": "TRUNCATE core_audithead",
    "queue read": "SELECT event FROM core_auditpending",
    "queue update": "UPDATE core_auditpending SET last = true",
    "queue delete": "DELETE FROM core_auditpending",
    "queue truncate": "TRUNCATE core_auditpending",
    "queue past the first round": "INSERT INTO core_auditpending (event, last) VALUES ('{}', true)",
    "queue out of turn": "INSERT INTO core_auditpending (id, event) OVERRIDING SYSTEM VALUE VALUES (1, '{}')",
    "append": "SELECT core_audit_append('{}')",
    "replace the function": "CREATE OR REPLACE FUNCTION core_audit_append(event jsonb) RETURNS bigint"
    " LANGUAGE sql AS 'SELECT 1::bigint'",
    "drop the function": "DROP FUNCTION core_audit_append(jsonb) CASCADE",
    "shadow a name": "CREATE TABLE public.mine (id int)",
    "forget a migration": "DELETE FROM django_migrations",
}
BY_TRIGGER = ["update", "delete", "truncate", "upsert", "merge"]


def events(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    found = connection.execute("SELECT * FROM core_auditevent ORDER BY seq").fetchall()
    connection.rollback()
    return found


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_application_role_is_refused(connect: Connect, statement: str) -> None:
    application = connect("default")
    before = events(application)
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement)
    application.rollback()
    assert events(application) == before


@pytest.mark.parametrize("name", BY_TRIGGER)
def test_owner_is_refused_by_the_triggers(connect: Connect, name: str) -> None:
    owner = connect("owner")
    before = events(owner)
    with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
        owner.execute(REFUSED[name])
    owner.rollback()
    assert events(owner) == before


def test_superuser_is_refused_by_the_triggers_too(superuser_connection: psycopg.Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="append-only: DELETE on core_auditevent"):
        superuser_connection.execute("DELETE FROM core_auditevent")


def test_application_role_cannot_grant_itself_anything(connect: Connect) -> None:
    application = connect("default")
    application.execute("GRANT ALL ON core_auditevent TO CURRENT_USER")
    application.commit()
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(REFUSED["update"])


def forged_event(**extra: object) -> str:
    texts = ("action", "outcome", "actor_type", "actor_id", "actor_label", "on_behalf_of", "request_id", "address")
    texts += ("object_type", "object_id", "object_label", "reason")
    return json.dumps(dict.fromkeys(texts, "x") | {"before": {}, "after": {}, "details": {}} | extra)


def test_number_time_and_hash_of_the_caller_are_not_taken(connect: Connect) -> None:
    before = AuditEvent.objects.latest("seq")
    application = connect("default")
    event = forged_event(seq=1000, at="1999-01-01T00:00:00Z", hash="\\x00", prev_hash="\\x00", version=9)
    application.execute("INSERT INTO core_auditpending (event) VALUES (%s)", [event])
    application.commit()
    event = AuditEvent.objects.latest("seq")
    assert (event.seq, event.version, event.action) == (9, 1, "x")
    assert event.at > before.at
    with database_trail() as trail:
        assert verify(trail).breach is None


def test_incomplete_event_fails_the_commit(connect: Connect) -> None:
    application = connect("default")
    application.execute("INSERT INTO core_auditpending (event) VALUES ('{}')")
    with pytest.raises(errors.NotNullViolation):
        application.commit()
    assert AuditEvent.objects.count() == 8


def test_names_of_the_callers_own_schema_do_not_reach_the_function(
    connect: Connect, superuser_connection: psycopg.Connection
) -> None:
    application = connect("default")
    superuser_connection.execute(f"CREATE SCHEMA trap AUTHORIZATION {APP}")
    try:
        application.execute(
            "CREATE FUNCTION trap.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT '\\x00'::bytea $$;"
            "CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz"
            " LANGUAGE sql AS $$ SELECT '1999-01-01'::timestamptz $$;"
            "CREATE TABLE trap.core_auditpending (id int, event jsonb);"
            "GRANT USAGE ON SCHEMA trap TO PUBLIC"
        )
        application.commit()
        application.execute("SET search_path = trap, pg_catalog, public")
        application.execute("INSERT INTO public.core_auditpending (event) VALUES (%s)", [forged_event()])
        application.commit()
    finally:
        application.close()
        superuser_connection.execute("DROP SCHEMA trap CASCADE")
    with database_trail() as trail:
        verdict = verify(trail)
    assert (verdict.events, verdict.breach) == (9, None)
    assert AuditEvent.objects.latest("seq").at.year > 1999
