"""The client with a login at a real server: credentials, `credential_process` of the AWS CLI, uploads."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cellenium_admin.core.models import User
from grants.sandbox.embedded import EmbeddedSandbox
from imports.models import Upload
from tests.builders.people import token_of
from tests.clients.conftest import CLIENT
from tests.sandbox.conftest import put_right
from tests.support.my_pages import Store, store, uploader

__all__ = ["put_right", "store", "uploader"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(300)]
MIB = 1024**2
AWS_CLI = Path(__file__).resolve().parents[2] / ".venv-awscli" / "bin" / "aws"
TOKEN = f"cea_0123456789abcdef_{'x' * 43}"


class Home:
    """Somebody's terminal: a home of its own, nothing in the environment."""

    def __init__(self, directory: Path, server: str) -> None:
        self.directory, self.server = directory, server
        self.variables = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "AWS_EC2_METADATA_DISABLED": "true"}

    def run(self, *words: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return self.program(sys.executable, str(CLIENT), *words, given=given, **more)

    def program(self, *words: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.variables, **more}
        return subprocess.run(
            words,
            env=environment,
            cwd=self.directory,
            input=given,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def good(self, *words: str, given: str = "") -> str:
        done = self.run(*words, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log_in(self, token: str) -> None:
        self.good("login", self.server, "--token-stdin", given=f"{token}\n")


@pytest.fixture
def home(tmp_path: Path, live_server: Any) -> Home:
    return Home(tmp_path, str(live_server))


@pytest.fixture
def mine(home: Home, store: Store, uploader: User) -> Home:
    home.log_in(token_of(uploader, ["read", "upload"]))
    return home


def test_a_login_is_kept_for_its_owner_alone(mine: Home, uploader: User) -> None:
    kept = mine.directory / ".config" / "cellenium-access" / "logins.json"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert f"{uploader.email} at {mine.server}, uploads to {uploader.upload_prefix}" in mine.good("whoami")
    mine.good("logout")
    assert mine.run("credentials").returncode == 3
    assert "cea_" not in kept.read_text()


def test_a_token_the_server_does_not_know_is_not_kept(home: Home, store: Store) -> None:
    done = home.run("login", home.server, "--token-stdin", given=TOKEN)
    assert (done.returncode, "not known" in done.stderr) == (1, True)
    assert not (home.directory / ".config").exists()
    assert TOKEN not in done.stderr + done.stdout


def test_credentials_in_every_format_and_out_of_the_cache(mine: Home) -> None:
    found = json.loads(mine.good("credentials", "--format", "json"))
    process = json.loads(mine.good("credentials", "--format", "credential-process"))
    assert process == {"Version": 1, **found}
    for name in ("env", "shell", "powershell", "aws-credentials"):
        assert found["SessionToken"] in mine.good("credentials", "--format", name)
    other = json.loads(mine.good("credentials", "--format", "json", "--purpose", "read"))
    anew = json.loads(mine.good("credentials", "--format", "json", "--no-cache"))
    assert len({found["AccessKeyId"], other["AccessKeyId"], anew["AccessKeyId"]}) == 3
    for kept in (mine.directory / ".cache" / "cellenium-access").iterdir():
        assert kept.stat().st_mode & 0o777 == 0o600
        kept.write_bytes(b"\xff not json")
    assert json.loads(mine.good("credentials", "--format", "json"))["AccessKeyId"] != found["AccessKeyId"]


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[]", b"3", b'{"Expiration": 3}', b"[" * 9999, b'{"a": "b"}'])
def test_a_damaged_cache_is_no_cache(damage: bytes, mine: Home) -> None:
    mine.good("credentials", "--format", "json")
    for kept in (mine.directory / ".cache" / "cellenium-access").iterdir():
        kept.write_bytes(damage)
    assert json.loads(mine.good("credentials", "--format", "json"))["SecretAccessKey"]


def test_the_aws_cli_by_credential_process(mine: Home, store: Store, uploader: User, sandbox: EmbeddedSandbox) -> None:
    """Show 4: a multipart copy, a sync, new credentials once the old are over, a denied neighbour."""
    config = mine.directory / "config"
    config.write_text(mine.good("credentials", "--format", "profile", "--name", "mine", "--duration", "15m"))
    big, folder = mine.directory / "big.h5ad", mine.directory / "many"
    big.write_bytes(os.urandom(20 * MIB))
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.h5ad").write_bytes(b"x" * number)
    own = f"s3://{store.bucket}/{uploader.upload_prefix}"

    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        return mine.program(str(AWS_CLI), *words, AWS_CONFIG_FILE=str(config), AWS_PROFILE="mine")

    assert cli("s3", "cp", "--no-progress", str(big), own).returncode == 0, cli("s3", "ls", own)
    assert store.content(f"{uploader.upload_prefix}big.h5ad") == big.read_bytes()
    assert cli("s3", "sync", str(folder), f"{own}many/").returncode == 0
    assert len(cli("s3", "ls", "--recursive", own).stdout.splitlines()) == 6
    for denied in ("input/neighbour@example.org/", "", "input/"):
        assert "AccessDenied" in cli("s3", "cp", str(big), f"s3://{store.bucket}/{denied}x.h5ad").stderr
        assert "AccessDenied" in cli("s3", "ls", f"s3://{store.bucket}/{denied}").stderr
    before = kept_keys(mine)
    sandbox.control.move_clock(3600)
    expire(mine)
    assert cli("s3", "ls", own).returncode == 0
    assert not before & kept_keys(mine)


def kept_keys(home: Home) -> set[str]:
    found = [json.loads(path.read_text()) for path in (home.directory / ".cache" / "cellenium-access").glob("*.json")]
    return {one["AccessKeyId"] for one in found if "AccessKeyId" in one}


def expire(home: Home) -> None:
    """Let what is kept be over, as it is by the clock of AWS."""
    for path in (home.directory / ".cache" / "cellenium-access").glob("*.json"):
        kept = json.loads(path.read_text())
        if "Expiration" in kept:
            kept["Expiration"] = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            path.write_text(json.dumps(kept))


def test_exec_gives_what_a_program_needs(mine: Home, store: Store, uploader: User) -> None:
    done = mine.run("exec", "--", sys.executable, "-c", "import os; print(os.environ['CELLENIUM_PREFIX']); exit(7)")
    assert (done.returncode, done.stdout.strip()) == (7, f"s3://{store.bucket}/{uploader.upload_prefix}")
    strange = {"AWS_PROFILE": "strange", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = mine.run("exec", "--", str(AWS_CLI), "s3", "ls", f"s3://{store.bucket}/{uploader.upload_prefix}", **strange)
    assert (done.returncode, done.stderr.strip().count("\n")) == (1, 0), "an empty list, and when the credentials end"


def test_a_file_is_uploaded_and_gone_on_with(mine: Home, store: Store, uploader: User) -> None:
    file = mine.directory / "my study.h5ad"
    file.write_bytes(os.urandom(20 * MIB))
    words = [sys.executable, str(CLIENT), "upload", str(file)]
    with subprocess.Popen(words, env=mine.variables, stderr=subprocess.PIPE) as running:
        until = time.monotonic() + 60
        while not (store.unfinished() and store.parts()):
            assert time.monotonic() < until
            if running.poll() is not None:
                break
        running.kill()
    mine.good("upload", str(file))
    upload = Upload.objects.get()
    assert (upload.state, upload.filename, upload.owner) == ("received", "my study.h5ad", uploader)
    assert store.content(upload.uri.split("/", 3)[3]) == file.read_bytes()


def test_another_file_of_the_same_name_begins_anew(mine: Home, store: Store) -> None:
    file = mine.directory / "a.h5ad"
    file.write_bytes(b"a" * MIB)
    facts = file.stat()
    mine.good("upload", str(file))
    file.write_bytes(b"b" * MIB)
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    mine.good("upload", str(file))
    assert Upload.objects.filter(state="received").count() == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["upload", "nothing.h5ad"], 2),
        (["credentials", "--duration", "5m"], 2),
        (["credentials", "--prefix", "input/neighbour@example.org/"], 1),
        (["credentials", "--format", "profile", "--name", "default"], 2),
        (["credentials", "--format", "profile", "--name", "a]\n[default"], 2),
        (["credentials", "--format", "profile", "--name", "a\nb = c"], 2),
        (["login", "http://example.org"], 2),
        (["login", "https://user@example.org"], 2),
        (["exec"], 2),
    ],
)
def test_wrong_usage_says_what_to_type(words: list[str], code: int, mine: Home) -> None:
    done = mine.run(*words, given=TOKEN)
    assert (done.returncode, "Traceback" in done.stderr, done.stdout) == (code, False, "")
    assert done.stderr


class Hostile(BaseHTTPRequestHandler):
    """A server that means harm; `answer` says which."""

    answer: ClassVar[str] = ""
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers.get('Authorization')}")
        bodies = {
            "endless": b'{"email": "' + b"x" * (20 * MIB),
            "escapes": json.dumps({"detail": "\x1b]0;owned\x07"}).encode(),
            "list": b"[]",
            "no json": b"<html>",
            "deep": b"[" * 100_000,
        }
        if self.answer == "redirect":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.end_headers()
            return
        self.send_response(403 if self.answer == "escapes" else 200)
        self.end_headers()
        try:
            self.wfile.write(bodies[self.answer])
        except OSError:
            return

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[str]:
    Hostile.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("answer", ["redirect", "endless", "escapes", "list", "no json", "deep"])
def test_a_hostile_server_gets_nothing_and_steers_nothing(answer: str, hostile: str, tmp_path: Path) -> None:
    Hostile.answer = answer
    done = Home(tmp_path, hostile).run("login", hostile, "--token-stdin", given=TOKEN)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "\x1b" not in done.stderr
    assert all(one.startswith("/api/v1/me ") for one in Hostile.seen)
    assert TOKEN not in done.stderr + done.stdout


def test_the_same_file_is_packed_each_time(tmp_path: Path) -> None:
    build = CLIENT.parent / "build.py"
    made = [tmp_path / "one.pyz", tmp_path / "two.pyz"]
    for path in made:
        subprocess.run([sys.executable, str(build), str(path)], check=True, capture_output=True)
    assert made[0].read_bytes() == made[1].read_bytes()
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(made[0]), "--help"], capture_output=True, text=True, check=True
    )
    assert "upload" in done.stdout
