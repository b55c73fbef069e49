"""What the front costs beside SeaweedFS alone, and how 100,000 grants are borne: `python -m tests.bench.sandbox`.

One client code for both, in processes, each with one connection that stays open and a signature for every request.
`--full` measures longer.
"""

import argparse
import http.client
import multiprocessing
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from grants.sandbox.assembly import Sandbox
from grants.sandbox.embedded import EmbeddedSandbox
from grants.sandbox.seaweed import SeaweedFS
from tests.support.sandbox import Aws, allow, document

PROCESSES = multiprocessing.get_context("fork")
KIB, MIB = 1024, 1024 * 1024
BUCKET, LARGE, GRANTS = "bench-data", 64 * MIB, 100_000
LOCATION = (
    b'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>"
)
KEYS = ("AKIABENCHBENCHBENCH2", "only-for-benchmarks-and-nowhere-else-0000")


class Client:
    """One connection to an S3 server that signs each request."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url, self._credentials = url, credentials
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def ask(self, method: str, path: str, body: bytes = b"") -> int:
        """Make a request, read its answer, and give the number of bytes; an error when it is refused."""
        request = AWSRequest(method, f"{self._url}{path}", data=body)
        S3SigV4Auth(self._credentials, "s3", "eu-central-1").add_auth(request)
        self._connection.request(method, path, body, dict(request.headers.items()))
        answer = self._connection.getresponse()
        size = 0
        while piece := answer.read(MIB):
            size += len(piece)
        assert answer.status == http.HTTPStatus.OK, f"{method} {path}: {answer.status}"
        return size


@dataclass(frozen=True)
class Target:
    """A server to measure."""

    url: str
    access_key_id: str
    secret_access_key: str

    def client(self) -> Client:
        """Make a client of it."""
        return Client(self.url, Credentials(self.access_key_id, self.secret_access_key))


Work = Callable[[Client, int], Any]
WORK: dict[str, Work] = {
    "PUT 1 KiB": lambda client, number: client.ask("PUT", f"/{BUCKET}/put/{number % 1000}", b"x" * KIB),
    "GET 1 KiB": lambda client, number: client.ask("GET", f"/{BUCKET}/small/{number % 100:03}"),
    "HEAD": lambda client, number: client.ask("HEAD", f"/{BUCKET}/small/{number % 100:03}"),
    "LIST of 100": lambda client, _: client.ask("GET", f"/{BUCKET}?list-type=2&prefix=small%2F"),
    "GET 64 MiB": lambda client, _: client.ask("GET", f"/{BUCKET}/large"),
}


def requests_per_second(target: Target, work: str, clients: int, seconds: float) -> float:
    """Measure what all clients together get through."""
    barrier, counts = PROCESSES.Barrier(clients), PROCESSES.Queue()
    processes = [PROCESSES.Process(target=_ask, args=(target, work, barrier, seconds, counts)) for _ in range(clients)]
    for process in processes:
        process.start()
    total = sum(counts.get(timeout=seconds + 30) for _ in processes)
    for process in processes:
        process.join()
    return total


def _ask(target: Target, work: str, barrier: Barrier, seconds: float, counts: Any) -> None:
    client, count = target.client(), 0
    WORK[work](client, 0)
    barrier.wait()
    started = time.monotonic()
    while (now := time.monotonic()) < started + seconds or not count:
        WORK[work](client, count)
        count += 1
    del now
    counts.put(count / (time.monotonic() - started))


def fill(client: Client) -> None:
    """Make what the requests read."""
    client.ask("PUT", f"/{BUCKET}", LOCATION)
    for number in range(100):
        client.ask("PUT", f"/{BUCKET}/small/{number:03}", b"x" * KIB)
    client.ask("PUT", f"/{BUCKET}/large", b"x" * LARGE)


def compare(alone: Target, front: Target, seconds: float) -> None:
    """Print both beside each other, one right after the other."""
    print(f"{'':14}{'clients':>8}{'SeaweedFS/s':>13}{'front/s':>10}{'ratio':>8}", flush=True)
    for work in WORK:
        for clients in (1, 8):
            direct = requests_per_second(alone, work, clients, seconds)
            through = requests_per_second(front, work, clients, seconds)
            print(f"{work:14}{clients:8}{direct:13.1f}{through:10.1f}{through / direct:8.2f}", flush=True)


@contextmanager
def seaweedfs_alone(directory: Path) -> Iterator[Target]:
    """Start SeaweedFS with the sandbox's options and one user."""
    server = SeaweedFS(directory, account="123456789012")
    server.start()
    try:
        server.put_user("bench", [allow("s3:*")])
        server.put_key("bench", *KEYS, active=True)
        yield Target(server.endpoint_url, *KEYS)
    finally:
        server.stop()


