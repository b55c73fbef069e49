"""Fixtures every test may use."""

import urllib.request
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from tests.support.database import create_test_database, drop_test_database, superuser

# The first `urlopen` of a process keeps the proxies it finds for good, and some tests have some for a while.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))


@pytest.fixture(scope="session")
def django_db_setup(worker_id: str, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Replace pytest-django's own: the application's role may not create databases, nor migrate."""
    name = f"test_cellenium_{worker_id}"
    with django_db_blocker.unblock():
        create_test_database(name)
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
    yield
    with django_db_blocker.unblock():
        for alias in ("default", "owner"):
            connections[alias].close()
        drop_test_database(name)


@pytest.fixture
def superuser_connection(db: None) -> psycopg.Connection:
    """A superuser of the test database: what a malicious administrator of PostgreSQL is."""
    return superuser(connections["default"].settings_dict["NAME"])


@pytest.fixture(autouse=True)
def private_directories(settings: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give each test its own h5ad store, expression stores and scratch space, outside of its `tmp_path`."""
    base = tmp_path_factory.mktemp("cellenium")
    for name in ("H5AD_STORE", "STORE_DIR", "SCRATCH_DIR"):
        directory = base / name.lower()
        directory.mkdir()
        setattr(settings, name, str(directory) if name == "H5AD_STORE" else directory)
