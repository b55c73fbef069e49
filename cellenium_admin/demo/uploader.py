"""The uploader's half: temporary credentials for one's own prefix, an upload with the AWS CLI, a refusal next door."""

import os
import subprocess
from pathlib import Path
from typing import Any

from cellenium_admin.demo.browser import Browser
from cellenium_admin.demo.client import DemoError
from cellenium_admin.demo.people import PROJECT
from cellenium_admin.demo.tour import say

AWS_CLI = PROJECT / ".venv-awscli" / "bin" / "aws"


def upload(person: Browser, neighbour_prefix: str, path: Path) -> str:
    """Put the file under the person's own prefix as they would by hand, and give where it lies.

    Raises DemoError where AWS does not answer as it must.
    """
    issued = person.call("POST", "/credentials", {"purpose": "upload"})
    say(
        f"      {issued['prefix']} is open to them until {issued['expires_at'][:16]} (issuance {issued['issuance_id']})"
    )
    target = f"s3://{issued['bucket']}/{issued['prefix']}{path.name}"
    if _size(issued, target) == path.stat().st_size:
        say(f"      {target} is there from an earlier run")
    else:
        _expect(_aws(issued, "s3", "cp", "--no-progress", str(path), target))
        say(f"      aws s3 cp {path.name} {target}")
    _refused(issued, path, f"s3://{issued['bucket']}/{neighbour_prefix}{path.name}")
    return target


def _refused(issued: dict[str, Any], path: Path, target: str) -> None:
    attempt = _aws(issued, "s3", "cp", "--no-progress", str(path), target)
    if attempt.returncode == 0 or "AccessDenied" not in attempt.stderr:
        raise DemoError(f"The uploader could write to {target}: {attempt.stdout}{attempt.stderr}")
    say(f"      aws s3 cp {path.name} {target}: AccessDenied")


def _size(issued: dict[str, Any], target: str) -> int | None:
    found = _aws(issued, "s3", "ls", target)
    rows = [line.split(maxsplit=3) for line in found.stdout.splitlines()]
    name = target.rpartition("/")[2]
    return next((int(row[2]) for row in rows if len(row) == 4 and row[3] == name), None)


def _aws(issued: dict[str, Any], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the AWS CLI with what the server has handed out, and nothing else it could find."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": issued["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": issued["secret_access_key"],
        "AWS_SESSION_TOKEN": issued["session_token"],
        # One of the two is read by each of the AWS CLI's two generations.
        "AWS_REGION": issued["region"],
        "AWS_DEFAULT_REGION": issued["region"],
        "AWS_ENDPOINT_URL": issued["endpoint_url"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return subprocess.run(  # noqa: S603 -- our own arguments
        [str(AWS_CLI), *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def _expect(done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode != 0:
        raise DemoError(f"{' '.join(done.args)} failed: {done.stdout}{done.stderr}")
