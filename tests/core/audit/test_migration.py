"""The SQL of migration 0002 can be taken back and done again."""

import re
from importlib import import_module

import psycopg
import pytest

pytestmark = pytest.mark.django_db(transaction=True)

SQL = import_module("cellenium_admin.core.migrations.0002_audit_trail").SQL
LEFT = """
    SELECT proname FROM pg_proc WHERE proname LIKE 'core\\_audit%'
    UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'core\\_audit%'
"""


def test_reverse_leaves_nothing_and_forward_works_again(superuser_connection: psycopg.Connection) -> None:
    with superuser_connection.transaction(force_rollback=True):
        before = superuser_connection.execute(LEFT).fetchall()
        superuser_connection.execute((SQL / "audit_trail_reverse.sql").read_text())
        assert superuser_connection.execute(LEFT).fetchall() == []
        assert superuser_connection.execute(
            "SELECT relpersistence FROM pg_class WHERE relname = 'core_auditpending'"
        ).fetchone() == ("p",)
        superuser_connection.execute((SQL / "audit_trail.sql").read_text())
        assert sorted(superuser_connection.execute(LEFT).fetchall()) == sorted(before)


def test_every_name_made_is_qualified() -> None:
    text = re.sub(r"--.*", "", (SQL / "audit_trail.sql").read_text())
    assert re.findall(r"(?:ON|FROM|INTO|UPDATE|TABLE|FUNCTION) (core_\w+)", text) == []
