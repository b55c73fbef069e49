"""The embedded S3 server, as its users see it."""

import contextlib
import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cellenium_admin.embedded import EmbeddedSeaweedFS, EmbeddedServerError

LARGE = bytes(range(256)) * 4 * 6000  # over one chunk of the filer


@pytest.fixture
def seaweedfs(place: Path) -> Iterator[EmbeddedSeaweedFS]:
    server = EmbeddedSeaweedFS(place / "s3")
    server.start()
    yield server
    server.stop()


def s3(server: EmbeddedSeaweedFS, secret: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=secret or server.secret_access_key,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def keys(server: EmbeddedSeaweedFS) -> list[str]:
    return [entry["Key"] for entry in s3(server).list_objects_v2(Bucket="study").get("Contents", [])]


def fill(server: EmbeddedSeaweedFS) -> None:
    s3(server).create_bucket(Bucket="study")
    s3(server).put_object(Bucket="study", Key="a/large", Body=LARGE)
    s3(server).put_object(Bucket="study", Key="a/small", Body=b"small")


def assert_filled(server: EmbeddedSeaweedFS) -> None:
    assert keys(server) == ["a/large", "a/small"]
    assert s3(server).get_object(Bucket="study", Key="a/large")["Body"].read() == LARGE
    assert s3(server).get_object(Bucket="study", Key="a/small")["Body"].read() == b"small"


def test_it_stores_lists_and_deletes_as_soon_as_it_has_started(seaweedfs: EmbeddedSeaweedFS) -> None:
    fill(seaweedfs)
    assert_filled(seaweedfs)
    s3(seaweedfs).delete_object(Bucket="study", Key="a/small")
    assert keys(seaweedfs) == ["a/large"]


def test_wrong_and_missing_credentials_are_refused(seaweedfs: EmbeddedSeaweedFS) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3(seaweedfs, secret="wrong").list_buckets()
    stranger = EmbeddedSeaweedFS(seaweedfs.directory, port=seaweedfs.port)
    stranger.access_key_id, stranger.secret_access_key = "AKIAABCDEFGHIJKLMNOP", "x" * 40
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        s3(stranger).list_buckets()


@pytest.mark.slow
def test_objects_and_keys_outlive_the_server_its_ports_and_kill_9(seaweedfs: EmbeddedSeaweedFS) -> None:
    fill(seaweedfs)
    seaweedfs.stop()
    second = EmbeddedSeaweedFS(seaweedfs.directory)
    (seaweedfs.directory / "ports.json").unlink()
    second.start()
    try:
        assert second.secret_access_key == seaweedfs.secret_access_key
        assert_filled(second)
        s3(second).put_object(Bucket="study", Key="b", Body=b"b")
        os.kill(second.pid, signal.SIGKILL)
        second.start()
        assert keys(second) == ["a/large", "a/small", "b"]
        s3(second).delete_object(Bucket="study", Key="b")
        assert_filled(second)
    finally:
        second.stop()


@pytest.mark.slow
def test_two_at_once_do_not_meet(seaweedfs: EmbeddedSeaweedFS, place: Path) -> None:
    other = EmbeddedSeaweedFS(place / "other")
    other.start()
    try:
        s3(seaweedfs).create_bucket(Bucket="study")
        assert s3(other).list_buckets()["Buckets"] == []
    finally:
        other.stop()


def listening_sockets(pid: int) -> list[tuple[str, int]]:
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            links.append(str(link.readlink()))
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found


def test_every_port_is_on_loopback(
    seaweedfs: EmbeddedSeaweedFS, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    eventually(lambda: len(listening_sockets(seaweedfs.pid)) >= 10)
    listening = listening_sockets(seaweedfs.pid)
    assert {address for address, _ in listening} == {"0100007F"}
    assert max(port for _, port in listening) < 55_000


def test_it_leaves_no_file_outside_its_directory(place: Path) -> None:
    server = EmbeddedSeaweedFS(place / "s3")
    before = set(Path("/tmp").glob("*eed*"))
    server.start()
    ports = [str(port + 10_000) for port in (server.port, *server._inner.values())]
    server.stop()
    left = set(Path("/tmp").glob("*eed*")) - before
    assert not [path for path in left if path.suffix == ".sock" and any(port in path.name for port in ports)]
    assert not [path for path in left if path.name.startswith("weed.")]
    assert not list((server.directory / "tmp").iterdir())


def test_the_secret_is_in_one_private_file_and_not_on_the_command_line(seaweedfs: EmbeddedSeaweedFS) -> None:
    secret = seaweedfs.secret_access_key
    assert secret not in Path(f"/proc/{seaweedfs.pid}/cmdline").read_text()
    files = [path for path in seaweedfs.directory.rglob("*") if path.is_file()]
    holders = [path for path in files if secret.encode() in path.read_bytes()]
    assert holders == [seaweedfs.directory / "keys.json"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600


def test_a_port_without_room_for_its_twin_is_refused(place: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="60000"):
        EmbeddedSeaweedFS(place / "s3", port=60_000)
