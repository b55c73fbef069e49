"""Checks of PostgreSQL: the two roles, the schema, and what keeps the trail from being changed."""

from collections.abc import Iterator

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from cellenium_admin.core.services import privileges
from cellenium_admin.core.services.setup_findings import Finding, doubtful, good, wrong

OWNER = "owner"
OWNS_TRAIL = """
    SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class
    WHERE oid = to_regclass(%s)
"""
SEPARATE_ROLES = (
    "Let the application log in by CELLENIUM_DATABASE_URL as a role that owns nothing, and run `migrate` with "
    "CELLENIUM_DATABASE_OWNER_URL; see docs/operations.md."
)


def database_findings() -> Iterator[Finding]:
    """Check the application's role, then, if it gets in, the schema and the trail; last the owner's role."""
    try:
        role = _role(DEFAULT_DB_ALIAS)
    except DatabaseError as error:
        yield wrong("database", f"CELLENIUM_DATABASE_URL: {_sentence(error)}", "Start the server or mend the URL.")
        return
    yield good("database", f"The application is logged in as {role}.")
    missing = _missing_migrations()
    if missing:
        detail = f"{len(missing)} not applied, the first is {missing[0]}."
        yield wrong("migrations", detail, "Run `migrate`, with CELLENIUM_DATABASE_OWNER_URL set.")
    else:
        yield good("migrations", "All are applied.")
        yield from _trail()
    yield _owner(role)


def _role(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def _missing_migrations() -> list[str]:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _trail() -> Iterator[Finding]:
    weaknesses = privileges.weaknesses()
    for weakness in weaknesses:
        yield wrong("trail", weakness, SEPARATE_ROLES)
    if not weaknesses:
        yield good("trail", "The application's role can read and append, nothing else; the triggers are on.")


def _owner(application_role: str) -> Finding:
    if OWNER not in settings.DATABASES:
        return good("owner", "CELLENIUM_DATABASE_OWNER_URL is not set here; only the host that migrates needs it.")
    try:
        role = _role(OWNER)
        owns_trail = _owns_trail()
    except DatabaseError as error:
        remedy = "Mend the URL, or leave it out where nobody migrates."
        return wrong("owner", f"CELLENIUM_DATABASE_OWNER_URL: {_sentence(error)}", remedy)
    if role == application_role:
        return wrong("owner", f"Both URLs log in as {role}.", SEPARATE_ROLES)
    if not owns_trail:
        return wrong("owner", f"{role} does not own the trail.", "Log in as the role that made the tables.")
    detail = f"{role} owns the tables; its URL is set on this host."
    return doubtful("owner", detail, "Set it for `migrate` only: whoever holds it can switch the trail's triggers off.")


def _owns_trail() -> bool:
    with connections[OWNER].cursor() as cursor:
        cursor.execute(OWNS_TRAIL, [f"{privileges.SCHEMA}.{privileges.EVENTS}"])
        row = cursor.fetchone()
    return row is None or bool(row[0])  # before the first migration there is nothing to own


def _sentence(error: DatabaseError) -> str:
    return " ".join(str(error).split())
