"""What the worker sees of readers: a file goes in, findings and a description of its content come out."""

import logging
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from imports.h5ad.findings import Finding, Severity
from imports.reader_process import fork_server, messages, outcomes
from imports.reader_process.conversation import Conversation, Tell
from imports.reader_process.fork_server import Reader
from imports.reader_process.isolation import Limits
from imports.reader_process.messages import MalformedAnswerError
from imports.reader_process.outcomes import ReaderBrokenError, ReaderLostError, killed_again
from studies.content import VersionContent

__all__ = [
    "Finding",
    "ReaderAnswer",
    "ReaderBrokenError",
    "ReaderLostError",
    "ReaderWork",
    "Severity",
    "killed_again",
    "prepare",
    "read_file",
]

logger = logging.getLogger(__name__)

# Files the reader writes may be so many times larger than the file it reads; compression rarely does better.
GROWTH = 64
LEAST_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class ReaderWork:
    """One file to read; its Stores grow in `building`, or nothing is written and the file only checked when None."""

    file: Path
    building: Path | None
    memory_bytes: int
    source: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """All findings; the content if none of them is an error and the file was not only checked."""

    findings: list[Finding]
    content: VersionContent | None


def prepare() -> None:
    """Start a fork server if none is idle, without waiting for it: it loads its libraries while a file is fetched."""
    fork_server.prepare()


def read_file(work: ReaderWork, *, tell: Tell) -> ReaderAnswer:
    """Read a file in a process of its own; whatever it does to that process is told as a Finding.

    `tell(stage, done, total)` is called at least about every half second; when it raises, the reader is killed and
    the exception goes on. Raises ReaderLostError when the reader was killed from outside, ReaderBrokenError when it
    came upon an error that is not the file's.
    """
    limits = limits_for(work.file)
    with tempfile.TemporaryFile() as errors, fork_server.reading(_order(work, limits), errors) as reader:
        conversation = Conversation(reader.channel, tell)
        try:
            if not conversation.follow(time.monotonic() + settings.IMPORT_TIME_LIMIT):
                return _refused(outcomes.too_long(f"{settings.IMPORT_TIME_LIMIT} seconds"))
            return _sensible(_answer(conversation, reader, limits), work)
        except MalformedAnswerError as error:
            logger.warning("The reader of %s gave no answer: %s", work.file, error)
            return _refused(outcomes.nonsense())


def limits_for(file: Path) -> Limits:
    """Give the limits for the reader of a file."""
    return Limits(
        memory_bytes=settings.READER_MEMORY_BYTES,
        cpu_seconds=settings.READER_CPU_SECONDS,
        file_bytes=max(LEAST_FILE_BYTES, GROWTH * file.stat().st_size),
    )


def _order(work: ReaderWork, limits: Limits) -> dict[str, Any]:
    return {
        "file": str(work.file.absolute()),
        "building": None if work.building is None else str(work.building.absolute()),
        "memory_bytes": work.memory_bytes,
        "source": work.source,
        "limits": asdict(limits),
    }


def _answer(conversation: Conversation, reader: Reader, limits: Limits) -> ReaderAnswer:
    ending = reader.ending()
    if conversation.broken:
        raise ReaderBrokenError(conversation.broken)
    if ending.status == 0 and conversation.answer is not None:
        return messages.rebuilt(ReaderAnswer, conversation.answer)
    finding = outcomes.verdict(ending, limits)
    logger.warning("A reader ended: %s %s", finding, ending.errors.decode(errors="replace"))
    return _refused(finding)


def _sensible(answer: ReaderAnswer, work: ReaderWork) -> ReaderAnswer:
    is_refused = any(finding.severity is Severity.ERROR for finding in answer.findings)
    if (answer.content is None) != (is_refused or work.building is None):
        raise MalformedAnswerError("content of a refused file" if is_refused else "neither content nor a reason")
    return answer


def _refused(finding: Finding) -> ReaderAnswer:
    return ReaderAnswer([finding], None)
