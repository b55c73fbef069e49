"""How often a refusal is worth an event: nobody fills the trail, or a mailbox, by being refused."""

import threading
import time
from collections import Counter

SECONDS = 60.0
# Of one kind from one address or person in that time. A browser goes a long way for each; a program sends thousands.
MOST_ALIKE = {"oidc": 20, "password": 20, "bearer": 1, "load_balancer": 1, "prefix": 1}
# Of all kinds from everywhere, for each process.
MOST_TOGETHER = 600

_lock = threading.Lock()
_seen: Counter[tuple[str, str, str]] = Counter()
_began = [float("-inf")]


def is_noteworthy(*, source: str, method: str, code: str) -> bool:
    """Tell whether one more refusal of an address or a person goes into the trail; the log has them all."""
    with _lock:
        if time.monotonic() - _began[0] >= SECONDS:
            _seen.clear()
            _began[0] = time.monotonic()
        kind = (source, method, code)
        if _seen[kind] >= MOST_ALIKE[method] or _seen.total() >= MOST_TOGETHER:
            return False
        _seen[kind] += 1
        return True


def forget() -> None:
    """Forget what was seen, as a new process does."""
    with _lock:
        _seen.clear()
        _began[0] = float("-inf")
