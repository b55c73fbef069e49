"""The roles and databases the application expects: an owner that migrates, and a role that only uses."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER = "cellenium_owner"
APP = "cellenium_app"


@dataclass(frozen=True)
class DatabaseUrls:
    """The addresses of one database for each of the roles, passwords included."""

    app: str
    owner: str
    superuser: str


def with_database(url: str, name: str) -> str:
    """Return the same server's address for another database."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", "", ""))


def create_role(superuser_url: str, role: str, password: str, *, may_create_databases: bool = False) -> None:
    """Make a role that may log in and nothing else, or bring an existing one back to that."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS {} PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"),
                sql.Identifier(role),
                sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB"),
                sql.Literal(password),
            )
        )


def create_database(superuser_url: str, name: str) -> None:
    """Make a database of the owner's in which the application's role may connect, and look at `public`."""
    database, owner, app = sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(APP)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(database, owner, app))
    with psycopg.connect(with_database(superuser_url, name), autocommit=True) as connection:
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(app))
        connection.execute(sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(owner))
