"""Free ports on loopback, from below the range the kernel hands out to outgoing connections."""

import json
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Linux gives 32768 and up to outgoing connections; a port from there may be gone before its server binds it.
_FIRST, _LAST = 10_240, 32_767


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # Without it a port whose last server has just ended would look taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(*, twin_offset: int = 0) -> int:
    """Pick a free loopback port at random, so that two runs at once rarely meet; its twin is free as well."""
    for _ in range(1000):
        port = _FIRST + secrets.randbelow(_LAST - twin_offset - _FIRST + 1)
        if is_free(port) and is_free(port + twin_offset):
            return port
    raise OSError(f"No free port found on {LOOPBACK} between {_FIRST} and {_LAST}.")


def kept_ports(path: Path, names: Iterable[str], *, twin_offset: int) -> dict[str, int]:
    """Return the ports kept in the file as long as they are free, else new ones: some data is named after its port."""
    if path.exists():
        kept: dict[str, int] = json.loads(path.read_text())
        if all(is_free(port) and is_free(port + twin_offset) for port in kept.values()):
            return kept
    chosen = {name: free_port(twin_offset=twin_offset) for name in names}
    path.write_text(json.dumps(chosen) + "\n")
    return chosen
