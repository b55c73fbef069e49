"""Credentials on disk while they last."""

import hashlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from cellenium_access import keeping
from cellenium_access.talk import say

Credentials = Dict[str, str]
NAMES = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
FORM = "%Y-%m-%dT%H:%M:%SZ"
# No session of AWS lasts longer; whoever says so is not believed.
LONGEST = timedelta(hours=36)
USUALLY_LEFT = 900
USUAL_DURATION = 3600


def place_of(wish: Tuple[str, ...]) -> Path:
    """Name the file of one wish."""
    return keeping.cache_directory() / (hashlib.sha256("\0".join(wish).encode()).hexdigest() + ".json")


def least(options: Any) -> int:
    """Give for how many seconds more credentials must last: as asked, else 15 minutes or a third of a short time."""
    if options.min_remaining is not None:
        return int(options.min_remaining)
    return int(min(USUALLY_LEFT, (options.duration or USUAL_DURATION) // 3))


def read(place: Path, remaining: int) -> Optional[Credentials]:
    """Give what is kept, if it is whole, ours alone, and lasts for so many seconds more."""
    found = keeping.read(place)
    if found is None or not all(isinstance(found.get(name), str) for name in NAMES):
        return None
    try:
        until = datetime.strptime(found["Expiration"], FORM).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    now = datetime.now(timezone.utc)
    if not now + timedelta(seconds=remaining) < until < now + LONGEST:
        return None
    return {name: found[name] for name in NAMES}


def write(place: Path, found: Credentials) -> None:
    """Keep credentials; what cannot be kept is only told."""
    try:
        keeping.write(place, dict(found))
    except OSError as error:
        say(f"The credentials are not kept in {place.parent}: {error}")
