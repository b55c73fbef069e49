"""A principal with a grant that the product has made, and the client as they run it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.grants.conftest import actor, curator, fast
from tests.grants.failures.conftest import World, stack, world
from tests.sandbox.conftest import put_right
from tests.support.clients import Terminal
from tests.support.gateway import aws_environment, gateway
from tests.support.sandbox import aws, sandbox

__all__ = ["actor", "aws", "aws_environment", "curator", "fast", "gateway", "put_right", "sandbox", "stack", "world"]
CLIENT = Path(__file__).resolve().parents[2] / "clients" / "cellenium_access"


@dataclass(frozen=True)
class Reader:
    """Somebody who was given an access key and a grant."""

    world: World
    home: Path
    variables: Mapping[str, str]

    @property
    def scope(self) -> str:
        return f"{self.world.stack.scope}data/*"

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the client as a program of its own, with a home of its own."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), **self.variables, **more}
        return subprocess.run(
            [sys.executable, str(CLIENT), *words],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def good(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def told(self, *words: str) -> Any:
        return json.loads(self.good(*words))

    def terminal(self) -> Terminal:
        return Terminal(self.home, self.variables)


@pytest.fixture
def reader(world: World, tmp_path: Path) -> Reader:
    world.given("data/*", permission="READWRITE")
    key, _ = world.aws.iam.create_key(world.principal.name)
    world.stack.aws("s3").put_object(Bucket=world.stack.bucket, Key="data/one", Body=b"one")
    world.stack.aws("s3").put_object(Bucket=world.stack.bucket, Key="other/two", Body=b"two")
    credentials = {"AccessKeyId": key.id, "SecretAccessKey": key.secret.reveal()}
    return Reader(world, tmp_path, world.stack.aws.sandbox.environment(credentials))
