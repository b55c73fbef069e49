"""Runs the front on a port until it is told to stop."""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage

from cellenium_admin.embedded.passwords import write_private
from grants.sandbox.assembly import Sandbox
from grants.sandbox.environment import client_environment, written
from grants.sandbox.errors import AwsError
from grants.sandbox.front import LARGEST_BODY, Front

WATCH_SECONDS = 0.5
CLOSING_SECONDS = 2.0


class AlreadyRunningError(Exception):
    """Another process serves this state directory, or listens on the port."""


class Server:
    """One sandbox on one port of one state directory."""

    def __init__(self, directory: Path, port: int, *, account: str, region: str) -> None:
        """Take the directory for this process; raises AlreadyRunningError when another has it."""
        os.umask(0o077)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(directory)
        self._directory, self._port = directory, port
        self.url = f"http://127.0.0.1:{port}"
        self.sandbox = Sandbox(directory, account=account, region=region)
        self._token = secrets.token_urlsafe(32)

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; calls `ready` in another thread once everything answers."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        front = Front(self.sandbox, self._token)
        await self.sandbox.s3.start()
        server = web.Server(front.handle, request_factory=_request, auto_decompress=False)
        runner = web.ServerRunner(server, shutdown_timeout=CLOSING_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except OSError as error:
            await self.sandbox.s3.close()
            message = f"Port {self._port} cannot be listened on ({error}). Choose another with --port."
            raise AlreadyRunningError(message) from error
        self._publish()
        await asyncio.to_thread(ready)
        watch = asyncio.create_task(self._watch())
        await stop.wait()
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        await runner.cleanup()
        await self.sandbox.s3.close()

    def close(self) -> None:
        """Stop SeaweedFS and give the directory free."""
        (self._directory / "control.json").unlink(missing_ok=True)
        self.sandbox.close()
        self._lock.close()

    def _publish(self) -> None:
        """Write what clients need, readable by this user alone."""
        seaweed, world = self.sandbox.world.seaweed, self.sandbox.world
        root = {"access_key_id": seaweed.root_access_key_id, "secret_access_key": seaweed.root_secret_access_key}
        write_private(self._directory / "root.json", json.dumps(root))
        write_private(self._directory / "control.json", json.dumps(self._control_file()))
        self.variables = client_environment(self.url, region=world.region, credentials=root)
        write_private(self._directory / "env", written(self.variables))

    def _control_file(self) -> dict[str, str | int]:
        return {"url": self.url, "token": self._token, "pid": os.getpid()}

    async def _watch(self) -> None:
        """Bring SeaweedFS back when it died, and tell it again what it may have forgotten."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with contextlib.suppress(AwsError):  # it died again: the next look brings it back
                if self.sandbox.world.seaweed.ensure():
                    self.sandbox.push_all()


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


def _lock(directory: Path) -> IO[str]:
    stream = (directory / "lock").open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise AlreadyRunningError(
            f"Another sandbox runs on {directory}; stop it, or choose another --state."
        ) from error
    return stream
