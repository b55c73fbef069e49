"""`scan` and `validate_h5ad` from the command line, and the periodic scan."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.models import AuditEvent
from imports import tasks
from imports.models import ImportRun, Upload
from tests.builders.h5ad import remove, replace, study_file


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.django_db(transaction=True)
def test_scan_says_what_it_saw(folder: Path, root: Path) -> None:
    (folder / "a.h5ad").write_bytes(b"abc")
    assert run("scan")[0] == "1 files: 1 new, 0 known, 0 too fresh to be surely whole.\n"
    assert json.loads(run("scan", "--json")[0]) == {"found": 1, "new": 0, "unchanged": 1, "too_fresh": 0}
    event = AuditEvent.objects.get()
    assert (event.actor_type, event.actor_id) == ("system", "command")
    assert event.request_id


@pytest.mark.django_db(transaction=True)
def test_scan_fails_when_the_store_is_away(root: Path) -> None:
    root.rmdir()
    with pytest.raises(CommandError, match="not there"):
        run("scan")


@pytest.mark.django_db(transaction=True)
def test_the_periodic_scan_finds_files_and_tidies_up(folder: Path, settings: Any) -> None:
    (folder / "a.h5ad").write_bytes(b"abc")
    tasks.scan()
    assert Upload.objects.count() == 1
    leftover = Path(settings.SCRATCH_DIR) / f"{ImportRun.objects.get().pk}-5"
    leftover.mkdir()
    tasks.scan()
    assert not leftover.exists()
    assert Upload.objects.count() == 1


def test_a_valid_file_passes(tmp_path: Path) -> None:
    out, err = run("validate_h5ad", str(study_file(tmp_path / "a.h5ad")))
    assert out == ""
    assert "would be imported" in err


def test_warnings_are_shown_and_pass(tmp_path: Path) -> None:
    path = replace(study_file(tmp_path / "a.h5ad"), "uns/cellenium/taxonomy_id", 7227)
    out, _ = run("validate_h5ad", str(path))
    assert out.startswith("warning taxonomy_unknown at uns['cellenium']['taxonomy_id']; found 7227; expected one of")


def test_errors_are_shown_and_fail(tmp_path: Path) -> None:
    path = remove(study_file(tmp_path / "a.h5ad"), "uns/cellenium/title")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 error") as raised:
        call_command("validate_h5ad", str(path), "--json", stdout=out)
    assert raised.value.returncode == 1
    assert [finding["path"] for finding in json.loads(out.getvalue())] == ["uns['cellenium']['title']"]


@pytest.mark.parametrize("make", [lambda path: path.write_text("text"), lambda path: path.mkdir(), lambda path: None])
def test_what_is_no_file_fails(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "a.h5ad")
    with pytest.raises(CommandError):
        run("validate_h5ad", str(tmp_path / "a.h5ad"))
