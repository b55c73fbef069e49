"""AWS's time in the sandbox: the machine's, moved by a command."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def machine_time() -> datetime:
    """Tell the machine's time, which also judges how old a signature is."""
    return datetime.fromtimestamp(time.time(), UTC)


class Clock:
    """Tells the sandbox's time: expiry, dates of creation, lags and date conditions follow it."""

    def __init__(self, offset: timedelta = timedelta(0), machine: Callable[[], datetime] = machine_time) -> None:
        """Begin `offset` away from the machine's time."""
        self.offset = offset
        self._machine = machine

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""
        return self._machine() + self.offset

    def move(self, offset: timedelta) -> None:
        """Set how far the sandbox's time is from the machine's."""
        self.offset = offset
