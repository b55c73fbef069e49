"""The embedded PostgreSQL, as its users see it."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedServerError


@pytest.fixture
def postgres(place: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(place / "postgres", durable=False)
    server.start()
    yield server
    server.destroy()


def write(url: str, value: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def read(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def test_data_and_passwords_outlive_the_server_and_its_port(place: Path) -> None:
    first = EmbeddedPostgres(place / "postgres")
    first.start()
    write(first.bootstrap("study").owner, 1)
    first.stop()
    assert not first.alive
    second = EmbeddedPostgres(place / "postgres")
    second.start()
    try:
        assert second.port != first.port
        assert read(second.bootstrap("study").owner) == [1]
    finally:
        second.destroy()


def test_the_same_object_starts_again_at_the_same_address(postgres: EmbeddedPostgres) -> None:
    url = postgres.bootstrap("study").owner
    write(url, 1)
    postgres.stop()
    postgres.start()
    assert read(url) == [1]


@pytest.mark.parametrize("role", ["app", "owner", "superuser"])
def test_a_wrong_password_is_refused(postgres: EmbeddedPostgres, role: str) -> None:
    url = getattr(postgres.bootstrap("study"), role)
    wrong = url.replace(urlsplit(url).password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_data_whose_passwords_are_lost_is_reported_and_kept(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    kept = postgres.directory / "passwords.json"
    text = kept.read_text()
    kept.unlink()
    with pytest.raises(EmbeddedServerError, match="passwords"):
        postgres.start()
    kept.write_text(text)
    postgres.start()
    assert scalar(postgres.superuser_url, "SELECT 1") == 1


def test_it_starts_again_after_kill_9_with_committed_data(place: Path) -> None:
    server = EmbeddedPostgres(place / "postgres")
    server.start()
    try:
        url = server.bootstrap("study").owner
        write(url, 7)
        busy = psycopg.connect(url)
        os.kill(server.pid, signal.SIGKILL)
        server.start()
        assert read(url) == [7]
        busy.close()
    finally:
        server.destroy()


def test_a_stale_pid_file_naming_a_living_stranger_does_not_block_the_start(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    pid_file = postgres.directory / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n0\n{postgres.port}\n\n127.0.0.1\n\nready\n")
    os.chown(pid_file, *pid_file.parent.stat()[4:6])
    postgres.start()
    assert scalar(postgres.superuser_url, "SELECT 1") == 1


def test_it_waits_for_data_still_in_use_and_then_says_by_whom(postgres: EmbeddedPostgres, monkeypatch) -> None:
    monkeypatch.setattr("cellenium_admin.embedded.postmaster.Postmaster.wait_for_end.__defaults__", (0.2,))
    with pytest.raises(EmbeddedServerError, match=f"process id {postgres.pid}"):
        EmbeddedPostgres(postgres.directory).start()
    assert scalar(postgres.superuser_url, "SELECT 1") == 1


def test_two_at_once_do_not_meet(postgres: EmbeddedPostgres, place: Path) -> None:
    other = EmbeddedPostgres(place / "other", durable=False)
    other.start()
    try:
        write(other.bootstrap("study").owner, 2)
        write(postgres.bootstrap("study").owner, 1)
        assert read(other.bootstrap("study").owner) == [2]
    finally:
        other.destroy()


def test_it_listens_on_loopback_only_and_makes_no_socket_file(postgres: EmbeddedPostgres) -> None:
    assert scalar(postgres.superuser_url, "SHOW listen_addresses") == "127.0.0.1"
    assert scalar(postgres.superuser_url, "SHOW unix_socket_directories") == ""


def test_text_is_utf8_and_letters_beyond_ascii_are_letters(postgres: EmbeddedPostgres) -> None:
    url = postgres.bootstrap("study").app
    assert scalar(url, "SHOW server_encoding") == "UTF8"
    assert scalar(url, "SELECT upper('zürich')") == "ZÜRICH"


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_a_durable_server_waits_for_the_disk(place: Path, durable: bool, fsync: str) -> None:
    server = EmbeddedPostgres(place / "postgres", durable=durable)
    server.start()
    try:
        names = ("fsync", "full_page_writes", "synchronous_commit")
        assert {scalar(server.superuser_url, f"SHOW {name}") for name in names} == {fsync}
    finally:
        server.destroy()


def test_the_application_role_may_only_use_what_it_is_given(postgres: EmbeddedPostgres) -> None:
    urls = postgres.bootstrap("study")
    for forbidden in ("CREATE TABLE mine (x int)", "CREATE DATABASE mine", "CREATE ROLE mine", "CREATE SCHEMA mine"):
        with (
            psycopg.connect(urls.app, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(forbidden)


def test_another_role_of_the_server_may_not_even_look(postgres: EmbeddedPostgres) -> None:
    url = postgres.bootstrap("study").superuser
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger")
    assert scalar(url, "SELECT has_schema_privilege('stranger', 'public', 'USAGE')") is False
    assert scalar(url, "SELECT has_database_privilege('stranger', 'study', 'CONNECT')") is False


def test_the_owner_makes_databases_only_when_asked_for(postgres: EmbeddedPostgres) -> None:
    owner = postgres.bootstrap("study").owner
    with psycopg.connect(owner, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE extra")
        postgres.bootstrap("study", owner_may_create_databases=True)
        connection.execute("CREATE DATABASE extra")
        postgres.bootstrap("study")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE another")


def test_bootstrap_leaves_existing_data_alone(postgres: EmbeddedPostgres) -> None:
    urls = postgres.bootstrap("study")
    write(urls.owner, 3)
    assert postgres.bootstrap("study") == urls
    assert read(urls.owner) == [3]


def test_secrets_and_log_are_for_their_owner_only(postgres: EmbeddedPostgres) -> None:
    postgres.bootstrap("study")
    for name in ("passwords.json", "postgres.log"):
        assert stat.S_IMODE((postgres.directory / name).stat().st_mode) == 0o600
    for password in (urlsplit(postgres.superuser_url).password, urlsplit(postgres.bootstrap("study").app).password):
        assert password not in Path(f"/proc/{postgres.pid}/cmdline").read_text()
        assert password not in (postgres.directory / "postgres.log").read_text()
    assert not list(postgres.directory.glob("initdb*"))


def test_an_interrupted_initdb_is_not_taken_for_data(place: Path) -> None:
    server = EmbeddedPostgres(place / "postgres", durable=False)
    half = server.directory / "data.new"
    half.mkdir(parents=True)
    server.directory.chmod(0o755)
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    try:
        assert scalar(server.superuser_url, "SELECT 1") == 1
        assert not half.exists()
    finally:
        server.destroy()


def test_destroy_leaves_nothing_and_may_be_called_without_a_start(place: Path) -> None:
    server = EmbeddedPostgres(place / "postgres", durable=False)
    server.destroy()
    server.start()
    EmbeddedPostgres(place / "never").destroy()
    server.destroy()
    assert not list(place.iterdir())


def test_a_failed_start_shows_the_log_and_leaves_no_process(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    configuration = postgres.directory / "data" / "postgresql.conf"
    configuration.write_text(configuration.read_text() + "\nnonsense = on\n")
    began = time.monotonic()
    with pytest.raises(EmbeddedServerError, match="nonsense") as caught:
        postgres.start()
    assert str(postgres.directory / "postgres.log") in str(caught.value)
    assert time.monotonic() - began < 5
    assert not postgres.alive
