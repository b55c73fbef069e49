"""The `access` command, typed in this process against the sandbox, in a bucket of its own."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from grants.aws.gateway import Aws
from tests.support.sandbox import Aws as Sandbox


@dataclass(frozen=True)
class Typed:
    """What a command printed, what it told beside that, and its exit code."""

    output: str
    told: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.output)


class Terminal:
    """Types commands."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def type(self, *words: str) -> Typed:
        output, told = io.StringIO(), io.StringIO()
        try:
            call_command("access", *words, stdout=output, stderr=told)
        except CommandError as error:
            return Typed(output.getvalue(), f"{told.getvalue()}{error}", error.returncode)
        except SystemExit as exit_:
            return Typed(output.getvalue(), told.getvalue(), int(exit_.code or 0))
        return Typed(output.getvalue(), told.getvalue(), 0)

    def good(self, *words: str) -> Typed:
        typed = self.type(*words)
        assert typed.code == 0, typed
        return typed

    def told(self, *words: str) -> Any:
        """Type a command for programs and give what it printed."""
        return self.good(*words, "--output", "json").json


@pytest.fixture
def terminal(aws: Sandbox, gateway: Aws, settings: Any) -> Terminal:
    bucket = aws.name("data")
    settings.H5AD_STORE = f"s3://{bucket}"
    settings.UPLOADER_GROUP = aws.name("group")
    return Terminal(bucket)


@pytest.fixture
def up(terminal: Terminal) -> Terminal:
    terminal.good("up", "--yes")
    return terminal
