"""The demo's servers and processes, their settings, and where their state is kept."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from typing import IO

from cellenium_admin.demo.client import DemoError
from cellenium_admin.demo.people import PEOPLE, PROJECT
from cellenium_admin.demo.provider import DemoProvider
from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedValkey, ServerProcess, Supervisor, free_port
from grants.sandbox.embedded import EmbeddedSandbox
from grants.sandbox.environment import written
from grants.sandbox.seeds import ADMINISTRATOR, BUCKET, PRODUCT

EVENT_QUEUE = f"cellenium-admin-{BUCKET}-events"
STATE = Path(os.environ.get("CELLENIUM_DEMO_DIR", PROJECT / ".demo"))


class House:
    """Everything the demo runs; its supervisor ends it all, however the demo ends."""

    def __init__(self) -> None:
        """Prepare the state directory; what is written into it can be read by this user alone."""
        os.umask(0o077)
        _passable(STATE)
        _passable(STATE / "postgres")
        for name in ("stores", "scratch"):
            (STATE / name).mkdir(exist_ok=True)
        self._lock = _lock(STATE / "lock")
        self.secrets = _load_secrets()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.postgres = EmbeddedPostgres(STATE / "postgres")
        self.valkey = EmbeddedValkey(STATE / "valkey")
        self.aws = EmbeddedSandbox(STATE / "aws", seed="demo")
        self.provider = DemoProvider(STATE, {person.email: list(person.groups) for person in PEOPLE})
        self.supervisor = Supervisor()

    def start_servers(self) -> None:
        """Start PostgreSQL, Valkey, the local AWS and the provider and put their addresses into our environment."""
        for name in ("postgres", "valkey", "aws", "provider"):
            self.supervisor.start(name, getattr(self, name))
        urls = self.postgres.bootstrap("cellenium")
        os.environ.update(self._environment(urls.app, urls.owner))

    def _environment(self, database_url: str, owner_url: str) -> dict[str, str]:
        return {
            "CELLENIUM_ENVIRONMENT": "development",
            "DJANGO_SETTINGS_MODULE": "cellenium_admin.settings.development",
            "CELLENIUM_URL": self.url,
            "CELLENIUM_SECRET_KEY": self.secrets["secret_key"],
            "CELLENIUM_DATABASE_URL": database_url,
            "CELLENIUM_DATABASE_OWNER_URL": owner_url,
            "CELLENIUM_REDIS_URL": self.valkey.url,
            "CELLENIUM_H5AD_STORE": f"s3://{BUCKET}",
            "CELLENIUM_STORE_DIR": str(STATE / "stores"),
            "CELLENIUM_SCRATCH_DIR": str(STATE / "scratch"),
            "CELLENIUM_SERVICE_ARN": f"arn:aws:iam::{self.aws.account}:user/{PRODUCT}",
            "CELLENIUM_ALLOWED_ORIGIN": self.url,
            "CELLENIUM_EVENT_QUEUE_URL": f"{self.aws.endpoint_url}/{self.aws.account}/{EVENT_QUEUE}",
            "CELLENIUM_EVENT_SECONDS": "1",
            "CELLENIUM_OPERATION_SECONDS": "2",
            # So that it is the bucket's events that bring the study in.
            "CELLENIUM_SCAN_SECONDS": "30",
            "CELLENIUM_SWEEP_SECONDS": "5",
            "CELLENIUM_LEASE_SECONDS": "15",
            **self.provider.settings(),
            # The product's processes may do what the product needs, and no more.
            **self.aws.environment(self.aws.users[PRODUCT]),
        }

    def start_processes(self) -> None:
        """Start the web server, a Celery worker and beat."""
        celery = [sys.executable, "-m", "celery", "--app", "cellenium_admin"]
        queues = "default,imports,compute"
        # An orphan's broker and database are gone as well, and a worker that waits for them would outlive the demo;
        # its job is taken back and run again at the next start.
        worker = [*celery, "worker", "--concurrency", "2", "--queues", queues, "--loglevel", "INFO"]
        self._add("worker", worker, signal.SIGKILL)
        self._add("beat", [*celery, "beat", "--schedule", str(STATE / "beat-schedule"), "--loglevel", "INFO"])
        gunicorn = [sys.executable, "-m", "gunicorn", "cellenium_admin.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        self._add("web", [*gunicorn, "--workers", "1", "--threads", "8", "--worker-tmp-dir", str(STATE)])

    def _add(self, name: str, command: list[str], death_signal: signal.Signals = signal.SIGTERM) -> None:
        log = STATE / "logs" / f"{name}.log"
        process = ServerProcess(command, log=log, env=dict(os.environ), cwd=PROJECT, death_signal=death_signal)
        self.supervisor.start(name, process)

    def write_environment(self) -> None:
        """Write `.demo/env`, which lets curl, the AWS CLI and manage.py talk to the demo as its administrator."""
        ours = {name: value for name, value in os.environ.items() if name.startswith("CELLENIUM_")}
        tokens = {name: value for name, value in self.secrets.items() if name.startswith("CELLENIUM_TOKEN_")}
        account = self.aws.environment(self.aws.users[ADMINISTRATOR])
        write_private(
            STATE / "env", written(ours | account | tokens | {"CELLENIUM_DEMO_PASSWORD": self.secrets["password"]})
        )

    def save_secrets(self) -> None:
        """Keep passwords and tokens for the next start."""
        write_private(STATE / "secrets.json", json.dumps(self.secrets, indent=1))

    def close(self) -> None:
        """Take back the sign that all answers, and let the next demo in."""
        (STATE / "ready").unlink(missing_ok=True)
        self._lock.close()


def write_private(path: Path, text: str) -> None:
    """Write a file that was never readable for others, not even for a moment."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    temporary.replace(path)


def clean() -> None:
    """Remove the demo's state, with what PostgreSQL keeps elsewhere when root cannot share the project's folder."""
    if not STATE.exists():
        return
    lock = _lock(STATE / "lock")
    EmbeddedPostgres(STATE / "postgres").destroy()
    shutil.rmtree(STATE)
    lock.close()


def _passable(directory: Path) -> None:
    """Let the account PostgreSQL runs as under root pass through, without seeing what is there."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)


def _lock(path: Path) -> IO[str]:
    stream = path.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DemoError("Another `make demo` is running in this directory: stop it with Ctrl-C first.") from error
    return stream


def _load_secrets() -> dict[str, str]:
    path = STATE / "secrets.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    return {"secret_key": secrets.token_urlsafe(50), "password": secrets.token_urlsafe(12)}
