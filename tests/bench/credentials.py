"""What issuing costs beside the bare STS call on the same sandbox: `python -m tests.bench.credentials`.

Both in turns, request by request, so that whatever else this machine does meets both: `POST /api/v1/credentials` of a
gunicorn with one worker of eight threads, over one connection that stays open for each client, and AssumeRole with the
same session policy by boto3, with a client of its own for each. PostgreSQL is durable here: both commits of a request
wait for the disk. `--few` measures shorter, `--json FILE` writes the numbers.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellenium_admin.core import prefixes
from cellenium_admin.embedded.ports import free_port
from grants import stack_policies, uploader_policies
from grants.sandbox.embedded import EmbeddedSandbox
from tests.bench.audit import database
from tests.support.sandbox import Aws, allow

ROOT = Path(__file__).resolve().parents[2]
BUCKET, EMAIL = "bench-credentials", "uploader@example.org"
CLIENTS = (1, 8)
PATIENCE = 60


def prepare(aws: Aws, sandbox: EmbeddedSandbox) -> dict[str, str]:
    """Make the bucket, the service's user and the importer role; give the environment of the server."""
    aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    service = aws.make_user(allow(["sts:*", "s3:*"]), name="bench-service")
    role = aws.make_role(
        stack_policies.importer_trust(service["Arn"]),
        stack_policies.importer_role(BUCKET, "input/"),
        name="bench-importer",
    )
    return {
        **sandbox.environment(service),
        "CELLENIUM_H5AD_STORE": f"s3://{BUCKET}",
        "CELLENIUM_IMPORTER_ROLE_ARN": role,
        "CELLENIUM_CREDENTIALS_PER_HOUR": "1000000",
    }


@contextmanager
def server(log: Path, *, threads: int = 8) -> Iterator[int]:
    """Run the web server as it is deployed, and give its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", str(threads)]
    command += ["--bind", f"127.0.0.1:{port}"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "cellenium_admin.wsgi"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_for(port, process, log)
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server answers. Raises RuntimeError when it does not come up."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/live")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"The server did not start: {log.read_text()[-2000:]}")


class Pair:
    """One client of both: the API over an open connection, and STS."""

    def __init__(self, port: int, token: str, service: dict[str, str], aws: Aws) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._role = service["CELLENIUM_IMPORTER_ROLE_ARN"]
        keys = {"AccessKeyId": service["AWS_ACCESS_KEY_ID"], "SecretAccessKey": service["AWS_SECRET_ACCESS_KEY"]}
        self._sts = aws("sts", keys)
        policy = uploader_policies.session_policy(BUCKET, prefixes.prefix_for(EMAIL), purpose="upload")
        self._policy = uploader_policies.written(policy)

    def issue(self) -> None:
        """Take credentials from the product."""
        self._connection.request("POST", "/api/v1/credentials", b'{"purpose": "upload"}', self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == http.HTTPStatus.CREATED, body

    def assume(self) -> None:
        """Take them from STS, with the same policy, name and identity."""
        self._sts.assume_role(
            RoleArn=self._role,
            RoleSessionName=uuid.uuid4().hex,
            DurationSeconds=3600,
            Policy=self._policy,
            SourceIdentity=str(uuid.uuid4()),
        )


def timed(call: Callable[[], None]) -> float:
    """Give the milliseconds of a call."""
    started = time.monotonic()
    call()
    return (time.monotonic() - started) * 1000


def measured(clients: list[Pair], rounds: int) -> dict[str, Any]:
    """Let all clients ask both in turns; each time all clients ask the same at once."""
    barrier = threading.Barrier(len(clients), timeout=PATIENCE)
    took: dict[str, list[float]] = {"issue": [], "assume": []}
    failures: list[BaseException] = []

    def ask(pair: Pair) -> None:
        try:
            for number in range(rounds + 3):
                for name in ("assume", "issue") if number % 2 else ("issue", "assume"):
                    barrier.wait()
                    milliseconds = timed(getattr(pair, name))
                    if number >= 3:  # what comes before makes connections
                        took[name].append(milliseconds)
        except BaseException as error:  # noqa: BLE001 -- raised again below
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=ask, args=(pair,)) for pair in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return summary(len(clients), took)


def summary(clients: int, took: dict[str, list[float]]) -> dict[str, Any]:
    """Give medians and the 95th percentiles, their ratio, and the difference of each pair of calls."""
    added = sorted(issue - assume for issue, assume in zip(took["issue"], took["assume"], strict=True))
    found: dict[str, Any] = {"clients": clients, "requests": len(added)}
    for name, values in (*took.items(), ("added", added)):
        found[name] = {"median": statistics.median(values), "p95": sorted(values)[int(len(values) * 0.95)]}
    found["ratio"] = {at: found["issue"][at] / found["assume"][at] for at in ("median", "p95")}
    return found


def told(results: list[dict[str, Any]]) -> str:
    """Write the table."""
    heads = ("issue ms", "p95", "STS ms", "p95", "ratio", "p95", "added ms", "p95")
    lines = [f"{'clients':>7}{'requests':>10}" + "".join(f"{head:>10}" for head in heads)]
    for one in results:
        pairs = [(one[name][at], 2 if name == "ratio" else 1) for name in COLUMNS for at in ("median", "p95")]
        lines.append(f"{one['clients']:7}{one['requests']:10}" + "".join(f"{value:10.{n}f}" for value, n in pairs))
    return "\n".join(lines)


COLUMNS = ("issue", "assume", "ratio", "added")


def person_with_a_token() -> str:
    """Make somebody with a prefix, and give a token of theirs."""
    from tests.builders.people import person, token_of

    return token_of(person("uploader", upload_prefix=prefixes.prefix_for(EMAIL)), ("upload",))


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", action="store_true", help="measure shorter")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    with database(), tempfile.TemporaryDirectory(prefix="bench-credentials-", dir="/var/tmp") as directory:
        sandbox = EmbeddedSandbox(Path(directory) / "aws")
        sandbox.start()
        try:
            aws = Aws(sandbox)
            service = prepare(aws, sandbox)
            os.environ.update(service)
            token = person_with_a_token()
            results = []
            with server(Path(directory) / "gunicorn.log") as port:
                for clients in CLIENTS:
                    pairs = [Pair(port, token, service, aws) for _ in range(clients)]
                    results.append(measured(pairs, (400 if clients == 1 else 100) // (10 if options.few else 1)))
        finally:
            sandbox.stop()
    print(told(results), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
