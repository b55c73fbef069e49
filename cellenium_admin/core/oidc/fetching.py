"""HTTP to the provider: short, bounded, and never led elsewhere."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from django.conf import settings

from cellenium_admin.core.oidc.errors import ProviderUnavailableError

MOST_BYTES = 1024**2
CHUNK_BYTES = 1024
# So many may wait for a provider that has stopped to speak in the middle of a word.
MOST_CALLS = 32
_room = threading.BoundedSemaphore(MOST_CALLS)


def fetch_json(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, data: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Ask for a JSON object and give the status with it; redirects are not followed, at most 1 MiB is read.

    Raises ProviderUnavailableError when no such answer comes in time.
    """
    status, body = fetch(method, url, headers=headers, data=data)
    try:
        found = requests.models.complexjson.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailableError(f"{_place(url)} does not answer with JSON (status {status}).") from error
    if not isinstance(found, dict):
        raise ProviderUnavailableError(f"{_place(url)} does not answer with a JSON object (status {status}).")
    return status, found


def fetch(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, data: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Ask for some bytes and give the status with them; raises ProviderUnavailableError."""
    seconds = settings.OIDC_TIMEOUT_SECONDS
    call = _Call(method, url, headers, data, seconds)
    if not _room.acquire(timeout=seconds):
        raise ProviderUnavailableError(f"{_place(url)} is not asked: too many others do not answer.")
    threading.Thread(target=call.run, daemon=True).start()
    if not call.ended.wait(seconds):
        raise ProviderUnavailableError(f"{_place(url)} does not answer within {seconds} s.")
    if call.error is not None:
        raise call.error
    return call.status, call.body


class _Call:
    """One request in a thread of its own, which whoever asks waits for so long and no longer.

    The library bounds each piece of an answer, not the whole: a server may send a byte now and then for ever.
    """

    def __init__(
        self, method: str, url: str, headers: Mapping[str, str] | None, data: Mapping[str, str] | None, seconds: float
    ) -> None:
        self.ended = threading.Event()
        self.status, self.body = 0, b""
        self.error: ProviderUnavailableError | None = None
        self._request: dict[str, Any] = {"method": method, "url": url, "headers": headers, "data": data}
        self._seconds = seconds

    def run(self) -> None:
        """Ask, and note what came."""
        try:
            self._ask()
        except ProviderUnavailableError as error:
            self.error = error
        except (requests.RequestException, ValueError, OSError) as error:
            self.error = ProviderUnavailableError(f"{self._place} does not answer ({type(error).__name__}).")
        finally:
            _room.release()
            self.ended.set()

    @property
    def _place(self) -> str:
        return _place(str(self._request["url"]))

    def _ask(self) -> None:
        with requests.request(
            **self._request,
            timeout=self._seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.is_redirect:
                raise ProviderUnavailableError(f"{self._place} redirects elsewhere: correct the address.")
            self.status, self.body = response.status_code, self._read(response)

    def _read(self, response: requests.Response) -> bytes:
        deadline, body = time.monotonic() + self._seconds, bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > MOST_BYTES:
                raise ProviderUnavailableError(f"{self._place} answers with more than {MOST_BYTES} bytes.")
            if time.monotonic() > deadline:
                raise ProviderUnavailableError(f"{self._place} answers too slowly.")
        return bytes(body)


def _place(url: str) -> str:
    """Name an address without what may be secret in it."""
    return url.partition("?")[0]
