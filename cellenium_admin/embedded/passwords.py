"""Passwords made once and kept beside a server's data, so that the data can be opened again later."""

import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path


def random_password() -> str:
    """Make a password that needs no quoting in a URL, a configuration file or a protocol line."""
    return secrets.token_hex(24)


def kept(path: Path, makers: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Return the values kept in the file, after making and keeping those it lacks."""
    values = _read(path)
    missing = {name: make() for name, make in makers.items() if name not in values}
    if missing:
        values |= missing
        write_private(path, json.dumps(values, indent=2) + "\n")
    return values


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    values: dict[str, str] = json.loads(path.read_text())
    return values
