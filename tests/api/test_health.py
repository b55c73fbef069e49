"""What a load balancer asks."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from cellenium_admin import health


def test_live_asks_nobody(client: Client, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


def test_ready_when_all_is_there(client: Client, db: None) -> None:
    response = client.get("/health/ready")
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "redis": "ok"}}
    assert response.status_code == 200


def test_not_ready_without_redis(client: Client, db: None, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "migrations": "ok", "redis": "unavailable"}


def test_not_ready_before_the_migrations(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = MigrationRecorder(connection).applied_migrations()
    kept = {key: value for key, value in applied.items() if key != ("studies", "0004_parts_markers_annotations")}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: kept)
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["checks"]["migrations"]) == (503, "missing")


def test_not_ready_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def __getattr__(self, name: str) -> object:
            raise health.DatabaseError("gone")

    monkeypatch.setattr(health, "connection", Gone())
    monkeypatch.setattr(health, "_redis", lambda: "ok")
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "unavailable"
    assert b"gone" not in response.content


def test_only_reading(client: Client) -> None:
    assert client.post("/health/live").status_code == 405
