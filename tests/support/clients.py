"""Clients of AWS that know nothing of the sandbox: the AWS CLI, a shell, a program with the official plugin."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
CLI = ROOT / ".venv-awscli" / "bin"
PROGRAM = ROOT / "tests" / "sandbox" / "clients" / "program_with_plugin.py"


class Terminal:
    """A shell with the AWS CLI: the given variables, a home of its own, and nothing else."""

    def __init__(self, home: Path, variables: Mapping[str, str]) -> None:
        self.home = home
        self.variables = {"PATH": f"{CLI}:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", **variables}

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command line in the home directory."""
        return subprocess.run(
            ["bash", "-c", command],
            env=self.variables,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def good(self, command: str) -> str:
        """Run a command line that works, and give what it wrote."""
        done = self.type(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def told(self, command: str) -> Any:
        """Run a command line that works, and give the JSON it wrote."""
        return json.loads(self.good(command))

    def refused(self, command: str) -> str:
        """Run a command line that fails, and give what it complained of."""
        done = self.type(command)
        assert done.returncode != 0, f"{command} worked:\n{done.stdout}"
        return done.stderr + done.stdout

    def with_(self, credentials: Mapping[str, str]) -> "Terminal":
        """Give a terminal with the credentials AWS handed out."""
        names = {
            "AWS_ACCESS_KEY_ID": "AccessKeyId",
            "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
            "AWS_SESSION_TOKEN": "SessionToken",
        }
        exported = {name: credentials[member] for name, member in names.items() if member in credentials}
        kept = {name: value for name, value in self.variables.items() if name not in names}
        return Terminal(self.home, kept | exported)


class ProgramWithPlugin:
    """The user's program, running; each call is one line to it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={"PATH": "/usr/bin:/bin", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=20)

    def does(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation of its S3 client: {"answer": ...} or {"error": code}."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([operation, parameters]) + "\n")
        self._process.stdin.flush()
        outcome = json.loads(self._process.stdout.readline())
        assert isinstance(outcome, dict)
        return outcome
