"""Uploads through the server: parts sent straight to S3, gone on with after an interruption, followed to the import."""

import argparse
import hashlib
import os
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Dict, List, Optional

from cellenium_access import keeping, logins, parts
from cellenium_access.progress import Progress
from cellenium_access.server import ProblemError, Server
from cellenium_access.talk import DONE, INTERRUPTED, REFUSED, USAGE, StopError, printable, say

PARALLEL, ATTEMPTS, BATCH = 4, 6, 4
MOST_PARTS = 10_000
NEVER_IMPORTED = {"held", "unrecognized", "removing", "removed", "expired", "cancelled"}
FINISHED = {"published", "rejected", "failed", "cancelled", "superseded"}


def upload(options: argparse.Namespace) -> int:
    """Upload files one after another; the first that fails ends it."""
    server = Server(logins.current(options.server))
    paths = [Path(name) for name in options.files]
    for path in paths:
        if not path.is_file():
            raise StopError(f"{path} is no file.", USAGE)
    codes = []
    for path in paths:
        try:
            found = Sending(server, path).run()
        except KeyboardInterrupt:
            return say(f"\n{path} is not whole yet. The same command goes on with it.", INTERRUPTED)
        if options.wait:
            codes.append(follow(server, str(found["id"]), path.name))
    return max(codes, default=DONE)


class Sending:
    """One file on its way."""

    def __init__(self, server: Server, path: Path) -> None:
        self.server, self.path = server, path
        facts = path.stat()
        self.size = facts.st_size
        identity = (server.login.server, str(path.resolve()), str(facts.st_size), str(facts.st_mtime_ns))
        digest = hashlib.sha256("\0".join(identity).encode(errors="surrogateescape")).hexdigest()
        self.memory = keeping.cache_directory() / "uploads" / f"{digest}.json"
        self.progress = Progress(path.name, self.size)
        self.stop = threading.Event()
        self.upload: Dict[str, Any] = {}

    def run(self) -> Dict[str, Any]:
        """Send what is missing and complete it; gives the upload."""
        missing = self._begin()
        self._send(missing)
        self.upload = self._complete()
        keeping.forget(self.memory)
        self.progress.end(f"uploaded as {self.upload['uri']}")
        return self.upload

    def _begin(self) -> List[int]:
        """Go on with an upload of this very file, or begin one; gives the numbers of the parts to send."""
        known = (keeping.read(self.memory) or {}).get("id")
        found = self._known(str(known)) if isinstance(known, str) else None
        if found is not None:
            return found
        self.upload = self.server.post("uploads", {"filename": self.path.name, "size": self.size})
        self._check()
        self._remember()
        return list(range(1, int(self.upload["part_count"]) + 1))

    def _known(self, upload_id: str) -> Optional[List[int]]:
        """Look what is there of an earlier attempt; None when it cannot be gone on with."""
        try:
            found = self.server.get(f"uploads/{upload_id}")
        except ProblemError as error:
            if error.status == 404:
                return None
            raise
        if found.get("state") == "received" and found.get("size") == self.size:
            self.upload = found
            return []
        if found.get("state") not in {"uploading", "completing"} or found.get("size") != self.size:
            return None
        self.upload = found
        self._check()
        there = {part["number"]: part["checksum_sha256"] for part in found["parts"]}
        for number, known in there.items():
            if parts.checksum(self.path, *self._bounds(number)) != known:
                say(f"{self.path} is another file than the one an earlier upload began with: beginning anew.")
                return None
            self.progress.already(self._bounds(number)[1])
        if there:
            say(f"{self.path.name}: {len(there)} of {found['part_count']} parts are there already.")
        return [number for number in range(1, int(found["part_count"]) + 1) if number not in there]

    def _check(self) -> None:
        """See that the server cuts the file into parts that can be; raises StopError."""
        part, count = self.upload.get("part_size"), self.upload.get("part_count")
        fits = isinstance(part, int) and isinstance(count, int) and part > 0 and 0 < count <= MOST_PARTS
        if not fits or not isinstance(self.upload.get("id"), str) or -(-self.size // int(part or 1)) != count:
            raise StopError("The server cuts the file into parts that cannot be: is the client as new?", REFUSED)

    def _remember(self) -> None:
        try:
            keeping.write(self.memory, {"id": str(self.upload["id"])})
        except OSError as error:
            say(f"An interruption could not be gone on with, nothing is kept in {self.memory.parent}: {error}")

    def _send(self, missing: List[int]) -> None:
        workers = max(1, min(PARALLEL, len(missing)))
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self._send_batch, missing[at : at + BATCH]) for at in range(0, len(missing), BATCH)]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            finally:
                self.stop.set()
                for future in futures:
                    future.cancel()

    def _send_batch(self, numbers: List[int]) -> None:
        """Hash a few parts, have them signed together, send them."""
        checksums = {number: parts.checksum(self.path, *self._bounds(number)) for number in numbers}
        orders = self._signed(checksums)
        for number in numbers:
            self._send_part(number, checksums[number], orders[number])

    def _send_part(self, number: int, checksum: str, order: Dict[str, Any]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            if self.stop.is_set():
                return
            try:
                parts.send(order, self.path, *self._bounds(number), on_bytes=self.progress.add)
            except parts.SendingError as error:
                if attempt == ATTEMPTS:
                    raise StopError(f"Part {number} of {self.path} does not arrive. {error}", REFUSED) from None
                self.stop.wait(min(30, 2**attempt / 2))
                order = self._signed({number: checksum})[number]
            else:
                return

    def _signed(self, checksums: Dict[int, str]) -> Dict[int, Dict[str, Any]]:
        wish = [{"number": number, "checksum_sha256": checksum} for number, checksum in checksums.items()]
        answer = self.server.post(f"uploads/{self.upload['id']}/parts", {"parts": wish})
        try:
            orders = {order["number"]: order for order in answer["parts"]}
            return {number: orders[number] for number in checksums}
        except (KeyError, TypeError):
            raise StopError("The server signs other parts than those asked for.", REFUSED) from None

    def _complete(self) -> Dict[str, Any]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                found: Dict[str, Any] = self.server.post(f"uploads/{self.upload['id']}/complete")
            except ProblemError as error:
                if error.status != 503 or attempt == ATTEMPTS:
                    raise
                time.sleep(min(30, 2**attempt / 2))
            else:
                return found
        raise StopError("The upload was not completed. The same command goes on with it.", REFUSED)

    def _bounds(self, number: int) -> Any:
        """Give where a part begins and how long it is."""
        part = int(self.upload["part_size"])
        start = (number - 1) * part
        return start, min(part, self.size - start)


def follow(server: Server, upload_id: str, name: str) -> int:
    """Wait for the import and tell what was found; the exit code says whether it is a study now."""
    shown = ""
    while True:
        found = server.get(f"uploads/{upload_id}")
        run = found.get("run") or {}
        if not run and found.get("state") in NEVER_IMPORTED:
            return say(f"{name}: {found['state']}, no import comes of it.", REFUSED)
        state = str(run.get("state", "waiting"))
        if state != shown:
            say(f"{name}: import {state}")
            shown = state
        if state in FINISHED:
            break
        time.sleep(1)
    for finding in run.get("findings") or []:
        say(f"  {finding['severity']}: {finding['code']} at {finding['path']}: {finding['found']}. {finding['remedy']}")
    if run.get("study"):
        told = f"{run['study']['id']} {run['study']['name']}" if os.isatty(1) else str(run["study"]["id"])
        print(printable(told))
    return DONE if state == "published" else REFUSED
