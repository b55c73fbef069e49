"""From a file to a study: all of it or nothing, and no secret kept about why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.demo.study import pbmc68k_study, read_source
from imports.models import ImportRun
from studies.gene_tables import GeneRow, GeneTable
from studies.models import AnnotationGroup, Layer, Projection, Study, StudyAccess, StudyVersion
from studies.services.catalogue import load_table
from studies.services.features import find_feature
from studies.store.reader import CellsReader, MatrixReader
from tests.builders.h5ad import replace, study_data, study_file
from tests.builders.matrices import example_matrix

pytestmark = pytest.mark.django_db(transaction=True)

Deliver = Callable[[ImportRun], Job]
Newest = Callable[[], ImportRun]
OnDisk = Callable[[], dict[str, list[str]]]


def stored(version: StudyVersion, settings: Any) -> np.ndarray:
    """Read the whole matrix back from the Store."""
    reader = MatrixReader(Path(settings.STORE_DIR) / version.layers.get().store_path)
    reader.verify()
    matrix = np.zeros((reader.cells, reader.features), dtype=np.float32)
    for gene in range(reader.features):
        cells, values = reader.gene(gene)
        matrix[cells, gene] = values
    return matrix


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_a_file_becomes_a_study(
    form: str, folder: Path, uploader: User, scan: Any, newest_run: Newest, deliver: Deliver, settings: Any
) -> None:
    matrix = example_matrix(60, 30)
    path = study_file(folder / "a.h5ad", matrix=matrix, form=form)
    scan()
    job = deliver(newest_run())
    assert (job.state, job.error_detail) == (Job.State.SUCCEEDED, "")
    study = Study.objects.get()
    assert (study.name, study.source_uri, study.visibility) == ("A small study", path.as_uri(), "private")
    version = study.current_version
    assert version is not None
    assert (version.cell_count, version.gene_count, version.number) == (60, 30, 1)
    assert np.array_equal(stored(version, settings), matrix)
    run = newest_run()
    assert (run.pk, run.state, run.study, run.version) == (version.pk, ImportRun.State.PUBLISHED, study, version)
    assert list(study.access.values_list("user", "role", "may_download")) == [
        (uploader.pk, StudyAccess.Role.ADMIN, True)
    ]
    assert [finding["code"] for finding in job.report.pop("findings")] == ["genes_not_matched"]
    assert job.report == {
        "finding_count": 1,
        "study_id": str(study.pk),
        "version_id": str(version.pk),
        "version": 1,
        "cell_count": 60,
        "gene_count": 30,
    }


def test_rows_and_arrays_fit_together(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver, settings: Any
) -> None:
    study_file(folder / "a.h5ad")
    data = study_data()
    scan()
    deliver(newest_run())
    version = StudyVersion.objects.get()
    cells = CellsReader(Path(settings.STORE_DIR) / str(version.pk) / "cells")
    cells.verify()
    assert cells.obs_keys() == list(data.obs_names)
    assert list(version.features.order_by("position").values_list("symbol", flat=True)) == list(data.var_names)
    groups = list(AnnotationGroup.objects.filter(version=version))
    assert [(group.key, group.label, group.is_primary) for group in groups] == [
        ("cell_type", "cell type", True),
        ("batch", "batch", False),
    ]
    for group in groups:
        values = list(group.values.all())
        codes = cells.codes(group.position)
        assert [values[code].label for code in codes] == data.obs[group.key].tolist()
        assert [value.cell_count for value in values] == np.bincount(codes).tolist()
    assert [value.color for value in groups[0].values.all()] == ["#1f77b4", "#ff7f0e", "#2ca02c"]
    assert [(projection.key, projection.position) for projection in Projection.objects.all()] == [("umap", 0)]
    assert np.array_equal(cells.coordinates(0), data.obsm["X_umap"])
    layer = Layer.objects.get()
    assert (layer.name, layer.modality, layer.log1p_base) == ("log-normalised", "rna", None)
    study = version.study
    assert (study.organism_tax_id, study.description) == (9606, "Made for a test.")
    assert study.metadata == {
        "ncit_tissue_ids": ["C12434"],
        "mesh_disease_ids": ["HEALTHY"],
        "metadata": {"GEO Accession": "GSE1", "authors": ["A", "B"]},
    }


def test_the_trail_tells_it_all(folder: Path, uploader: User, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    path = study_file(folder / "a.h5ad")
    scan()
    job = deliver(newest_run())
    run = newest_run()
    events = {event.action: event for event in AuditEvent.objects.order_by("seq")}
    assert list(events) == [
        Action.UPLOAD_FOUND,
        Action.IMPORT_STARTED,
        Action.STUDY_CREATED,
        Action.STUDY_ACCESS_GRANTED,
        Action.IMPORT_PUBLISHED,
        Action.ANALYSIS_REQUESTED,
    ]
    told = events[Action.IMPORT_PUBLISHED]
    assert (told.object_type, told.object_id, told.actor_type) == ("importrun", str(run.pk), "system")
    assert told.details == {
        "run_id": str(run.pk),
        "upload_id": str(run.upload_id),
        "uri": path.as_uri(),
        "revision": run.upload.revision,
        "job_id": str(job.pk),
        "attempt": 1,
        "findings": 1,
        "errors": 0,
        "warnings": 0,
        "study_id": str(run.study_id),
        "version_id": str(run.pk),
        "number": 1,
        "cell_count": 60,
        "gene_count": 30,
        "sha256": run.version.source_sha256,
    }


def test_nothing_but_the_store_stays_on_disk(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver, everything_on_disk: OnDisk, settings: Any
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    deliver(newest_run())
    run = newest_run()
    assert everything_on_disk() == {"STORE_DIR": [str(run.pk)], "SCRATCH_DIR": []}
    assert sorted(path.name for path in (Path(settings.STORE_DIR) / str(run.pk)).iterdir()) == ["cells", "rna-X"]


def test_the_file_is_left_where_it_is(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    path = study_file(folder / "a.h5ad")
    before = path.read_bytes()
    scan()
    deliver(newest_run())
    assert path.read_bytes() == before


def test_real_data(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver, settings: Any) -> None:
    pbmc68k_study(folder / "pbmc68k.h5ad")
    scan()
    job = deliver(newest_run())
    assert job.state == Job.State.SUCCEEDED
    assert [finding["code"] for finding in job.report["findings"]] == ["genes_not_matched"]
    version = StudyVersion.objects.get()
    assert (version.cell_count, version.gene_count) == (700, 765)
    source = read_source()
    labels = source.obs["bulk_labels"].cat
    assert np.array_equal(stored(version, settings), source.raw.X.toarray())
    values = list(version.annotation_groups.get(key="bulk_labels").values.all())
    assert [value.label for value in values] == list(labels.categories)
    assert [value.color for value in values] == [color.lower() for color in source.uns["bulk_labels_colors"]]
    assert [value.cell_count for value in values] == np.bincount(labels.codes).tolist()


def test_warnings_and_notes_are_kept_with_the_study(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    path = study_file(folder / "a.h5ad", matrix=np.random.default_rng(0).poisson(1, (60, 30)).astype("f4"))
    replace(path, "uns/cellenium/initial_reader_permissions", np.array(["everybody"]))
    scan()
    job = deliver(newest_run())
    assert job.state == Job.State.SUCCEEDED
    assert [finding["code"] for finding in job.report["findings"]] == [
        "permissions_ignored",
        "raw_counts",
        "genes_not_matched",
    ]
    assert {row.code for row in newest_run().findings.all()} == {
        "permissions_ignored",
        "raw_counts",
        "genes_not_matched",
    }
    assert Study.objects.get().access.count() == 1


def test_a_file_under_nobodys_prefix_becomes_a_study_for_administrators(
    root: Path, db: None, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    study_file(root / "input/a.h5ad")
    scan()
    assert deliver(newest_run()).state == Job.State.SUCCEEDED
    study = Study.objects.get()
    assert (study.visibility, study.access.count()) == ("private", 0)


def test_little_memory_is_enough(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver, settings: Any) -> None:
    settings.BUILD_MEMORY_BYTES = 20_000
    matrix = example_matrix(300, 40)
    study_file(folder / "a.h5ad", matrix=matrix, form="csc")
    scan()
    assert deliver(newest_run()).state == Job.State.SUCCEEDED
    assert np.array_equal(stored(StudyVersion.objects.get(), settings), matrix)


def test_known_genes_are_matched_and_counted(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    rows = (GeneRow("ENSG00000105369", "GENE1"), GeneRow("ENSG00000090382", "TWIN"), GeneRow("ENSG1", "TWIN"))
    table = GeneTable(9606, "a table", "1", "made for a test", "1" * 64, rows)
    load_table(table=table, actor=Actor.system("test"))
    study_file(folder / "a.h5ad")
    scan()
    job = deliver(newest_run())
    codes = {finding["code"]: finding for finding in job.report["findings"]}
    assert set(codes) == {"genes_matched", "genes_unmatched"}
    assert codes["genes_matched"]["found"].startswith("1 of 30 matched to a table 1")
    assert (codes["genes_unmatched"]["severity"], codes["genes_unmatched"]["found"][:3]) == ("warning", "29:")
    version = StudyVersion.objects.get()
    matched = version.features.exclude(ensembl_id="").get()
    assert (matched.symbol, matched.ensembl_id, matched.matched_by) == ("GENE1", "ENSG00000105369", "symbol")
    assert find_feature(version, "ENSG00000105369.4", modality="rna") == matched
