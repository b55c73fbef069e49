"""A test database per worker: made by the superuser, migrated by the owner, used by the application's role."""

import functools
import os

import psycopg
from psycopg import sql

from cellenium_admin.embedded.roles import create_database, with_database

KEPT = ("django_migrations", "django_content_type", "core_audithead")


def superuser_url(name: str) -> str:
    return with_database(os.environ["CELLENIUM_TEST_SUPERUSER_URL"], name)


def create_test_database(name: str) -> None:
    drop_test_database(name)
    create_database(superuser_url("postgres"), name)


def drop_test_database(name: str) -> None:
    if superuser.cache_info().currsize:
        superuser(name).close()
        superuser.cache_clear()
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@functools.cache
def superuser(name: str) -> psycopg.Connection:
    """Keep one connection open: a reset after every committing test must cost milliseconds."""
    return psycopg.connect(superuser_url(name), autocommit=True)


def reset(name: str) -> None:
    """Empty every table, the trail included, which only the owner of its triggers can do."""
    connection = superuser(name)
    tables = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)", [list(KEPT)]
    ).fetchall()
    names = sql.SQL(", ").join(sql.Identifier(table) for (table,) in tables)
    with connection.transaction():
        connection.execute("ALTER TABLE core_auditevent DISABLE TRIGGER USER")
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
        connection.execute("ALTER TABLE core_auditevent ENABLE TRIGGER USER")
        connection.execute("UPDATE core_audithead SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
