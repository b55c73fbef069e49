"""10: h5mu files: modalities, what they share, and what is wrong with them."""

from pathlib import Path

import mudata
import numpy as np
import pandas as pd

from studies.store.reader import CellsReader, MatrixReader
from tests.builders.h5ad import changing, index_of, multimodal_data, remove, replace
from tests.imports.acceptance.conftest import Convert, codes

UNS = "uns/cellenium"
PROT = "mod/prot"


def test_both_modalities_are_imported(multimodal: Path, convert: Convert, building: Path) -> None:
    data = multimodal_data()
    findings, content = convert(multimodal)
    assert codes(findings) == [("note", "same_name_in_modalities")], "two UMAPs that differ"
    assert content is not None
    assert [(layer.modality, layer.directory) for layer in content.layers] == [("rna", "rna-X"), ("prot", "prot-X")]
    kinds = [(feature.identifier, feature.modality, feature.kind) for feature in content.features]
    assert kinds[0] == ("GENE0", "rna", "gene")
    assert kinds[30:] == [(f"CD{number}", "prot", "protein_antibody_tag") for number in range(8)]
    assert content.projections == ("umap", "umap (prot)")
    for name in ("rna", "prot"):
        matrix = data.mod[name].X.toarray()
        reader = MatrixReader(building / f"{name}-X")
        reader.verify()
        for gene in range(reader.features):
            cells, values = reader.gene(gene)
            assert np.array_equal(cells, np.flatnonzero(matrix[:, gene]))
            assert np.array_equal(values, matrix[cells, gene])
    cells_store = CellsReader(building / "cells")
    assert cells_store.obs_keys() == list(data.obs_names)
    assert np.array_equal(cells_store.coordinates(1), data.mod["prot"].obsm["X_umap"])


def test_an_attribute_both_have_alike_counts_once(multimodal: Path, convert: Convert) -> None:
    content = convert(multimodal)[1]
    assert content is not None
    assert [annotation.key for annotation in content.annotations] == ["cell_type"]


def test_an_attribute_they_have_differently_is_there_twice(multimodal: Path, convert: Convert) -> None:
    replace(multimodal, f"{PROT}/obs/cell_type", pd.Categorical(["CD4+", "CD4-", "CD4-"] * 20))
    findings, content = convert(multimodal)
    assert content is not None
    assert {annotation.key: len(annotation.values) for annotation in content.annotations} == {
        "cell_type": 3,
        "cell_type (prot)": 2,
    }
    told = [finding for finding in findings if finding.code == "same_name_in_modalities"]
    assert [finding.path for finding in told] == ["mod['prot'].obs", "mod['prot'].obsm"]


def test_a_modality_may_say_more_in_its_own_uns(multimodal: Path, convert: Convert) -> None:
    replace(multimodal, f"{PROT}/uns/cellenium", {"secondary_sample_attributes": np.array(["batch"])})
    content = convert(multimodal)[1]
    assert content is not None
    assert [(one.key, one.is_primary) for one in content.annotations] == [("cell_type", True), ("batch", False)]


def test_tables_of_a_modality_follow_its_attribute(multimodal: Path, convert: Convert) -> None:
    replace(multimodal, f"{PROT}/obs/cell_type", pd.Categorical(["CD4+", "CD4-", "CD4-"] * 20))
    table = pd.DataFrame(
        {"names": ["CD4"], "attribute_name": ["cell_type"], "ref_attr_value": ["CD4+"]}
        | {key: [1.0] for key in ("scores", "logfoldchanges", "pvals", "pvals_adj")}
    )
    replace(multimodal, f"{PROT}/uns/cellenium", {"differentially_expressed_genes": table})
    content = convert(multimodal)[1]
    assert content is not None
    (held,) = content.differential_expression
    assert (held.annotation_key, held.modality, held.rows[0][0]) == ("cell_type (prot)", "prot", "CD4")


