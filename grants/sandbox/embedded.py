"""A sandbox as a process of its own that ends with the process that started it, for demos and tests."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cellenium_admin.embedded import EmbeddedServerError, ServerProcess
from cellenium_admin.embedded.ports import LOOPBACK, kept_ports
from grants.sandbox import seeds
from grants.sandbox.clients import make_client
from grants.sandbox.control_client import SandboxControl, SandboxControlError
from grants.sandbox.environment import client_environment, root_credentials
from grants.sandbox.world import DEFAULT_ACCOUNT, DEFAULT_REGION

_PACKAGES = Path(__file__).resolve().parents[2]
# What this process says to its own clients must not reach the sandbox's.
_STRANGE = ("AWS_", "CELLENIUM_", "DJANGO_", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")


class EmbeddedSandbox:
    """A local AWS on loopback; what it holds stays in `directory`, and so does its port unless one is given."""

    def __init__(self, directory: Path, *, port: int | None = None, seed: str | None = None) -> None:
        """Prepare a sandbox; `seed` names what is put into it when it starts."""
        self.directory = directory.resolve()
        self.account, self.region = DEFAULT_ACCOUNT, DEFAULT_REGION
        self._port, self._seed = port, seed
        self._process: ServerProcess | None = None

    @property
    def port(self) -> int:
        """Return its port, known from the start on unless it was given."""
        if self._port is None:
            raise RuntimeError("The sandbox has no port before its first start: call start().")
        return self._port

    @property
    def endpoint_url(self) -> str:
        """Return the address of all its services."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        """Return the process id of the front."""
        return self._process.pid if self._process else None

    @property
    def root(self) -> dict[str, str]:
        """Return the keys of the account's root: access_key_id and secret_access_key."""
        return root_credentials(self.directory)

    @property
    def users(self) -> dict[str, dict[str, str]]:
        """Return the keys of the users that the seed has made, by user name."""
        return seeds.kept_keys(self.directory)

    @property
    def control(self) -> SandboxControl:
        """Return what turns clock, lags and faults. Raises SandboxControlError when the sandbox does not run."""
        return SandboxControl.of(self.directory)

    def environment(self, credentials: Mapping[str, str] | None = None) -> dict[str, str]:
        """Give the variables for a client, with the root's keys unless others are given."""
        return client_environment(self.endpoint_url, region=self.region, credentials=credentials or self.root)

    def client(
        self, service: str, credentials: Mapping[str, str] | None = None, *, config: Config | None = None
    ) -> Any:
        """Make a boto3 client that tries once, with the root's keys unless others are given."""
        return make_client(service, self.environment(credentials), config)

    def start(self) -> None:
        """Start it, again if it runs, and return when all services answer and the seed is in place."""
        self.stop()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._port = self._port or self._kept_port()
        self._process = ServerProcess(
            [sys.executable, "-m", "grants.sandbox", "--port", str(self._port), "--state", self.directory],
            log=self.directory / "sandbox.log",
            env={name: value for name, value in os.environ.items() if not name.startswith(_STRANGE)},
            cwd=_PACKAGES,
            ready=self._answers,
            death_signal=signal.SIGKILL,  # its SeaweedFS goes with it; whatever was acknowledged is on disk
        )
        self._process.start()
        try:
            if self._seed:
                seeds.apply(self._seed, variables=self.environment(), directory=self.directory)
        except BaseException as error:
            self.stop()
            if isinstance(error, BotoCoreError | ClientError):
                log = self.directory / "sandbox.log"
                raise EmbeddedServerError(f"The seed {self._seed} was refused: {error}. See {log}.") from error
            raise

    def stop(self) -> None:
        """End it; what it holds is kept."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _kept_port(self) -> int:
        return kept_ports(self.directory / "ports.json", ["front"], twin_offset=0)["front"]

    def _answers(self) -> bool:
        """A control file that a killed process left, or that another writes, counts as none."""
        try:
            written_by = json.loads((self.directory / "control.json").read_text())["pid"]
            self.control.health()
        except (SandboxControlError, FileNotFoundError):
            return False
        return bool(written_by == self.pid)