def seed(directory: Path, count: int) -> tuple[float, Mapping[str, str]]:
    """Make a user, a bucket, a location and many grants; give the seconds the grants took, and the user's keys."""
    sandbox = EmbeddedSandbox(directory)
    sandbox.start()
    aws = Aws(sandbox)
    user = aws.make_user(allow(["s3:*"]), name="bench-user")
    aws("s3").create_bucket(Bucket="bench-grants", CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "access-grants.s3.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
    }
    role = aws.make_role(document(trust), allow("s3:*"), name="bench-location")
    control = aws("s3control")
    control.create_access_grants_instance(AccountId=sandbox.account)
    location = control.create_access_grants_location(
        AccountId=sandbox.account, LocationScope="s3://bench-grants", IAMRoleArn=role
    )["AccessGrantsLocationId"]
    sandbox.stop()
    return _seed_grants(directory, location, user["Arn"], count), user


def _seed_grants(directory: Path, location: str, grantee: str, count: int) -> float:
    sandbox = Sandbox(directory)
    try:
        started = time.monotonic()
        sandbox.access_grants.seed_grants(
            {
                "AccessGrantsLocationId": location,
                "AccessGrantsLocationConfiguration": {"S3SubPrefix": f"project-{number:06}/*"},
                "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": grantee},
                "Permission": "READ",
            }
            for number in range(count)
        )
        return time.monotonic() - started
    finally:
        sandbox.close()


def list_all(control: Any, account: str, count: int) -> tuple[float, int]:
    """List all grants through pages; give seconds and pages, an error when one is missing or twice there."""
    started, pages, scopes = time.monotonic(), 0, []
    parameters: dict[str, Any] = {"AccountId": account, "MaxResults": 1000}
    while True:
        page = control.list_access_grants(**parameters)
        pages += 1
        scopes += [grant["GrantScope"] for grant in page["AccessGrantsList"]]
        if not (token := page.get("NextToken")):
            break
        parameters["NextToken"] = token
    expected = [f"s3://bench-grants/project-{number:06}/*" for number in range(count)]
    assert sorted(scopes) == expected, f"{len(scopes)} grants listed, {count} seeded"
    return time.monotonic() - started, pages


def data_access(control: Any, account: str, count: int, calls: int) -> list[float]:
    """Ask for credentials for scopes all over the grants; give the milliseconds of each call."""
    took = []
    for number in range(calls):
        target = f"s3://bench-grants/project-{number * 7919 % count:06}/*"
        started = time.monotonic()
        control.get_data_access(AccountId=account, Target=target, Permission="READ")
        took.append((time.monotonic() - started) * 1000)
    return sorted(took)


def grants(directory: Path, calls: int) -> None:
    """Print how many grants are borne and how fast."""
    seconds, user = seed(directory, GRANTS)
    print(f"{GRANTS} grants seeded in {seconds:.1f} s", flush=True)
    sandbox = EmbeddedSandbox(directory)
    started = time.monotonic()
    sandbox.start()
    try:
        print(f"the sandbox with them started in {time.monotonic() - started:.1f} s", flush=True)
        aws = Aws(sandbox)
        seconds, pages = list_all(aws("s3control"), sandbox.account, GRANTS)
        print(f"all listed in {seconds:.1f} s, {pages} pages, none missing, none twice", flush=True)
        took = data_access(aws("s3control", user), sandbox.account, GRANTS, calls)
        middle, slow = statistics.median(took), took[int(len(took) * 0.95)]
        print(f"GetDataAccess among them: median {middle:.1f} ms, 95 of 100 within {slow:.1f} ms", flush=True)
    finally:
        sandbox.stop()


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="measure longer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sandbox-", dir="/var/tmp") as name:
        directory = Path(name)
        sandbox = EmbeddedSandbox(directory / "sandbox")
        sandbox.start()
        try:
            user = Aws(sandbox).make_user(allow("s3:*"), name="bench")
            front = Target(sandbox.endpoint_url, user["AccessKeyId"], user["SecretAccessKey"])
            with seaweedfs_alone(directory / "alone") as alone:
                for target in (alone, front):
                    fill(target.client())
                compare(alone, front, 10 if options.full else 2)
        finally:
            sandbox.stop()
        grants(directory / "grants", 1000 if options.full else 200)


if __name__ == "__main__":
    main()
