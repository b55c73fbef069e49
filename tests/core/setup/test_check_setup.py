"""`check_setup` against real servers: silent about what is right, and each thing that is wrong is named."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from django.core.management import call_command
from django.db import connections
from pytest_django import Settings

from cellenium_admin.core.services import setup_checks, setup_database
from cellenium_admin.core.services.setup_findings import Finding, State
from cellenium_admin.embedded.ports import free_port
from tests.support.worker import make_worker, running


@pytest.fixture(autouse=True)
def short_wait_for_workers(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "slow" not in request.keywords:
        monkeypatch.setattr(setup_checks, "TIMEOUT_SECONDS", 0.2)


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in setup_checks.findings()}


def failed() -> set[str]:
    return {name for name, finding in found().items() if finding.state is State.FAILED}


@pytest.mark.django_db(databases=["default", "owner"])
def test_all_is_well_here_but_for_the_workers_nobody_started() -> None:
    findings = found()
    assert {name: finding.state for name, finding in findings.items()} == {
        **dict.fromkeys(findings, State.OK),
        "checkpoints": State.WARNING,
        "owner": State.WARNING,
        "workers": State.WARNING,
    }
    assert {"database", "migrations", "trail", "redis", "redis memory", "h5ad store", "store dir"} <= findings.keys()


@pytest.mark.django_db(databases=["default", "owner"])
def test_whatever_is_not_well_says_what_to_do(settings: Settings) -> None:
    settings.SECRET_KEY = "short"
    settings.H5AD_STORE = "/nowhere"
    assert all(finding.remedy for finding in found().values() if finding.state is not State.OK)


@pytest.mark.django_db(databases=["default", "owner"])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_command_ends_with_1_when_something_is_wrong(options: list[str], settings: Settings) -> None:
    output = io.StringIO()
    call_command("check_setup", *options, stdout=output)
    settings.SECRET_KEY = "short"
    with pytest.raises(SystemExit) as end:
        call_command("check_setup", *options, stdout=output)
    assert end.value.code == 1
    assert "CELLENIUM_SECRET_KEY has 5 characters" in output.getvalue()


@pytest.mark.django_db(databases=["default", "owner"])
def test_json_is_for_programs() -> None:
    output = io.StringIO()
    call_command("check_setup", "--json", stdout=output)
    answer = json.loads(output.getvalue())
    assert {"name": "debug", "state": "ok", "detail": "Off.", "remedy": ""} in answer


@contextmanager
def application_connects_with(**changes: object) -> Iterator[None]:
    """Let the application's connection be another one for a while."""
    here = connections["default"]
    here.close()
    kept = {name: here.settings_dict[name] for name in changes}
    here.settings_dict.update(changes)
    try:
        yield
    finally:
        here.close()
        here.settings_dict.update(kept)


def failures_as(variable: str) -> dict[str, str]:
    """What is said when the application logs in as the role of another URL."""
    url = urlsplit(os.environ[variable])
    with application_connects_with(USER=url.username, PASSWORD=url.password):
        findings = [finding for finding in setup_database.database_findings() if finding.state is State.FAILED]
    return {name: " ".join(f.detail for f in findings if f.name == name) for name in {f.name for f in findings}}


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_application_must_not_own_the_trail() -> None:
    wrong = failures_as("CELLENIUM_DATABASE_OWNER_URL")
    assert "The role cellenium_owner owns core_auditevent" in wrong["trail"]
    assert wrong["owner"] == "Both URLs log in as cellenium_owner."


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_application_must_not_be_a_superuser() -> None:
    assert "is a superuser" in failures_as("CELLENIUM_TEST_SUPERUSER_URL")["trail"]


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_right_to_change_the_trail_is_found(superuser_connection: psycopg.Connection) -> None:
    superuser_connection.execute("GRANT UPDATE ON core_auditevent TO cellenium_app")
    try:
        assert "has the right UPDATE on core_auditevent" in found()["trail"].detail
    finally:
        superuser_connection.execute("REVOKE UPDATE ON core_auditevent FROM cellenium_app")


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_trigger_switched_off_is_found(superuser_connection: psycopg.Connection) -> None:
    superuser_connection.execute("ALTER TABLE core_auditevent DISABLE TRIGGER core_audit_refuse_change")
    try:
        assert "core_audit_refuse_change is missing or switched off" in found()["trail"].detail
    finally:
        superuser_connection.execute("ALTER TABLE core_auditevent ENABLE TRIGGER core_audit_refuse_change")


@pytest.mark.django_db(databases=["default", "owner"])
def test_missing_migration_is_named_and_the_trail_left_alone(superuser_connection: psycopg.Connection) -> None:
    row = superuser_connection.execute(
        "DELETE FROM django_migrations WHERE app = 'sessions' RETURNING app, name, applied"
    ).fetchone()
    try:
        findings = found()
    finally:
        superuser_connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row)
    assert findings["migrations"].detail == "1 not applied, the first is sessions.0001_initial."
    assert "trail" not in findings


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_database_away() -> None:
    with application_connects_with(PORT=free_port()):
        findings = list(setup_database.database_findings())
    assert [(finding.name, finding.state) for finding in findings] == [("database", State.FAILED)]
    assert "refused" in findings[0].detail


@pytest.mark.django_db(databases=["default", "owner"])
def test_redis_away(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    findings = found()
    assert findings["redis"].state is State.FAILED
    assert not findings.keys() & {"redis memory", "workers"}


@pytest.mark.django_db(databases=["default", "owner"])
def test_redis_that_forgets_when_full(settings: Settings) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert "allkeys-lru" in found()["redis memory"].detail
            assert failed() == {"redis memory"}
        finally:
            client.config_set("maxmemory-policy", "noeviction")


@pytest.mark.django_db(databases=["default", "owner"])
def test_places_that_are_not_there(settings: Settings, tmp_path: Path) -> None:
    settings.H5AD_STORE = str(tmp_path / "away")
    settings.STORE_DIR = tmp_path / "nowhere"
    settings.SCRATCH_DIR = tmp_path / "nowhere"
    assert failed() == {"h5ad store", "store dir", "scratch dir"}


@pytest.mark.django_db(databases=["default", "owner"])
def test_broker_must_wait_longer_than_a_task_may_run(settings: Settings) -> None:
    settings.IMPORT_TIME_LIMIT = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert failed() == {"time limits"}


@pytest.mark.django_db(databases=["default", "owner"])
def test_debug_is_for_development_only(settings: Settings) -> None:
    settings.DEBUG = True
    assert failed() == {"debug"}
    settings.SETTINGS_MODULE = "cellenium_admin.settings.development"
    assert not failed()


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_a_worker_that_answers_is_named(tmp_path: Path) -> None:
    with running(make_worker(tmp_path)):
        assert found()["workers"].detail == "worker@test answered."
