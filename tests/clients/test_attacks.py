"""What a hostile or broken server, environment or disk can do to the client: nothing, and never a traceback."""

import importlib
import json
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytestmark = pytest.mark.slow
CLIENTS = Path(__file__).resolve().parents[2] / "clients"
TOKEN = f"cea_0123456789abcdef_{'x' * 43}"
OTHER = f"cea_fedcba9876543210_{'y' * 43}"
ME = {"email": "uploader@example.org", "token": {"scopes": ["upload"]}}


def soon(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**(more or {"hours": 1}))).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(**changes: Any) -> dict[str, Any]:
    """Give what the server says to POST /credentials."""
    good = {
        "access_key_id": "ASIAEXAMPLE",
        "secret_access_key": "a/b+c=",
        "session_token": "token==",
        "expires_at": soon(),
        "bucket": "cells",
        "prefix": "input/uploader@example.org/",
        "region": "eu-central-1",
        "endpoint_url": None,
    }
    return {name: value for name, value in {**good, **changes}.items() if value != "absent"}


class Stub(BaseHTTPRequestHandler):
    """Answers as it is told, and remembers who knocked."""

    answers: ClassVar[dict[str, Any]] = {}
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.path, self.headers.get("Authorization") or ""))
        found = self.answers.get(self.path.rpartition("/api/v1/")[2], {})
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        short = found == b"cut off"
        self.send_response(403 if short else 200)
        self.send_header("Content-Length", str(len(body) + 1000 * short))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET  # noqa: N815 -- as the library calls them

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stub() -> Iterator[str]:
    Stub.answers.clear()
    Stub.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def run(stub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Give the client's `main`, logged in to the stub, with a home of its own."""
    monkeypatch.syspath_prepend(str(CLIENTS))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "APPDATA", "CELLENIUM_URL", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "")
    logins = importlib.import_module("cellenium_access.logins")
    monkeypatch.delenv("CELLENIUM_TOKEN", raising=False)
    logins.keep(logins.Login(stub, TOKEN))
    main = importlib.import_module("cellenium_access.cli").main
    return lambda *words: int(main(list(words)))


HOSTILE = [
    {"session_token": "t\u2019; Start-Process calc; \u2019"},
    {"session_token": "t\nLD_PRELOAD=/tmp/x.so"},
    {"access_key_id": "A\n[default]\ncredential_process = calc"},
    {"secret_access_key": "a\x00b"},
    {"secret_access_key": {"a": 1}},
    {"region": "absent"},
    {"region": "eu\x00"},
    {"bucket": "absent"},
    {"prefix": "a\x1b[2J"},
    {"endpoint_url": "http://127.0.0.1:1\n[profile other]\ncredential_process = calc"},
    {"endpoint_url": "file:///etc"},
    {"expires_at": "9999-12-31T23:59:59-23:00"},
    {"expires_at": "9999-12-30T00:00:00Z"},
    {"expires_at": 3},
]


