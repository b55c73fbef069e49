"""Keeps a list of services running: started in order, restarted after a crash, stopped in reverse whatever happens."""

import logging
import signal
import time
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any, Protocol, Self

from cellenium_admin.embedded.errors import EmbeddedServerError

logger = logging.getLogger(__name__)

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST_PAUSE = 30.0
_CALM_AFTER = 60.0


class Service(Protocol):
    """Whatever can be supervised: an embedded server, or a `ServerProcess` such as a web server or a worker."""

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""

    def start(self) -> None:
        """Start it and return once it is ready."""

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""


class StopRequested(SystemExit):
    """A stop signal arrived; an exit, so that it passes every `except Exception` on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class _Supervised:
    """A service with the memory of its crashes: each one in a row doubles the pause before the next start."""

    def __init__(self, name: str, service: Service) -> None:
        self.name = name
        self.service = service
        self._pause = 1.0
        self._started = time.monotonic()
        self._due: float | None = None

    def look_after(self) -> None:
        """Notice a crash, and start the service again once its pause is over."""
        now = time.monotonic()
        if self._due is None:
            if self.service.alive:
                return
            if now - self._started > _CALM_AFTER:
                self._pause = 1.0
            self._plan(now, "has ended by itself")
        elif now >= self._due:
            self._restart()

    def _restart(self) -> None:
        try:
            self.service.start()
        except (EmbeddedServerError, OSError) as error:
            self._plan(time.monotonic(), f"could not be started again ({error})")
        else:
            self._due = None
            self._started = time.monotonic()
            logger.info("%s runs again.", self.name)

    def _plan(self, now: float, what: str) -> None:
        logger.warning("%s %s; it is started again in %.0f s.", self.name, what, self._pause)
        self._due = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


class Supervisor:
    """Use it in a `with` statement, from the main thread: children die with the thread that started them.

    From its beginning a stop signal raises `StopRequested`, so that starting and seeding are interrupted as well.
    """

    def __init__(self, services: Iterable[tuple[str, Service]] = ()) -> None:
        self._waiting = list(services)
        self._supervised: list[_Supervised] = []
        self._before: dict[signal.Signals, Any] = {}
        self._stopping = False

    def __enter__(self) -> Self:
        """Take over the stop signals and start the services given at construction."""
        for number in _STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._on_signal)
        try:
            for name, service in self._waiting:
                self.start(name, service)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, then give the signals back."""
        self._end()

    def start(self, name: str, service: Service) -> None:
        """Start one more service; it is stopped before those started earlier."""
        self._supervised.append(_Supervised(name, service))
        service.start()
        logger.info("%s is ready.", name)

    def run_forever(self, *, interval: float = 0.2) -> None:
        """Look after the services until a stop signal arrives."""
        try:
            while not self._stopping:
                for supervised in self._supervised:
                    supervised.look_after()
                time.sleep(interval)
        except StopRequested:
            logger.info("Stopping.")

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # Only the first is heard: a second Ctrl-C must not interrupt the stopping, whose every step has a deadline.
        if not self._stopping:
            self._stopping = True
            raise StopRequested(number)

    def _end(self) -> None:
        self._stopping = True
        while self._supervised:
            supervised = self._supervised.pop()
            try:
                supervised.service.stop()
            except Exception:
                logger.exception("%s could not be stopped.", supervised.name)
        for number, handler in self._before.items():
            signal.signal(number, handler)
