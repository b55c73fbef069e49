"""Files sent part by part: what arrives is what was sent, at a key of its own, counted once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.models import AuditEvent, Job, User
from cellenium_admin.core.storage.multipart import MOST_PARTS, SMALLEST_PART, MultipartStore, part_size_for
from imports.models import ImportRun, Upload
from imports.services import uploads
from tests.builders.people import person
from tests.imports.uploads.conftest import ACTOR, MIB, Sender, begun, part_of, put, start, stored
from tests.support.sandbox import Aws

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = bytes(range(256)) * (9 * MIB // 256)


def test_the_whole_way(bucket: str, sender: Sender, store: MultipartStore, aws: Aws) -> None:
    upload = sender.begin(len(CONTENT), "my study ä.h5ad")
    assert (upload["state"], upload["part_size"], upload["part_count"]) == ("uploading", 8 * MIB, 2)
    assert "study" not in upload["uri"]
    assert sender.complete(upload).json()["code"] == "parts_missing"
    sender.send(upload, CONTENT, numbers=[2])
    answer = sender.complete(upload)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (409, ["/parts/1"])
    sender.send(upload, CONTENT, numbers=[1])
    seen = sender.call("get", f"uploads/{upload['id']}").json()
    assert [(part["number"], part["size"]) for part in seen["parts"]] == [(1, 8 * MIB), (2, MIB)]
    done = sender.complete(upload).json()
    assert (done["state"], done["run"]["state"], done["filename"]) == ("received", "received", "my study ä.h5ad")
    assert sender.complete(upload).json() == done
    assert stored(bucket, aws) == {upload["uri"].removeprefix(f"s3://{bucket}/"): CONTENT}
    assert begun(store) == []
    assert uploads.scan(actor=ACTOR).new == 0
    assert (Upload.objects.count(), ImportRun.objects.count(), Job.objects.count()) == (1, 1, 1)
    assert list(AuditEvent.objects.order_by("seq").values_list("action", flat=True)) == [
        "user.logged_in",
        "upload.started",
        "upload.completed",
    ]


def test_s3_takes_nothing_but_the_part_that_was_signed(bucket: str, sender: Sender, store: MultipartStore) -> None:
    upload = sender.begin(len(CONTENT))
    part = part_of(upload, CONTENT, 2)
    order = sender.order(upload, 2, part)
    other = b"x" * len(part)
    assert put(order, other) == 400
    assert put(order, part[:-1]) in {400, 403}
    assert put({**order, "url": order["url"].replace("partNumber=2", "partNumber=1")}, part) == 403
    assert store.parts(upload["uri"].partition(f"{bucket}/")[2], Upload.objects.get().multipart_id) == []
    assert put(order, part) == 200


def test_two_requests_for_one_name_at_once_meet_nowhere(bucket: str, uploader: User, aws: Aws) -> None:
    barrier = threading.Barrier(2)

    def one(content: bytes) -> None:
        try:
            sender = Sender(uploader)
            barrier.wait(timeout=30)
            upload = sender.begin(len(content), "same.h5ad")
            barrier.wait(timeout=30)
            sender.send(upload, content)
            assert sender.complete(upload).status_code == 200
        finally:
            connections.close_all()

    contents = [b"a" * MIB, b"b" * MIB]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, contents))
    assert sorted(stored(bucket, aws).values()) == contents
    assert Upload.objects.filter(state="received", filename="same.h5ad").count() == 2
    assert uploads.scan(actor=ACTOR).new == 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.h5ad", "a.h5ad"),
        ("A B.H5AD", "A B.H5AD"),
        ("../../etc/a.h5ad", "a.h5ad"),
        ("C:\\data\\a.h5ad", "a.h5ad"),
        ("ä'\";$(x).h5ad", "ä'\";$(x).h5ad"),
    ],
)
def test_names_are_for_reading_only(name: str, kept: str, bucket: str, sender: Sender) -> None:
    upload = sender.begin(1, name)
    assert upload["filename"] == kept
    assert upload["uri"] == f"s3://{bucket}/input/uploader@example.org/uploads/{upload['id']}.h5ad"


@pytest.mark.parametrize("name", ["", " ", "a.txt", ".", "..", "a/", "a\nb.h5ad", "a\u202eb.h5ad", f"{'n' * 300}.h5ad"])
def test_other_names_are_refused_with_the_field(name: str, bucket: str, sender: Sender) -> None:
    answer = sender.call("post", "uploads", {"filename": name, "size": 1})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/filename")
    assert not Upload.objects.exists()


@pytest.mark.parametrize("size", [0, -1, 2**63, "1", 1.5, True, None])
def test_sizes_are_whole_numbers_of_bytes(size: Any, bucket: str, sender: Sender) -> None:
    answer = sender.call("post", "uploads", {"filename": "a.h5ad", "size": size})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/size")


def test_the_largest_file_is_a_setting(bucket: str, sender: Sender, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    assert sender.call("post", "uploads", {"filename": "a.h5ad", "size": 11}).status_code == 422
    assert sender.begin(10)["size"] == 10


@pytest.mark.parametrize("size", [1, 8 * MIB, 80_000 * MIB, 80_001 * MIB, 5 * 1024**4])
def test_parts_are_few_enough_and_large_enough(size: int) -> None:
    part = part_size_for(size)
    assert part >= SMALLEST_PART
    assert -(-size // part) <= MOST_PARTS
    assert part == SMALLEST_PART or -(-size // (part // 2)) > MOST_PARTS


@pytest.mark.parametrize(
    "part",
    [
        {"number": 0, "checksum_sha256": f"{'A' * 43}="},
        {"number": 3, "checksum_sha256": f"{'A' * 43}="},
        {"number": 1, "checksum_sha256": "A" * 44},
        {"number": 1, "checksum_sha256": "short"},
        {"number": 1},
    ],
    ids=repr,
)
def test_parts_that_are_none(part: dict[str, Any], bucket: str, sender: Sender) -> None:
    upload = sender.begin(len(CONTENT))
    assert sender.call("post", f"uploads/{upload['id']}/parts", {"parts": [part]}).status_code == 422


def test_the_quota_is_exact_however_many_ask_at_once(bucket: str, uploader: User, settings: Any) -> None:
    settings.UPLOAD_QUOTA_FILES = 3
    barrier = threading.Barrier(6)

    def one(_: int) -> int:
        try:
            sender = Sender(uploader)
            barrier.wait(timeout=30)
            return int(sender.call("post", "uploads", {"filename": "a.h5ad", "size": 1}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(one, range(6)))
    assert found == [201] * 3 + [409] * 3
    assert Upload.objects.filter(state="uploading").count() == 3


def test_bytes_count_and_what_ended_does_not(bucket: str, sender: Sender, settings: Any) -> None:
    settings.UPLOAD_QUOTA_BYTES = 10
    first = sender.begin(6)
    refused = sender.call("post", "uploads", {"filename": "a.h5ad", "size": 5})
    assert (refused.status_code, refused.json()["code"]) == (409, "quota_exceeded")
    assert "6 of 10 bytes" in refused.json()["detail"]
    assert sender.call("get", "uploads/usage").json() == {"bytes": 6, "files": 1, "max_bytes": 10, "max_files": 10_000}
    assert sender.call("post", f"uploads/{first['id']}/cancel", {}).json()["state"] == "cancelled"
    assert sender.begin(10)["state"] == "uploading"


def test_cancelling_throws_the_parts_away(bucket: str, sender: Sender, store: MultipartStore) -> None:
    upload = sender.begin(len(CONTENT))
    sender.send(upload, CONTENT, numbers=[1])
    assert len(begun(store)) == 1
    sender.call("post", f"uploads/{upload['id']}/cancel", {})
    assert begun(store) == []
    part = part_of(upload, CONTENT, 2)
    wish = {"parts": [{"number": 2, "checksum_sha256": f"{'A' * 43}="}]}
    assert sender.call("post", f"uploads/{upload['id']}/parts", wish).json()["code"] == "not_uploading"
    assert sender.complete(upload).status_code == 409
    assert len(part) == MIB


def test_others_see_nothing_of_it(bucket: str, sender: Sender, neighbour: User) -> None:
    upload = sender.begin(len(CONTENT))
    others = Sender(neighbour)
    wish = {"parts": [{"number": 1, "checksum_sha256": f"{'A' * 43}="}]}
    for path, body in (("parts", wish), ("complete", {}), ("cancel", {}), ("remove", {"reason": "x"})):
        assert others.call("post", f"uploads/{upload['id']}/{path}", body).status_code == 404
    assert others.call("get", f"uploads/{upload['id']}").status_code == 404
    assert others.call("get", "uploads").json()["results"] == []
    chief = Sender(person("administrator", "administrator"))
    assert chief.call("get", f"uploads/{upload['id']}").status_code == 200
    assert chief.call("post", f"uploads/{upload['id']}/parts", wish).status_code == 404
    assert chief.call("post", f"uploads/{upload['id']}/cancel", {}).json()["state"] == "cancelled"


def test_an_account_without_a_prefix_has_nowhere_to_send(bucket: str, db: None) -> None:
    sender = Sender(person("stranger"))
    answer = sender.call("post", "uploads", {"filename": "a.h5ad", "size": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "no_prefix")
    assert AuditEvent.objects.filter(action="upload.refused", outcome="refused").exists()


def test_an_s3_that_is_away_leaves_nothing_that_counts(
    bucket: str, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> str:
        raise UnavailableError("S3 does not answer.")

    monkeypatch.setattr(MultipartStore, "begin", away)
    assert sender.call("post", "uploads", {"filename": "a.h5ad", "size": 1}).status_code == 503
    assert Upload.objects.get().state == Upload.State.CANCELLED
    assert sender.call("get", "uploads/usage").json()["files"] == 0


def test_a_store_with_a_root_of_its_own(bucket: str, sender: Sender, settings: Any, aws: Aws) -> None:
    settings.H5AD_STORE = f"s3://{bucket}/deep/root"
    upload = sender.begin(MIB)
    sender.send(upload, CONTENT[:MIB])
    assert sender.complete(upload).status_code == 200
    assert list(stored(bucket, aws)) == [f"deep/root/input/uploader@example.org/uploads/{upload['id']}.h5ad"]
    assert uploads.scan(actor=ACTOR).new == 0


def test_what_is_put_over_it_later_is_an_upload_of_its_own(bucket: str, sender: Sender, aws: Aws) -> None:
    upload = sender.begin(MIB)
    sender.send(upload, CONTENT[:MIB])
    sender.complete(upload)
    aws("s3").put_object(Bucket=bucket, Key=upload["uri"].partition(f"{bucket}/")[2], Body=b"other")
    assert uploads.scan(actor=ACTOR).new == 1
    assert sorted(Upload.objects.values_list("source", "size")) == [("browser", MIB), ("bucket", 5)]


def test_starting_is_idempotent_by_key(bucket: str, sender: Sender) -> None:
    body, headers = {"filename": "a.h5ad", "size": 1}, {"Idempotency-Key": "one"}
    first, second = (sender.client.post("/api/v1/uploads", body, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert Upload.objects.count() == 1
    assert start(sender.user, 1).pk != first.json()["id"]
