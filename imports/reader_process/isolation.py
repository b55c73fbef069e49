"""What keeps a reader in its bounds: resource limits, no network, no life beyond that of its parent.

Linux has all of it; elsewhere what is missing is left out, and the limits alone stand.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWNET = 0x4000_0000
# Between the signal that can be told from others and the one nobody survives.
CPU_GRACE_SECONDS = 5
DESCRIPTORS = 512
PAGE = resource.getpagesize()

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reader may take: bytes beyond what the fork server has, seconds of CPU, bytes of one written file."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


def leave_network() -> bool:
    """Move this process to a network that has nothing in it; tell whether the kernel allowed that.

    As an ordinary user that takes a user namespace, for which the process must have one thread only.
    """
    if sys.platform != "linux":
        return False
    if _libc.unshare(CLONE_NEWNET) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    with suppress(OSError):
        # Without these two the process keeps its rights to files all the same, but is shown as nobody.
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, and end at once if it already has."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def be_first_to_go() -> None:
    """When memory runs out on the whole machine, the kernel shall take this process and not the worker."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def apply(limits: Limits) -> None:
    """Set the limits, which nothing in this process can raise again."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # As the worker has it, which decides who may read Stores; but nobody else writes to them.
    os.umask(os.umask(0o077) | 0o022)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, DESCRIPTORS)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    # Counts what is written to memory; files that are mapped to be read are not meant.
    _limit(resource.RLIMIT_DATA, _data_bytes() + limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + CPU_GRACE_SECONDS)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    highest = resource.getrlimit(kind)[1]
    hard = soft if hard is None else hard
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(kind, (soft, hard))


def _data_bytes() -> int:
    """Give what this process has of the memory that RLIMIT_DATA counts."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * PAGE
    return 0
