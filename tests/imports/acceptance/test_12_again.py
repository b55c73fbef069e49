"""12: a study that is imported again stays what people made of it; also one of several modalities."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.models import Job, User
from imports.models import ImportRun
from studies.models import Study, StudyAccess
from tests.builders.h5ad import multimodal_file

pytestmark = pytest.mark.django_db(transaction=True)


def test_readers_admins_and_visibility_stay(
    folder: Path, uploader: User, scan: Any, newest_run: Callable[[], ImportRun], deliver: Callable[[ImportRun], Job]
) -> None:
    multimodal_file(folder / "a.h5mu")
    scan()
    assert deliver(newest_run()).state == Job.State.SUCCEEDED
    study = Study.objects.get()
    StudyAccess.objects.create(study=study, group="lab", role=StudyAccess.Role.ANALYST)
    Study.objects.filter(pk=study.pk).update(name="Renamed", visibility="public")
    before = set(study.access.values_list("pk", "user", "group", "role", "may_download"))
    multimodal_file(folder / "a.h5mu", cells=90)
    scan()
    assert deliver(newest_run()).state == Job.State.SUCCEEDED
    study.refresh_from_db()
    version = study.current_version
    assert version is not None
    assert (study.name, study.visibility, version.number, version.cell_count) == ("Renamed", "public", 2, 90)
    assert set(study.access.values_list("pk", "user", "group", "role", "may_download")) == before
    assert list(version.layers.order_by("pk").values_list("modality", flat=True)) == ["rna", "prot"]
    tags = version.features.filter(modality="prot")
    assert list(tags.values_list("position", "identifier")) == [(number, f"CD{number}") for number in range(8)]
