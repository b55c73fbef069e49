"""A person at a browser, as far as the demo needs one: cookies, redirects, the provider's form."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from cellenium_admin.demo.client import DemoError

CSRF_COOKIE = "cellenium_csrf"


class Browser:
    """One person's session: logged in through the provider's own pages, then calling the API as the page does."""

    def __init__(self, base_url: str) -> None:
        """Open a browser that nobody has used yet."""
        self.base_url = base_url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def log_in(self, subject: str) -> dict[str, Any]:
        """Follow the login to the provider, choose an account there, and come back; gives `GET /me`."""
        address, _ = self._open(f"{self.base_url}/oidc/authenticate/")
        if address.startswith(self.base_url):
            raise DemoError(f"The login did not lead to the provider but to {address}: see .demo/logs/web.log.")
        address, page = self._open(address, urllib.parse.urlencode({"sub": subject}).encode())
        if "/refused" in urllib.parse.urlsplit(address).path:
            raise DemoError(
                f"{subject} was not let in: {_text(page)} A demo of an earlier version may have left its accounts: "
                "make demo-clean begins anew."
            )
        me: dict[str, Any] = self.call("GET", "/me")
        return me

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the API with the session's cookie, as a page of the server does."""
        token = next((cookie.value or "" for cookie in self._cookies if cookie.name == CSRF_COOKIE), "")
        headers = {"Content-Type": "application/json", "X-CSRFToken": token, "Referer": f"{self.base_url}/my/"}
        data = None if body is None else json.dumps(body).encode()
        _, answer = self._open(f"{self.base_url}/api/v1{path}", data, headers, method)
        return json.loads(answer)

    def _open(
        self, address: str, data: bytes | None = None, headers: dict[str, str] | None = None, method: str | None = None
    ) -> tuple[str, bytes]:
        request = urllib.request.Request(address, data, headers or {}, method=method)  # noqa: S310 -- loopback
        try:
            with self._opener.open(request, timeout=60) as response:
                return response.url, response.read()
        except urllib.error.HTTPError as error:
            said = _text(error.read())
            raise DemoError(f"{request.get_method()} {address} answered {error.code}: {said}") from error


def _text(page: bytes) -> str:
    """Give what a person would read of a page."""
    plain = re.sub(r"<(script|style|head).*?</\1>|<[^>]+>", " ", page.decode(errors="replace"), flags=re.DOTALL)
    return " ".join(plain.split())[:600]
