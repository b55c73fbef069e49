"""The fork server: has everything imported once and forks one reader per file, one at a time.

It is started by a worker with one end of a socket as standard input and lives as long as the other end is open.
On it an order comes as a line of JSON with two descriptors, for the reader's messages and for its errors; back go
`{"started": pid}` and `{"ended": status, ...}`. The word `kill` ends the reader early.
"""

import gc
import os
import select
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from imports.reader_process import child, isolation, messages, warming

LARGEST_ORDER = 1 << 20


def main() -> None:
    """Get ready and serve until nobody is there any more."""
    control = socket.socket(fileno=os.dup(0))
    isolated = isolation.leave_network()
    with tempfile.TemporaryDirectory(prefix="cellenium-reader-") as directory:
        warming.warm_up(Path(directory))
    # What is here now is here for good; without this every child would copy it to count references in it.
    gc.collect()
    gc.freeze()
    control.sendall(messages.encode({"ready": os.getpid(), "network": not isolated}))
    Server(control).serve()


class Server:
    """Forks readers as they are ordered."""

    def __init__(self, control: socket.socket) -> None:
        """Serve on a socket; the end of a child wakes up whoever waits."""
        self._control = control
        self._ended, wake = os.pipe()
        for descriptor in (self._ended, wake):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Take one order after another until the socket is closed at the other end."""
        while True:
            line, descriptors = self._next_order()
            if not line:
                return
            if line != b"kill\n":
                self._work(line, descriptors)

    def _next_order(self) -> tuple[bytes, list[int]]:
        line = b""
        descriptors: list[int] = []
        while not line.endswith(b"\n"):
            part, more, _, _ = socket.recv_fds(self._control, LARGEST_ORDER, 2)
            if not part:
                return b"", []
            line, descriptors = line + part, descriptors + list(more)
        return line, descriptors

    def _work(self, line: bytes, descriptors: list[int]) -> None:
        order = messages.rebuilt(child.Order, messages.decode(line))
        channel, errors = descriptors
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self._control.close()
            child.run(order, channel=channel, errors=errors, parent=server)
        os.close(channel)
        os.close(errors)
        self._tell({"started": pid})
        self._wait(pid)

    def _wait(self, pid: int) -> None:
        """Wait for the end of a reader, and for the wish to end it."""
        while True:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                break
            readable, _, _ = select.select([self._control.fileno(), self._ended], [], [])
            if self._ended in readable:
                os.read(self._ended, 4096)
            if self._control.fileno() in readable:
                gone = not self._control.recv(64)
                os.kill(pid, signal.SIGKILL)
                if gone:
                    os.waitpid(pid, 0)
                    sys.exit(0)
        peak = usage.ru_maxrss * 1024
        self._tell({"ended": status, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": peak})

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._control.sendall(messages.encode(message))
        except (BrokenPipeError, ConnectionResetError):
            # The reader, if there is one, has this process as its parent and dies with it.
            sys.exit(0)


if __name__ == "__main__":
    main()
