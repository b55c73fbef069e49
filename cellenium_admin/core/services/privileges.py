"""What the application's database role may do: use every table, and of the trail only read and append."""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

SCHEMA = "public"
EVENTS, HEAD, PENDING, MIGRATIONS = "core_auditevent", "core_audithead", "core_auditpending", "django_migrations"
TRIGGERS = {
    "core_audit_stage",
    "core_audit_commit",
    "core_audit_refuse_change",
    "core_audit_refuse_truncate",
}
OWN_RELATIONS = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = ANY(%s) AND pg_get_userbyid(c.relowner) = current_user
    ORDER BY c.relname
"""
TABLES, SEQUENCES = ["r", "p", "v", "m"], ["S"]


def application_role() -> str:
    """Name the role the application logs in as; empty when the settings leave it to the environment."""
    return str(settings.DATABASES[DEFAULT_DB_ALIAS].get("USER") or "")


def grant_application_role(*, using: str) -> bool:
    """Give the application's role exactly its rights, as the owner of the tables; False when there is no such role.

    Safe to repeat; the role never lacks a right in between, since all of it is one transaction.
    """
    role = application_role()
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        if not _is_other_role(cursor, role):
            return False
        _grant_use(cursor, role)
        _restrict_trail(cursor, role)
    return True


def weaknesses(*, using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Say, as the application's role, what would let it change the trail; an empty list is as it should be."""
    with connections[using].cursor() as cursor:
        cursor.execute(WEAKNESSES, {"events": EVENTS, "head": HEAD, "pending": PENDING, "schema": SCHEMA})
        found = [text for (text,) in cursor.fetchall()]
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = ANY(%s::regclass[]) AND tgenabled IN ('O', 'A')",
            [[EVENTS, PENDING]],
        )
        missing = TRIGGERS - {name for (name,) in cursor.fetchall()}
    return found + [f"The trigger {name} is missing or switched off; run migrate." for name in sorted(missing)]


WEAKNESSES = """
    WITH trail AS (
        SELECT oid, relname, relowner FROM pg_class
        WHERE relnamespace = %(schema)s::regnamespace AND relname IN (%(events)s, %(head)s, %(pending)s)
    )
    SELECT 'The role ' || current_user || ' is a superuser.' FROM pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL
    SELECT 'The role ' || current_user || ' owns ' || relname || ', or belongs to the role that does.'
        FROM trail WHERE pg_has_role(current_user, relowner, 'MEMBER')
    UNION ALL
    SELECT 'The role ' || current_user || ' has the right ' || privilege || ' on ' || relname || '.'
        FROM trail, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
        WHERE has_table_privilege(oid, privilege)
    UNION ALL
    SELECT 'The role ' || current_user || ' may create objects in the schema ' || %(schema)s || '.'
        WHERE has_schema_privilege(%(schema)s, 'CREATE')
"""


def _is_other_role(cursor: CursorWrapper, role: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [role])
    return cursor.fetchone() is not None


def _grant_use(cursor: CursorWrapper, role: str) -> None:
    """Grant what the ORM needs on all tables of ours, and of those to come; nothing that changes their definition."""
    cursor.execute(_statement("GRANT USAGE ON SCHEMA {schema} TO {role}", role))
    for name in _own(cursor, TABLES):
        cursor.execute(_statement("REVOKE ALL ON {name} FROM {role}", role, name))
        rights = "SELECT" if name == MIGRATIONS else "SELECT, INSERT, UPDATE, DELETE"
        cursor.execute(_statement(f"GRANT {rights} ON {{name}} TO {{role}}", role, name))
    for name in _own(cursor, SEQUENCES):
        cursor.execute(_statement("GRANT USAGE ON SEQUENCE {name} TO {role}", role, name))
    defaults = "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT "
    cursor.execute(_statement(defaults + "SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}", role))
    cursor.execute(_statement(defaults + "USAGE ON SEQUENCES TO {role}", role))


def _restrict_trail(cursor: CursorWrapper, role: str) -> None:
    """Leave reading of the trail, and one column of the queue to write to."""
    for name in (EVENTS, HEAD, PENDING):
        cursor.execute(_statement("REVOKE ALL ON {name} FROM {role}", role, name))
    for name in (EVENTS, HEAD):
        cursor.execute(_statement("GRANT SELECT ON {name} TO {role}", role, name))
    cursor.execute(_statement("GRANT INSERT (event) ON {name} TO {role}", role, PENDING))


def _own(cursor: CursorWrapper, kinds: list[str]) -> list[str]:
    """List relations this role made; others, such as an extension's views, are not its to grant."""
    cursor.execute(OWN_RELATIONS, [SCHEMA, kinds])
    return [name for (name,) in cursor.fetchall()]


def _statement(template: str, role: str, name: str = "") -> Any:
    return sql.SQL(template).format(
        schema=sql.Identifier(SCHEMA), role=sql.Identifier(role), name=sql.Identifier(SCHEMA, name or SCHEMA)
    )
