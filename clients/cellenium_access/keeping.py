"""Small private files: never readable for others, not even for a moment, and never followed elsewhere."""

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any, Dict, Optional

MOST_BYTES = 256 * 1024
# Windows knows neither links of this kind nor numbers of users.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
OWN_ID = os.getuid() if hasattr(os, "getuid") else None


def cache_directory() -> Path:
    """Give where credentials are kept while they last."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cellenium-access"


def config_directory() -> Path:
    """Give where logins are kept."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA") or Path.home() / ".config"
    return Path(base) / "cellenium-access"


def read(place: Path) -> Optional[Dict[str, Any]]:
    """Give the JSON object in a file that is ours alone; None for anything else."""
    try:
        handle = os.open(place, os.O_RDONLY | NO_FOLLOW)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as stream:
        facts = os.fstat(stream.fileno())
        if OWN_ID is not None and _is_open(facts):
            return None
        try:
            found = json.loads(stream.read(MOST_BYTES).decode())
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def write(place: Path, content: Dict[str, Any]) -> None:
    """Put a file in the place of another; raises OSError."""
    own_directory(place.parent)
    new = place.with_name(f".{secrets.token_hex(8)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream)
        new.replace(place)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def forget(place: Path) -> None:
    """Remove a file; harmless when there is none."""
    place.unlink(missing_ok=True)


def own_directory(directory: Path) -> None:
    """Make the directory, or see that it is ours; raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.is_symlink() or OWN_ID not in (None, directory.stat().st_uid):
        raise OSError("it belongs to somebody else")
    directory.chmod(0o700)


def _is_open(facts: os.stat_result) -> bool:
    return facts.st_uid != OWN_ID or bool(facts.st_mode & 0o077)