@pytest.mark.parametrize("form", ["powershell", "env", "aws-credentials", "profile", "credential-process"])
@pytest.mark.parametrize("change", HOSTILE)
def test_no_credentials_that_steer(
    change: dict[str, Any], form: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Stub.answers["credentials"] = answer(**change)
    assert run("credentials", "--format", form) == 1
    told = capsys.readouterr()
    assert (told.out, "server" in told.err) == ("", True)


def test_exec_with_a_hostile_answer_runs_nothing(run: Callable[..., int], tmp_path: Path) -> None:
    Stub.answers["credentials"] = answer(prefix="a\x00b")
    assert run("exec", "--", "touch", str(tmp_path / "ran")) == 1
    assert not (tmp_path / "ran").exists()


def test_a_good_answer_is_taken(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Stub.answers["credentials"] = answer(endpoint_url="http://127.0.0.1:9000")
    assert run("credentials", "--format", "credential-process") == 0
    assert json.loads(capsys.readouterr().out)["SessionToken"] == "token=="


def test_the_token_of_the_environment_goes_to_its_own_server_alone(
    run: Callable[..., int], stub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLENIUM_TOKEN", OTHER)
    monkeypatch.setenv("CELLENIUM_URL", "https://other.example.org")
    Stub.answers["me"] = ME
    assert run("whoami", "--server", stub) == 0
    assert Stub.seen == [("/api/v1/me", f"Bearer {TOKEN}")]


def test_a_token_for_loopback_does_not_pass_a_proxy(
    run: Callable[..., int], stub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stub)
    logins = importlib.import_module("cellenium_access.logins")
    logins.keep(logins.Login("http://localhost:9", TOKEN))
    assert run("whoami", "--server", "http://localhost:9") == 1
    assert Stub.seen == []


@pytest.mark.parametrize("server", ["https://[", "https://a..b", f"https://{'a' * 70}.example.org", "https://:x@b"])
def test_a_strange_address_is_told(
    server: str, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Namespace(readline=lambda _: TOKEN, isatty=lambda: False))
    assert run("login", server, "--token-stdin") in {1, 2}
    assert capsys.readouterr().err


def test_what_the_server_says_does_not_steer_the_terminal(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Stub.answers["me"] = {"email": "\x1b]0;owned\x07", "token": {"name": "\x1b[2J", "scopes": ["upload"]}}
    assert run("whoami") == 0
    assert "\x1b" not in "".join(capsys.readouterr())


def test_a_refusal_that_breaks_off_is_a_sentence(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Stub.answers["me"] = b"cut off"
    assert run("whoami") == 1
    assert "403" in capsys.readouterr().err


def test_a_directory_where_a_file_should_be(run: Callable[..., int], tmp_path: Path) -> None:
    place = tmp_path / ".config" / "cellenium-access" / "logins.json"
    place.unlink()
    place.mkdir()
    place.chmod(0o700)
    assert run("credentials") == 3


def begun(**changes: Any) -> dict[str, Any]:
    return {"id": "u", "state": "uploading", "size": 4, "part_size": 4, "part_count": 1, "parts": [], **changes}


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "a.h5ad").write_bytes(b"abcd")
    return str(tmp_path / "a.h5ad")


def test_an_upload_whose_last_answer_was_lost_is_not_sent_again(
    run: Callable[..., int], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = importlib.import_module("cellenium_access.uploading")
    server = importlib.import_module("cellenium_access.server")
    logins = importlib.import_module("cellenium_access.logins")
    sending = client.Sending(server.Server(logins.current()), Path(file))
    sending.upload = begun()
    sending._remember()
    Stub.answers["uploads/u"] = begun(state="received", uri="s3://cells/x")
    Stub.answers["uploads/u/complete"] = Stub.answers["uploads/u"]
    assert run("upload", file) == 0
    assert [path for path, _ in Stub.seen] == ["/api/v1/uploads/u", "/api/v1/uploads/u/complete"]


@pytest.mark.parametrize("state", ["held", "unrecognized", "removed", "expired", "cancelled"])
@pytest.mark.timeout(20)
def test_nobody_waits_for_an_import_that_does_not_come(state: str, run: Callable[..., int], file: str) -> None:
    client = importlib.import_module("cellenium_access.uploading")
    Stub.answers["uploads/u"] = begun(state=state, run=None)
    server = importlib.import_module("cellenium_access.server")
    logins = importlib.import_module("cellenium_access.logins")
    assert client.follow(server.Server(logins.current()), "u", "a.h5ad") == 1


def test_what_an_import_found_does_not_steer_the_terminal(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = importlib.import_module("cellenium_access.uploading")
    server = importlib.import_module("cellenium_access.server")
    logins = importlib.import_module("cellenium_access.logins")
    study = {"id": "i\x1b[2J", "name": "\x1b]0;owned\x07"}
    Stub.answers["uploads/u"] = begun(run={"state": "published", "study": study})
    monkeypatch.setattr("os.isatty", lambda _: True)
    assert client.follow(server.Server(logins.current()), "u", "a.h5ad") == 0
    assert "\x1b" not in "".join(capsys.readouterr())


def test_a_profile_named_counts_before_the_keys_of_the_environment(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text("[mine]\naws_access_key_id = AKIAMINE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    by_grant = importlib.import_module("cellenium_access.by_grant")
    assert by_grant.Aws(Namespace(profile="mine", no_profile=False)).key_id() == "AKIAMINE"
    assert by_grant.Aws(Namespace(profile=None, no_profile=False)).key_id() == "AKIAENVIRONMENT"
