"""Stores in object storage: fetched once, whole or not at all, told from damaged ones, and kept within bounds."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connections

from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage.objects import ObjectTree
from studies import tasks
from studies.models import Layer
from studies.services import published_stores, stores
from studies.services.differential_expression import request_differential_expression
from studies.store import local_copies
from studies.store.format import UNFINISHED_PREFIX
from tests.builders.stores import published_study
from tests.studies.published.conftest import damage

pytestmark = pytest.mark.django_db(transaction=True)


def layer_of(made: Any) -> Layer:
    return stores.default_layer(made.version)


def place(made: Any) -> str:
    return layer_of(made).store_path


def leftovers(host: Path) -> list[Path]:
    return list(host.glob(f"{UNFINISHED_PREFIX}*"))


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is fetched from now on."""
    names: list[str] = []
    original = ObjectTree.fetch

    def fetch(self: ObjectTree, name: str, *rest: Any) -> str:
        names.append(name)
        return original(self, name, *rest)

    monkeypatch.setattr(ObjectTree, "fetch", fetch)
    return names


def test_an_object_an_array_with_the_manifest_last(made, bucket, aws):
    listed = aws("s3").list_objects_v2(Bucket=bucket)["Contents"]
    names = [one["Key"].removeprefix(f"stores/{made.version.pk}/") for one in listed]
    assert {name.split("/")[0] for name in names} == {"cells", "rna-X"}
    assert "rna-X/manifest.json" in names
    assert "rna-X/rows.values.npy" in names
    manifest = aws("s3").head_object(Bucket=bucket, Key=f"stores/{made.version.pk}/rna-X/manifest.json")
    assert manifest["LastModified"] >= max(one["LastModified"] for one in listed if "rna-X/rows" in one["Key"])


def test_another_host_answers_the_same(made, owner, new_host):
    here = stores.matrix_of(layer_of(made)).gene(3)
    host = new_host("other")
    there = stores.matrix_of(layer_of(made)).gene(3)
    np.testing.assert_array_equal(there, here)
    stores.matrix_of(layer_of(made)).verify()
    assert stores.cells_of(made.version).obs_keys(0, 2) == ["cell-0", "cell-1"]
    analysis = request_differential_expression(user=owner, study_id=made.study.pk, annotation="cell_type")
    tasks.run_differential_expression(str(analysis.job_id))
    analysis.job.refresh_from_db()
    assert analysis.job.state == "succeeded"
    assert not leftovers(host)


def test_it_is_fetched_once(made, new_host, monkeypatch):
    new_host("other")
    names = fetched(monkeypatch)
    for _ in range(3):
        stores.matrix_of(layer_of(made))
    assert len([name for name in names if name.endswith("rows.values.npy")]) == 1


def test_threads_that_want_the_same_share_one_fetch(made, new_host, monkeypatch):
    new_host("other")
    names, layer, found, failures = fetched(monkeypatch), layer_of(made), [], []

    def want() -> None:
        try:
            found.append(stores.matrix_of(layer).gene(1)[0].size)
        except Exception as error:  # noqa: BLE001 -- looked at below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(set(found)) == 1
    assert len([name for name in names if name.endswith("rows.values.npy")]) == 1


@pytest.mark.parametrize("harm", ["no manifest", "an empty manifest", "a short array", "an array gone"])
def test_a_damaged_or_half_copied_store_is_fetched_again(made, new_host, harm):
    host = new_host("other")
    expected = stores.matrix_of(layer_of(made)).gene(3)
    directory = host / place(made)
    if harm == "no manifest":
        (directory / "manifest.json").unlink()
    elif harm == "an empty manifest":
        (directory / "manifest.json").write_text("")
    elif harm == "a short array":
        (directory / "genes.cells.npy").write_bytes(b"\x93NUMPY")
        (directory / "manifest.json").touch()
    else:
        (directory / "genes.cells.npy").unlink()
        (directory / "manifest.json").touch()
    np.testing.assert_array_equal(stores.matrix_of(layer_of(made)).gene(3), expected)


def test_a_damaged_object_is_refused_and_leaves_nothing(made, new_host, bucket, aws):
    key = f"stores/{place(made)}/rows.values.npy"
    body = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    aws("s3").put_object(Bucket=bucket, Key=key, Body=body[:-1] + bytes([body[-1] ^ 1]))
    host = new_host("other")
    with pytest.raises(UnavailableError) as error:
        stores.matrix_of(layer_of(made))
    assert error.value.code == "store_damaged"
    assert not (host / place(made)).exists()
    assert not leftovers(host)


@pytest.mark.parametrize("name", ["manifest.json", "rows.ranks.npy"])
def test_a_missing_object_is_a_damaged_store(made, new_host, bucket, aws, name):
    aws("s3").delete_object(Bucket=bucket, Key=f"stores/{place(made)}/{name}")
    host = new_host("other")
    with pytest.raises(UnavailableError) as error:
        stores.matrix_of(layer_of(made))
    assert error.value.code == "store_damaged"
    assert not leftovers(host)


