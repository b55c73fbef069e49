"""docs/sandbox.md, typed into a shell: what it shows works, and what it says is refused is refused."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.clients import ROOT, Terminal

PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
REFUSED = re.compile(r"^(?P<command>.*\S) +# (?P<code>AccessDenied|Forbidden)$")


def commands(heading: str) -> list[str]:
    """Give the indented lines of a section, with what continues a command in one piece."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.removeprefix("    ") for line in section.splitlines() if line.startswith("    ")]
    found: list[str] = []
    for line in lines:
        if line.startswith("  ") and found:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def checked(command: str) -> str:
    """Turn a command that the page says is refused into one that works only when it is."""
    if not (match := REFUSED.match(command)):
        return command
    return f"if {match['command']} 2> refusal; then exit 9; fi; grep {match['code']} refusal"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory as in a clone, with a sandbox of its own."""
    sandbox = EmbeddedSandbox(tmp_path / ".sandbox")
    sandbox.start()
    shutil.copy(ROOT / "README.md", tmp_path)
    try:
        yield tmp_path
    finally:
        sandbox.stop()


@pytest.mark.slow
def test_what_the_page_tells_to_type_works(directory: Path) -> None:
    typed = [line for line in commands("Two minutes") if not line.startswith(".venv/bin/python")]
    typed += commands("Clients")
    assert len([line for line in typed if REFUSED.match(line)]) == 5
    assert len(typed) > 20
    script = "\n".join(["set -e", *map(checked, typed)])
    Terminal(directory, {}).good(script)


@pytest.mark.slow
def test_what_turns_it_can_be_typed(directory: Path) -> None:
    typed = [line for line in commands("Clock, lags, faults") if not line.startswith("alias")]
    assert len(typed) == 8
    sandbox = f'sandbox() {{ (cd {ROOT} && {sys.executable} -m grants.sandbox --state {directory}/.sandbox "$@"); }}'
    Terminal(directory, {}).good("\n".join(["set -e", sandbox, *typed]))
