"""How a reader can end without an answer, and what that means for the file."""

import os
import signal
from dataclasses import dataclass

from imports.h5ad.findings import Finding, Severity
from imports.reader_process.isolation import Limits

OUT_OF_MEMORY = 71
BROKEN = 70
# From outside: an operator, a host that shuts down, the kernel that needs memory. The file is not to blame.
KILLED_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
OUT_OF_MEMORY_WORDS = (b"bad_alloc", b"MemoryError", b"out of memory")
SMALLER = "Check the file; if it is as it should be, ask an administrator to raise the limit."


class ReaderLostError(Exception):
    """The reader was killed from outside; the work is worth repeating."""


class ReaderBrokenError(Exception):
    """The reader came upon an error of ours or of its surroundings, such as a full disk; the message is its trace."""


class ServerLostError(ReaderBrokenError):
    """The process that forks readers cannot start, is dead or silent."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a reader ended: its wait status, seconds of CPU, bytes it had at most, and the last it wrote as errors."""

    status: int
    cpu_seconds: float
    peak_bytes: int
    errors: bytes = b""


def verdict(ending: Ending, limits: Limits) -> Finding:
    """Say what an end without an answer tells of the file. Raises ReaderLostError, ReaderBrokenError."""
    code = os.waitstatus_to_exitcode(ending.status)
    if code == OUT_OF_MEMORY:
        return too_much_memory(limits)
    if code >= 0:
        raise ReaderBrokenError(f"The reader ended with {code}: {ending.errors.decode(errors='replace')}")
    if -code == signal.SIGXCPU or (-code == signal.SIGKILL and ending.cpu_seconds >= limits.cpu_seconds):
        return too_long(f"{limits.cpu_seconds} seconds of computing")
    if -code in KILLED_FROM_OUTSIDE:
        raise ReaderLostError(f"The reader was killed by {signal.Signals(-code).name}, with {ending.peak_bytes} bytes.")
    if any(words in ending.errors for words in OUT_OF_MEMORY_WORDS):
        return too_much_memory(limits)
    return crashed(-code)


def too_much_memory(limits: Limits) -> Finding:
    """The file needs more memory than a reader has."""
    expected = f"to be read with {limits.memory_bytes / 1e9:,.1f} GB"
    return _error("reader_memory", "more than the memory a reader may take", expected, SMALLER)


def too_long(found: str) -> Finding:
    """The file takes longer than a reader may."""
    return _error("reader_time", f"no end after {found}", "to be read in that time", SMALLER)


def crashed(number: int) -> Finding:
    """The libraries that read the file do not survive it."""
    found = f"the reader died of {signal.Signals(number).name}"
    remedy = "The file is damaged: read it with anndata, write it with write_h5ad and upload that."
    return _error("reader_crashed", found, "a whole HDF5 file", remedy)


def nonsense() -> Finding:
    """The reader was taken over, or its memory was overwritten."""
    remedy = "The file is damaged: read it with anndata, write it with write_h5ad and upload that."
    return _error("reader_crashed", "the reader gave no answer that can be understood", "a whole HDF5 file", remedy)


def killed_again(attempts: int) -> Finding:
    """The reader was killed from outside at each attempt, which looks like memory after all."""
    found = f"the reader was killed at each of {attempts} attempts"
    return _error("reader_killed", found, "to be read to its end", "The host may lack memory; import it again later.")


def _error(code: str, found: str, expected: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, code, "file", found, expected, remedy)
