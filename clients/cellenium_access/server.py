"""The server's REST API over HTTPS: a token that goes nowhere else, answers that stay small."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Dict, List, Optional

from cellenium_access.logins import Login
from cellenium_access.talk import REFUSED, StopError

SECONDS, MOST_BYTES = 60, 8 * 1024**2


class ProblemError(StopError):
    """The server says no (RFC 9457); `status` and `problem` are for whoever can do something about it."""

    def __init__(self, status: int, problem: Dict[str, Any]) -> None:
        super().__init__(_sentence(status, problem), REFUSED)
        self.status = status
        self.problem = problem


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Goes nowhere but where it was sent: a redirect would carry the token along."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse; the answer itself is told then."""
        return


class Server:
    """One server, as one account."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._opener = urllib.request.build_opener(NoRedirects, *_proxies(login.server))

    def get(self, path: str) -> Any:
        """Read something below /api/v1."""
        return self._call("GET", path)

    def post(self, path: str, body: Optional[Dict[str, Any]] = None) -> Any:
        """Change something below /api/v1."""
        return self._call("POST", path, json.dumps(body or {}).encode())

    def _call(self, method: str, path: str, data: Optional[bytes] = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self.login.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "cellenium-access",
        }
        request = urllib.request.Request(f"{self.login.server}/api/v1/{path}", data, headers, method=method)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return _read(answer.read(MOST_BYTES + 1), answer.status)
        except urllib.error.HTTPError as error:
            with error:
                raise ProblemError(error.code, _refusal(error)) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise StopError(f"{self.login.server} cannot be reached: {reason}", REFUSED) from None


def _read(body: bytes, status: int) -> Any:
    try:
        found = json.loads(body) if len(body) <= MOST_BYTES else None
        if isinstance(found, dict):
            return found
    except (ValueError, RecursionError):
        pass
    raise StopError(f"The server's answer (status {status}) cannot be read: is this the right address?", REFUSED)


def _proxies(server: str) -> List[urllib.request.ProxyHandler]:
    """Let nothing in the clear leave this machine: plain http is for loopback, and a proxy is elsewhere."""
    return [urllib.request.ProxyHandler({})] if server.startswith("http://") else []


def _refusal(error: urllib.error.HTTPError) -> Dict[str, Any]:
    try:
        return _problem(error.read(MOST_BYTES))
    except (OSError, http.client.HTTPException):
        return {}


def _problem(body: bytes) -> Dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _sentence(status: int, problem: Dict[str, Any]) -> str:
    lines = [f"The server says no ({status}): {problem.get('detail') or 'it does not say why'}"]
    errors: List[Any] = problem["errors"] if isinstance(problem.get("errors"), list) else []
    lines += [f"  {error.get('pointer')}: {error.get('detail')}" for error in errors[:20] if isinstance(error, dict)]
    if status == 401:
        lines.append("Make a new token on the page /my/ and log in again: cellenium_access login https://SERVER")
    return "\n".join(lines)
