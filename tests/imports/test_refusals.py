"""Files that are not imported, and what is said of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellenium_admin.core.models import Action, AuditEvent, Job, Outcome
from imports.models import Finding, ImportRun
from imports.services.workplaces import Workplace
from studies.models import Study
from tests.builders.h5ad import REQUIRED_KEYS, changing, remove, replace, study_file

pytestmark = pytest.mark.django_db(transaction=True)

Deliver = Callable[[ImportRun], Job]
Newest = Callable[[], ImportRun]
OnDisk = Callable[[], dict[str, list[str]]]
NOTHING = {"STORE_DIR": [], "SCRATCH_DIR": []}


@pytest.mark.parametrize("key", REQUIRED_KEYS)
def test_each_required_key_is_asked_for_before_anything_is_written(
    key: str,
    folder: Path,
    scan: Any,
    newest_run: Newest,
    deliver: Deliver,
    everything_on_disk: OnDisk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[Path] = []
    clear = Workplace.clear

    def watched(place: Workplace) -> None:
        written.extend(place.building.iterdir() if place.building.exists() else [])
        clear(place)

    monkeypatch.setattr(Workplace, "clear", watched)
    remove(study_file(folder / "a.h5ad"), f"uns/cellenium/{key}")
    scan()
    job = deliver(newest_run())
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "file_rejected", 1)
    assert f"uns['cellenium']['{key}']" in job.error_detail
    assert [finding["path"] for finding in job.report["findings"]] == [f"uns['cellenium']['{key}']"]
    assert newest_run().state == ImportRun.State.REJECTED
    assert Finding.objects.get().path == f"uns['cellenium']['{key}']"
    assert not Study.objects.exists()
    assert written == []
    assert everything_on_disk() == NOTHING


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "file_empty"), (b"cell,gene\n", "not_hdf5"), (b"\x89HDF\r\n\x1a\n" + bytes(3000), "file_damaged")],
)
def test_what_is_no_file_of_this_kind_is_refused(
    content: bytes,
    code: str,
    folder: Path,
    scan: Any,
    newest_run: Newest,
    deliver: Deliver,
    everything_on_disk: OnDisk,
) -> None:
    (folder / "a.h5ad").write_bytes(content)
    scan()
    job = deliver(newest_run())
    assert (job.state, job.error_code) == (Job.State.FAILED, "file_rejected")
    assert [finding.code for finding in newest_run().findings.all()] == [code]
    assert everything_on_disk() == NOTHING


def test_a_truncated_file_is_refused(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    path = study_file(folder / "a.h5ad")
    path.write_bytes(path.read_bytes()[:-1000])
    scan()
    assert deliver(newest_run()).error_code == "file_rejected"
    assert [finding.code for finding in newest_run().findings.all()] == ["file_damaged"]


def test_all_mistakes_are_told_and_counted(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    path = study_file(folder / "a.h5ad")
    replace(path, "uns/cellenium/taxonomy_id", 7227)
    remove(path, "uns/cellenium/title")
    remove(path, "obsm/X_umap")
    scan()
    job = deliver(newest_run())
    assert job.error_detail.endswith("There are 2 errors; the report names them all.")
    assert {row.code for row in newest_run().findings.all()} == {
        "key_missing",
        "projection_missing",
        "taxonomy_unknown",
    }
    event = AuditEvent.objects.get(action=Action.IMPORT_REJECTED)
    assert event.outcome == Outcome.REFUSED
    assert (event.details["findings"], event.details["errors"], event.details["warnings"]) == (3, 2, 1)


def test_findings_too_long_for_their_columns_are_cut(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    path = study_file(folder / "a.h5ad")
    replace(path, "uns/cellenium/main_sample_attributes", np.array(["x" * 3000, "y" * 190]))
    scan()
    assert deliver(newest_run()).error_code == "file_rejected"
    assert newest_run().findings.count() == 2


def test_a_matrix_the_store_cannot_take_is_refused(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    """Two numbers for one cell and one gene, each of which fits into float32, but not their sum."""
    values = np.zeros((60, 30))
    values[0, :2] = 3e38
    path = study_file(folder / "a.h5ad", matrix=values)
    with changing(path) as file:
        file["X/indices"][:2] = 0
    scan()
    assert deliver(newest_run()).error_code == "file_rejected"
    (finding,) = newest_run().findings.filter(severity="error")
    assert (finding.code, finding.path) == ("matrix_unusable", "X")
    assert "gene 0, cell 0: 6e+38 does not fit" in finding.found
