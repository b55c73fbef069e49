"""An OpenID provider that does as the specification says until a test tells it to lie, to dawdle or to send rubbish.

One server for a whole run; each provider has an issuer of its own below it, so nothing a client caches of one is
of use with another. A test plays the browser: it takes the address the client sends it to, calls `approve`, and
goes back to the client with what that gave.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from tests.support.forged_jws import Claims, Key, encoded, jws, rsa_key

CLIENT, SECRET = "cellenium", "the secret of the client"
LIFETIME = 300
SMALLEST_VERIFIER = 43  # RFC 7636 4.1


@dataclass
class Answer:
    """What an endpoint sends instead of the truth: `body` in one piece, or `chunks` until the client has enough."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    chunks: Callable[[], Iterator[bytes]] | None = None

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "Answer":
        """Answer with a value as JSON."""
        return cls(json.dumps(value).encode(), status)


def redirect(address: str, status: int = 302) -> Answer:
    """Answer by sending the client elsewhere."""
    return Answer(status=status, headers={"Location": address})


def dripping(seconds: float = 0.1) -> Answer:
    """Answer a byte at a time, for ever: no single read times out."""

    def drops() -> Iterator[bytes]:
        while True:
            time.sleep(seconds)
            yield b" "

    return Answer(chunks=drops)


def endless() -> Answer:
    """Answer as fast as the line allows, for ever."""

    def flood() -> Iterator[bytes]:
        yield b'{"keys": "'
        while True:
            yield b"x" * 65536

    return Answer(chunks=flood)


@dataclass
class Granted:
    """A code that was given out, and what the client must show to have it changed into tokens."""

    redirect_uri: str
    challenge: str
    nonce: str | None
    claims: dict[str, Any]


