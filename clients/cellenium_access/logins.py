"""Which server one is logged in to, and the token for it."""

import os
from pathlib import Path
from typing import Dict, NamedTuple, Optional
from urllib.parse import urlsplit

from cellenium_access import keeping
from cellenium_access.talk import NOT_CONFIGURED, USAGE, StopError

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
HOW = "Log in first: cellenium_access login https://SERVER, with a token made on the server's page /my/."


class Login(NamedTuple):
    """A server and a token for it."""

    server: str
    token: str


def checked_server(text: str) -> str:
    """Give the address of a server without what lies behind its name; raises StopError."""
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        raise StopError(f"{text!r} is no address of a server: write https://cellenium.example.org", USAGE) from None
    if not parts.hostname or "@" in parts.netloc or not text.isprintable():
        raise StopError(f"{text!r} is no address of a server: write https://cellenium.example.org", USAGE)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise StopError(f"{text!r} is not secure: a token goes over https:// only.", USAGE)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}"


def checked_token(text: str) -> str:
    """Give a token as it goes into a header; raises StopError."""
    token = text.strip()
    if not (token.isascii() and token.isprintable() and 20 <= len(token) <= 4096) or " " in token:
        raise StopError("That is no token: make one on the server's page /my/ and paste it whole.", USAGE)
    return token


def current(server: Optional[str] = None) -> Login:
    """Give the login that is meant: that of the environment, of the server named, or the last. Raises StopError."""
    if os.environ.get("CELLENIUM_TOKEN"):
        if not os.environ.get("CELLENIUM_URL"):
            raise StopError("CELLENIUM_TOKEN is set: say for which server in CELLENIUM_URL.", NOT_CONFIGURED)
        own = checked_server(os.environ["CELLENIUM_URL"])
        # The token is for that server alone: another one that is named gets the token kept for it, or none.
        if server is None or checked_server(server) == own:
            return Login(own, checked_token(os.environ["CELLENIUM_TOKEN"]))
    kept = _tokens()
    address = checked_server(server) if server else str((keeping.read(_place()) or {}).get("current", ""))
    if address not in kept:
        raise StopError(HOW, NOT_CONFIGURED)
    return Login(address, checked_token(kept[address]))


def keep(login: Login) -> None:
    """Keep a login and make it the current one; raises StopError when it cannot be kept."""
    _write({**_tokens(), login.server: login.token}, login.server)


def drop(server: str) -> None:
    """Forget a login."""
    left = {name: token for name, token in _tokens().items() if name != server}
    _write(left, next(iter(left), ""))


def _tokens() -> Dict[str, str]:
    found = (keeping.read(_place()) or {}).get("tokens")
    if not isinstance(found, dict):
        return {}
    return {name: token for name, token in found.items() if isinstance(name, str) and isinstance(token, str)}


def _write(tokens: Dict[str, str], server: str) -> None:
    try:
        keeping.write(_place(), {"current": server, "tokens": tokens})
    except OSError as error:
        raise StopError(f"The login cannot be kept in {_place().parent}: {error}", NOT_CONFIGURED) from None


def _place() -> Path:
    return keeping.config_directory() / "logins.json"
