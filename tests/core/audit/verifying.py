"""`audit verify` as people and as programs run it."""

import io
import json
from typing import Any

from django.core.management import call_command


def run(*arguments: Any) -> tuple[int, str]:
    """Verify; give exit code and output."""
    out = io.StringIO()
    try:
        call_command("audit", "verify", *map(str, arguments), stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue().strip()
    return 0, out.getvalue().strip()


def failures(*arguments: Any) -> list[str]:
    """Verify, and give what is wrong without what every line begins with."""
    code, printed = run(*arguments)
    assert code == 1
    return [line.removeprefix("audit verify: FAILED at seq ") for line in printed.splitlines()]


def kinds(*arguments: Any) -> list[tuple[int, str]]:
    """Verify as a program does, and give where and how it is broken."""
    code, printed = run(*arguments, "--json")
    found = json.loads(printed)
    assert (code, found["ok"]) == (1, False)
    assert {name: found[name] for name in ("seq", "kind", "explanation")} == found["breaches"][0]
    return [(breach["seq"], breach["kind"]) for breach in found["breaches"]]