class ForgingProvider:
    """One issuer. What a test may set is public: claims, keys, how tokens are made, answers of endpoints."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = rsa_key("signing")
        self.keys: list[dict[str, Any]] = [self.key.jwk]
        self.user: dict[str, Any] = {}
        self.make_id_token: Callable[[dict[str, Any]], str] = self.token
        self.change_userinfo: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.tells_at_hash = False
        self.answers: dict[str, Answer] = {}
        self.lb_keys: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        self._codes: dict[str, Granted] = {}
        self._access: dict[str, dict[str, Any]] = {}
        self.be("uploader")

    def be(self, person: str, **claims: Any) -> "ForgingProvider":
        """Be the provider of this person from now on."""
        email = f"{person}@example.org"
        self.user = {"sub": f"subject-of-{person}", "email": email, "email_verified": True, "name": person, **claims}
        return self

    def asked(self, path: str) -> int:
        """Count the requests of an endpoint."""
        return sum(1 for asked, _ in self.requests if asked == path)

    @property
    def metadata(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, 3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Give the claims of a token made now; a change to None leaves the claim out."""
        now = int(time.time())
        times = {"iat": now, "exp": now + LIFETIME}
        made = {"iss": self.issuer, "aud": CLIENT, **times, **self.user, **changes}
        return {name: value for name, value in made.items() if value is not None}

    def token(self, claims: Claims | None = None, key: Key | None = None, **header: Any) -> str:
        """Sign a token as this provider does; `header` changes the header, None leaves a member out."""
        key = key or self.key
        made = {"alg": key.alg, "typ": "JWT", "kid": key.kid, **header}
        shown = {name: value for name, value in made.items() if value is not None}
        return jws(shown, self.claims() if claims is None else claims, key.signer())

    def approve(self, wish: Mapping[str, str]) -> dict[str, str]:
        """Let the person log in: give what the browser takes back to the client."""
        assert (wish["client_id"], wish["response_type"]) == (CLIENT, "code")
        assert wish["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        nonce = wish.get("nonce")
        self._codes[code] = Granted(wish["redirect_uri"], wish["code_challenge"], nonce, self.claims(nonce=nonce))
        return {"code": code, "state": wish["state"]}

    def answer(self, method: str, path: str, parameters: dict[str, str], headers: Mapping[str, str]) -> Answer:
        """Answer one request."""
        self.requests.append((path, parameters))
        if path in self.answers:
            return self.answers[path]
        match method, path:
            case "GET", "/.well-known/openid-configuration":
                return Answer.of(self.metadata)
            case "GET", "/jwks":
                return Answer.of({"keys": self.keys})
            case "POST", "/token":
                return self._tokens(parameters, headers.get("Authorization", ""))
            case _, "/userinfo":
                return self._userinfo(headers.get("Authorization", ""))
        name = path.removeprefix("/lb-keys/")
        found = self.lb_keys.get(name)
        return Answer(found, headers={"Content-Type": "text/plain"}) if found else Answer.of({"error": "unknown"}, 404)

    def _tokens(self, parameters: Mapping[str, str], authorization: str) -> Answer:
        granted = self._codes.pop(parameters.get("code", ""), None)
        if _client(parameters, authorization) != (CLIENT, SECRET):
            return Answer.of({"error": "invalid_client"}, 401)
        if granted is None or not _is_same(granted, parameters):
            return Answer.of({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(16)
        self._access[access] = granted.claims
        told = {"at_hash": half_digest(access)} if self.tells_at_hash else {}
        id_token = self.make_id_token({**granted.claims, **told})
        return Answer.of({"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": id_token})

    def _userinfo(self, authorization: str) -> Answer:
        claims = self._access.get(authorization.removeprefix("Bearer "))
        if claims is None:
            return Answer.of({"error": "invalid_token"}, 401)
        about = {name: value for name, value in claims.items() if name not in {"iss", "aud", "iat", "exp", "nonce"}}
        return Answer.of(self.change_userinfo(about))


class ForgingServer:
    """The one HTTP server; gives out providers below it."""

    def __init__(self) -> None:
        self._providers: dict[str, ForgingProvider] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def provider(self) -> ForgingProvider:
        """Make an honest provider with an issuer nobody has seen."""
        name = secrets.token_hex(6)
        self._providers[name] = ForgingProvider(f"{self.url}/{name}")
        return self._providers[name]

    def answer(self, method: str, target: str, body: str, headers: Mapping[str, str]) -> tuple[Answer, ForgingProvider]:
        """Find the provider and let it answer."""
        parts = urlsplit(target)
        _, name, path = ("/" + parts.path.lstrip("/") + "/").split("/", 2)
        provider = self._providers.get(name) or ForgingProvider(self.url)
        parameters = dict(parse_qsl(parts.query) + parse_qsl(body))
        return provider.answer(method, "/" + path.rstrip("/"), parameters, headers), provider

    @contextmanager
    def running(self) -> Iterator["ForgingServer"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._http.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Hands requests on; a client that has had enough may hang up."""

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                headers = {name: str(value) for name, value in self.headers.items()}
                answer, provider = server.answer(self.command, self.path, body, headers)
                try:
                    self._send(answer, provider)
                except OSError:
                    self.close_connection = True

            def _send(self, answer: Answer, provider: ForgingProvider) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.chunks is None:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                for piece in answer.chunks() if answer.chunks else [answer.body]:
                    self.wfile.write(piece)
                    provider.sent += len(piece)

            do_GET = do_POST = _serve  # noqa: N815 -- as http.server calls them

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def half_digest(access_token: str) -> str:
    """Give the `at_hash` of an access token (OpenID Connect Core 1.0, 3.1.3.6)."""
    return encoded(hashlib.sha256(access_token.encode()).digest()[:16])


def _client(parameters: Mapping[str, str], authorization: str) -> tuple[str, str]:
    """Read who the client is, from the form or from Basic (RFC 6749 2.3.1)."""
    if authorization.startswith("Basic "):
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return parameters.get("client_id", ""), parameters.get("client_secret", "")


def _is_same(granted: Granted, parameters: Mapping[str, str]) -> bool:
    """Tell whether this is the client that asked: it shows its verifier and names the same address (RFC 7636 4.6)."""
    verifier = parameters.get("code_verifier", "")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    long_enough = len(verifier) >= SMALLEST_VERIFIER
    return long_enough and challenge == granted.challenge and parameters.get("redirect_uri") == granted.redirect_uri