def test_storage_that_dies_midway_leaves_nothing_and_is_asked_again(made, new_host, monkeypatch):
    host, original = new_host("other"), ObjectTree.fetch

    def fetch(self: ObjectTree, name: str, *rest: Any) -> str:
        if name.endswith("rows.values.npy"):
            raise UnavailableError("S3 does not answer.")
        return original(self, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectTree, "fetch", fetch)
        with pytest.raises(UnavailableError, match="S3 does not answer"):
            stores.matrix_of(layer_of(made))
    assert not leftovers(host)
    assert not (host / place(made)).exists()
    assert stores.matrix_of(layer_of(made)).cells == 60


def test_a_disk_without_room_is_said_so(made, new_host, monkeypatch):
    host = new_host("other")

    def full(self: ObjectTree, name: str, target: Any, *rest: Any) -> str:
        if name.endswith("rows.values.npy"):
            raise OSError(28, "No space left on device")
        return original(self, name, target, *rest)

    original = ObjectTree.fetch
    monkeypatch.setattr(ObjectTree, "fetch", full)
    with pytest.raises(UnavailableError, match="No space left on device"):
        stores.matrix_of(layer_of(made))
    assert not leftovers(host)


def test_copies_give_way_the_one_used_longest_ago_first(made, owner, new_host, settings):
    second = published_study(owner=owner, cells=60, genes=20, name="second", seed=1)
    building = settings.STORE_DIR / str(second.version.pk)
    published_stores.send(building=building, version_id=str(second.version.pk))
    host = new_host("small")
    stores.matrix_of(layer_of(made))
    size = sum(copy.bytes for copy in local_copies.copies(host))
    settings.STORE_CACHE_BYTES = int(1.5 * size)
    opened = stores.matrix_of(layer_of(made))
    stores.matrix_of(layer_of(second))
    assert [str(copy.directory.relative_to(host)) for copy in local_copies.copies(host)] == [place(second)]
    assert opened.row_values.size, "who has it open keeps it"
    np.testing.assert_array_equal(stores.matrix_of(layer_of(made)).row_values, opened.row_values)


def test_what_lies_nowhere_else_never_gives_way(made, owner, settings, new_host):
    new_host("first")
    settings.STORE_URI, uri = "", settings.STORE_URI
    alone = published_study(owner=owner, name="from before")
    settings.STORE_URI, settings.STORE_CACHE_BYTES = uri, 1
    stores.matrix_of(layer_of(made))
    assert (settings.STORE_DIR / place(alone) / "manifest.json").exists()
    stores.matrix_of(layer_of(alone))


def test_a_web_server_does_not_wait_for_a_large_one(made, new_host, settings):
    new_host("web")
    settings.STORE_INLINE_BYTES = 10
    with pytest.raises(UnavailableError) as error:
        stores.matrix_of(layer_of(made))
    assert error.value.code == "store_loading"
    for _ in range(200):
        with local_copies.alone(settings.STORE_DIR, place(made)):
            if (settings.STORE_DIR / place(made) / "manifest.json").exists():
                break
        threading.Event().wait(0.05)
    assert stores.matrix_of(layer_of(made)).cells == 60


def test_without_object_storage_a_missing_store_is_damaged(owner, settings):
    made = published_study(owner=owner)
    (settings.STORE_DIR / place(made) / "manifest.json").unlink()
    with pytest.raises(UnavailableError) as error:
        stores.matrix_of(layer_of(made))
    assert error.value.code == "store_damaged"


def test_verify_finds_a_flipped_bit_and_mends_copies_only(made, owner, new_host, settings, capsys):
    host = new_host("other")
    stores.matrix_of(layer_of(made))
    settings.STORE_URI, uri = "", settings.STORE_URI
    alone = published_study(owner=owner, name="only here")
    settings.STORE_URI = uri
    call_command("stores", "verify")
    assert "DAMAGED" not in capsys.readouterr().out
    for study in (made, alone):
        damage(host / place(study))
    with pytest.raises(SystemExit):
        call_command("stores", "verify", "--mend")
    told = capsys.readouterr().out
    assert f"{place(made)}" in told
    assert "removed, the next question fetches it" in told
    assert "import the study again" in told
    assert (host / place(alone)).exists()
    assert not (host / place(made)).exists()
    stores.matrix_of(layer_of(made)).verify()
    call_command("stores", "list", "--json")
    assert '"is_copy": true' in capsys.readouterr().out


def test_an_address_that_is_none_is_refused():
    for uri in ("https://bucket", "s3://", "bucket/stores"):
        with pytest.raises(ValueError, match="no address of a bucket"):
            ObjectTree(uri)
