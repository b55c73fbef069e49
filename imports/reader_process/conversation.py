"""Listening to a reader: its progress is passed on, its answer kept."""

import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Literal

from imports.reader_process import messages
from imports.reader_process.messages import MalformedAnswerError

# How often a silent reader lets the worker ask whether the work is still wanted.
PAUSE_SECONDS = 0.5
PART_BYTES = 1 << 20

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reader is."""

    stage: Literal["validate", "convert", "write"]
    done: int
    total: int


class Conversation:
    """What one reader says, line by line; `answer` is its last word, `broken` the trace of an error not the file's."""

    def __init__(self, channel: IO[bytes], tell: Tell) -> None:
        """Listen to a channel and pass progress on."""
        self._channel = channel
        self._tell = tell
        self._parts: list[bytes] = []
        self._length = 0
        self._progress = Progress("validate", 0, 0)
        self._told = ""
        self.answer: dict[str, Any] | None = None
        self.broken = ""

    def follow(self, until: float) -> bool:
        """Listen until the channel is closed; False when that takes too long. Raises MalformedAnswerError."""
        while time.monotonic() < until:
            readable, _, _ = select.select([self._channel], [], [], PAUSE_SECONDS)
            if readable:
                part = self._channel.read(PART_BYTES)
                if not part:
                    return True
                self._take(part)
            self._pass_on()
        return False

    def _take(self, part: bytes) -> None:
        *whole, rest = part.split(b"\n")
        for line in whole:
            self._understand(b"".join([*self._parts, line]))
            self._parts, self._length = [], 0
        self._parts.append(rest)
        self._length += len(rest)
        if self._length > messages.LONGEST_LINE:
            raise MalformedAnswerError(f"a line of more than {messages.LONGEST_LINE} bytes")

    def _understand(self, line: bytes) -> None:
        message = messages.decode(line)
        if "stage" in message:
            self._progress = messages.rebuilt(Progress, message)
            # However many messages come at once: the beginning of a stage is always told.
            if self._progress.stage != self._told:
                self._pass_on()
        elif "broken" in message:
            self.broken = str(message["broken"])
        else:
            self.answer = message

    def _pass_on(self) -> None:
        self._told = self._progress.stage
        self._tell(self._progress.stage, self._progress.done, self._progress.total)
