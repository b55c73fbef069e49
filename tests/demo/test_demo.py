"""`make demo` as a stranger runs it, in a directory of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
AWS = ROOT / ".venv-awscli" / "bin" / "aws"
ACCOUNT = ("--account-id", "123456789012")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Demo:
    """One `python -m cellenium_admin.demo` and the state it keeps."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        self.runs = 0

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CELLENIUM_", "DJANGO_"))}
        return clean | {"CELLENIUM_DEMO_DIR": str(self.directory)}

    def run(self, *options: str) -> subprocess.Popen[bytes]:
        self.runs += 1
        with self.output_file().open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cellenium_admin.demo", *options],
                cwd=ROOT,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def output_file(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.{self.runs}.log")

    def once(self) -> str:
        status = self.run("--once").wait(timeout=200)
        output = self.output_file().read_text()
        assert status == 0, output + self.worker_log()
        return output

    def worker_log(self) -> str:
        log = self.directory / "logs" / "worker.log"
        return log.read_text()[-8000:] if log.exists() else ""

    def serve(self) -> None:
        process = self.run()
        deadline = time.monotonic() + 200
        while not (self.directory / "ready").exists():
            assert process.poll() is None, self.output_file().read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def variables(self) -> dict[str, str]:
        script = f"set -a; . {self.directory}/env; env -0"
        output = subprocess.run(["sh", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True)
        return dict(line.split("=", 1) for line in output.stdout.decode().split("\0") if "=" in line)

    def processes(self) -> list[psutil.Process]:
        """Every process that has our directory in its command line, environment or open files."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            environment = process.environ()
            command = " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False
        return str(self.directory) in command or environment.get("CELLENIUM_DEMO_DIR") == str(self.directory)


@pytest.fixture
def demo() -> Iterator[Demo]:
    directory = Path(tempfile.mkdtemp(prefix="demo-", dir=ROOT / ".test"))
    demo = Demo(directory)
    yield demo
    if demo.process and demo.process.poll() is None:
        demo.process.kill()
    demo.run("--clean").wait(60)
    shutil.rmtree(directory, ignore_errors=True)


def call(variables: dict[str, str], who: str, path: str) -> dict[str, object]:
    token = variables[f"CELLENIUM_TOKEN_{who}"]
    request = urllib.request.Request(
        f"{variables['CELLENIUM_URL']}/api/v1{path}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def aws(variables: dict[str, str], *command: str) -> str:
    done = subprocess.run([AWS, *command], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def product_keys_write_below_the_scan_prefix_alone(demo: Demo) -> None:
    variables = demo.variables()
    key = json.loads((demo.directory / "aws" / "users.json").read_text())["cellenium-admin"]
    product = variables | {
        "AWS_ACCESS_KEY_ID": key["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": key["secret_access_key"],
    }
    for process in demo.processes():
        if "gunicorn" in " ".join(process.cmdline()):
            assert process.environ()["AWS_ACCESS_KEY_ID"] == key["access_key_id"]
    assert "pbmc68k_reduced.h5ad" in aws(product, "s3", "ls", "--recursive", variables["CELLENIUM_H5AD_STORE"])
    refused = [AWS, "s3", "cp", str(demo.output_file()), f"{variables['CELLENIUM_H5AD_STORE']}/elsewhere/new.h5ad"]
    done = subprocess.run(refused, env=product, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "AccessDenied" in done.stderr


def assert_nothing_left(demo: Demo) -> None:
    deadline = time.monotonic() + 15
    while (left := demo.processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left, [process.cmdline() for process in left]


def once_shows_the_main_job_and_leaves_nothing_running(demo: Demo) -> None:
    output = demo.once()
    assert re.search(r"700 cells, 765 genes", output)
    assert len(re.findall(r"^      \S+ +\d+\.\d\d +\d+\.\d\d +\d\.\d\de-\d+", output, re.MULTILINE)) == 10
    assert len(re.findall(r"r = [+-]0\.\d{3}", output)) == 10
    assert re.search(r"audit verify: ok \(\d+ events\)", output)
    assert_nothing_left(demo)


def served_again_it_does_nothing_twice_and_answers_whoever_has_its_environment(demo: Demo) -> None:
    demo.serve()
    variables = demo.variables()
    assert (demo.directory / "env").stat().st_mode & 0o777 == 0o600
    assert len(call(variables, "UPLOADER", "/studies")["results"]) == 1
    assert call(variables, "STRANGER", "/studies")["results"] == []
    events = call(variables, "CURATOR", "/audit-events?limit=200")["results"]
    actions = [event["action"] for event in events]
    assert [actions.count(action) for action in ("upload.found", "import.published", "study.created")] == [1, 1, 1]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        call(variables, "STRANGER", "/audit-events")
    listing = aws(variables, "s3", "ls", "--recursive", variables["CELLENIUM_H5AD_STORE"])
    assert "input/uploader@example.org/pbmc68k_reduced.h5ad" in listing
    assert "AccessGrantsInstancesList" in aws(variables, "s3control", "list-access-grants-instances", *ACCOUNT)
    assert json.loads(aws(variables, "sts", "get-caller-identity"))["Arn"].endswith(":user/administrator")
    verified = subprocess.run(
        [sys.executable, "manage.py", "audit", "verify"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "audit verify: ok" in verified.stdout


def a_second_demo_in_the_same_place_is_refused(demo: Demo) -> None:
    first = demo.process
    assert demo.run("--once").wait(timeout=30) == 1
    assert "Another `make demo` is running" in demo.output_file().read_text()
    demo.process = first
    assert first is not None
    assert first.poll() is None


def ctrl_c_ends_everything(demo: Demo) -> None:
    assert demo.process
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) in (0, 130)
    assert not (demo.directory / "ready").exists()
    assert_nothing_left(demo)


def kill_9_leaves_no_process_behind_and_the_state_usable(demo: Demo) -> None:
    demo.serve()
    assert demo.process
    demo.process.kill()
    demo.process.wait(10)
    assert_nothing_left(demo)
    assert "audit verify: ok" in demo.once()


def test_the_demo_from_first_start_to_kill_9(demo: Demo) -> None:
    """One story in one test: each part goes on from the state the one before has left."""
    (demo.directory / "seaweedfs").mkdir()  # as demos before the local AWS left one
    once_shows_the_main_job_and_leaves_nothing_running(demo)
    served_again_it_does_nothing_twice_and_answers_whoever_has_its_environment(demo)
    product_keys_write_below_the_scan_prefix_alone(demo)
    a_second_demo_in_the_same_place_is_refused(demo)
    ctrl_c_ends_everything(demo)
    kill_9_leaves_no_process_behind_and_the_state_usable(demo)
