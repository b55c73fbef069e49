"""12: a study that is imported again stays what people made of it, with the cells they drew; of several modalities."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.models import Job, User
from imports.models import ImportRun
from studies.models import Study, StudyAccess
from studies.services import user_annotations
from studies.services.stores import cells_of
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
    drawn = user_annotations.create(
        user=uploader, study_id=study.pk, name="Mine", cells={"cell_ids": [0, 41, 59]}, color="#123456"
    )
    names = user_annotations.unpacked_keys(bytes(drawn.keys))
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
    drawn.refresh_from_db()
    assert (drawn.attached_to_id, drawn.name, drawn.color, drawn.owner_id) == (
        version.pk,
        "Mine",
        "#123456",
        uploader.pk,
    )
    keys = cells_of(version).obs_keys()
    assert [keys[number] for number in user_annotations.cells_in(drawn)] == names
