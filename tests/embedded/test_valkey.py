"""The embedded Valkey, as its users see it."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from cellenium_admin.embedded import EmbeddedServerError, EmbeddedValkey


@pytest.fixture
def valkey(place: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(place / "a directory with 'quotes\"")
    server.start()
    yield server
    server.stop()


def client(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_data_and_password_outlive_the_server_and_its_port(valkey: EmbeddedValkey) -> None:
    with client(valkey) as connection:
        connection.set("kept", "1")
    valkey.stop()
    assert not valkey.alive
    second = EmbeddedValkey(valkey.directory)
    second.start()
    try:
        assert urlsplit(second.url).password == urlsplit(valkey.url).password
        with client(second) as connection:
            assert connection.get("kept") == "1"
    finally:
        second.stop()


def test_it_starts_again_after_kill_9(valkey: EmbeddedValkey) -> None:
    with client(valkey) as connection:
        connection.set("kept", "1")
        os.kill(valkey.pid, signal.SIGKILL)
    valkey.start()
    with client(valkey) as connection:
        assert connection.get("kept") == "1"


def test_without_durability_nothing_is_written(place: Path) -> None:
    server = EmbeddedValkey(place / "valkey", durable=False)
    server.start()
    with client(server) as connection:
        connection.set("lost", "1")
    server.stop()
    assert {path.name for path in server.directory.iterdir()} == {"passwords.json", "valkey.conf", "valkey.log"}


@pytest.mark.parametrize("credentials", ["", ":wrong@"])
def test_a_missing_or_wrong_password_is_refused(valkey: EmbeddedValkey, credentials: str) -> None:
    with (
        redis.Redis.from_url(f"redis://{credentials}127.0.0.1:{valkey.port}/0") as connection,
        pytest.raises((redis.exceptions.AuthenticationError, redis.exceptions.ResponseError)),
    ):
        connection.ping()


def test_a_full_memory_refuses_rather_than_forgets_and_only_loopback_is_served(valkey: EmbeddedValkey) -> None:
    with client(valkey) as connection:
        assert connection.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert connection.config_get("bind")["bind"] == "127.0.0.1"


def test_the_password_is_in_private_files_only(valkey: EmbeddedValkey) -> None:
    password = urlsplit(valkey.url).password
    assert password not in Path(f"/proc/{valkey.pid}/cmdline").read_text()
    assert password not in Path(f"/proc/{valkey.pid}/environ").read_text()
    for path in valkey.directory.rglob("*"):
        if path.is_file() and password in path.read_text(errors="replace"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_at_once_do_not_meet(valkey: EmbeddedValkey, place: Path) -> None:
    other = EmbeddedValkey(place / "other", durable=False)
    other.start()
    try:
        with client(valkey) as first, client(other) as second:
            first.set("mine", "1")
            assert second.get("mine") is None
    finally:
        other.stop()


def test_a_taken_port_is_an_error_and_not_somebody_elses_server(valkey: EmbeddedValkey, place: Path) -> None:
    other = EmbeddedValkey(place / "other", port=valkey.port, durable=False)
    with pytest.raises(EmbeddedServerError, match="in use"):
        other.start()
    assert not other.alive
    assert valkey.alive