def multimodal_with(path: Path, kept: list[int]) -> Path:
    """Write the study with some cells of the second modality, in some order."""
    data = multimodal_data()
    data.mod["prot"] = data.mod["prot"][kept].copy()
    with mudata.set_options(pull_on_update=False):
        data.update()
        data.write_h5mu(path)
    return path


def test_a_modality_with_fewer_cells(tmp_path: Path, convert: Convert, building: Path) -> None:
    kept = [*range(0, 30, 2), *range(40, 60)]
    data = multimodal_data()
    findings, content = convert(multimodal_with(tmp_path / "a.h5mu", kept))
    assert ("note", "modality_cells_fewer") in codes(findings)
    assert content is not None
    assert [(layer.modality, layer.row_map) for layer in content.layers] == [("rna", ""), ("prot", "parts.0")]
    assert [annotation.key for annotation in content.annotations] == ["cell_type"], "they agree where both have cells"
    assert sum(value.cell_count for value in content.annotations[0].values) == 60
    cells_store = CellsReader(building / "cells")
    assert cells_store.part("parts.0").tolist() == kept
    places = cells_store.coordinates(1)
    assert np.array_equal(np.flatnonzero(~np.isnan(places[:, 0])), kept)
    reader = MatrixReader(building / "prot-X")
    assert reader.cells == len(kept)
    cells, values = reader.gene(2)
    expected = data.mod["prot"].X.toarray()[kept][:, 2]
    assert np.array_equal(cells, np.flatnonzero(expected))
    assert np.array_equal(values, expected[cells])


def test_cells_in_another_order(tmp_path: Path, convert: Convert) -> None:
    (error,) = convert(multimodal_with(tmp_path / "a.h5mu", list(range(60))[::-1]))[0].errors
    assert (error.code, error.path) == ("modality_cells_unordered", "mod['prot'].obs.index")


def test_cells_the_file_does_not_know(multimodal: Path, convert: Convert) -> None:
    with changing(multimodal) as file:
        names = index_of(file[PROT], "obs")
        names[3] = "nobody"
    (error,) = convert(multimodal)[0].errors
    assert (error.code, error.found) == (
        "modality_cells_unknown",
        "of 60 cells, not in obs of the file: 1: 'nobody'",
    )


def test_an_unknown_kind(multimodal: Path, convert: Convert) -> None:
    findings, _ = convert(replace(multimodal, f"{UNS}/modalities/prot", "proteome"))
    (error,) = findings.errors
    assert (error.code, error.path) == ("modality_unknown", "uns['cellenium']['modalities']['prot']")


def test_a_modality_that_is_not_there(multimodal: Path, convert: Convert) -> None:
    findings, _ = convert(replace(multimodal, f"{UNS}/modalities/atac", "region"))
    assert codes(findings) == [("error", "modality_missing")]


def test_a_modality_nobody_declared(multimodal: Path, convert: Convert) -> None:
    for key in ("modalities", "main_sample_attributes", "import_projections"):
        remove(multimodal, f"{UNS}/{key}/prot")
    findings, content = convert(multimodal)
    assert codes(findings) == [("note", "modality_unused")]
    assert content is not None
    assert [layer.modality for layer in content.layers] == ["rna"]


def test_what_is_wrong_in_a_modality_is_placed(multimodal: Path, convert: Convert) -> None:
    remove(multimodal, f"{PROT}/obs/cell_type")
    values = np.ones((60, 8))
    values[1, 1] = np.inf
    replace(multimodal, f"{PROT}/X", values)
    findings, _ = convert(multimodal)
    assert [error.path for error in findings.errors] == ["mod['prot'].obs['cell_type']", "mod['prot'].X"]


def test_a_stranger_s_block_in_front_is_refused(multimodal: Path, convert: Convert) -> None:
    with multimodal.open("r+b") as file:
        file.write(b"#!/bin/sh\n")
    assert codes(convert(multimodal)[0]) == [("error", "user_block")]
