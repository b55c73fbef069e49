"""Genes, coordinates and annotations are read by the names people use, from the version that serves."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError, UnavailableError
from studies.services.annotations import annotation_groups
from studies.services.expression import gene_expression
from studies.services.features import find_feature, names_at
from studies.services.projections import coordinates
from studies.services.stores import default_layer
from tests.builders.stores import published_study

pytestmark = pytest.mark.django_db

SYMBOLS = ("CD3E", "cd3e", "LYZ", "TWIN", "TWIN", "twin", "ENSG00000000002")


@pytest.fixture
def made():
    return published_study(owner=None, cells=12, symbols=SYMBOLS, genes=len(SYMBOLS))


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("ENSG00000000004", 4),
        ("CD3E", 0),
        ("cd3e", 1),
        ("lyz", 2),
        ("twin", 5),
        ("ENSG00000000002", 2),
    ],
)
def test_a_gene_is_found_by_identifier_then_symbol_then_in_any_case(made, name, position):
    assert find_feature(made.version, name, modality="rna").position == position


@pytest.mark.parametrize("name", ["ENSG00000000003", "ENSG00000000003.7", "ensg00000000003.7"])
@pytest.mark.parametrize("identifier", ["ENSG00000000003", "ENSG00000000003.12"])
def test_an_ensembl_id_is_found_whatever_its_version_without_any_table(made, name, identifier):
    made.version.features.filter(position=3).update(identifier=identifier)
    assert find_feature(made.version, name, modality="rna").position == 3


@pytest.mark.parametrize(
    ("name", "identifiers"),
    [("TWIN", ["ENSG00000000003", "ENSG00000000004"]), ("Cd3E", ["ENSG00000000000", "ENSG00000000001"])],
)
def test_a_symbol_of_several_genes_is_refused_with_their_identifiers(made, name, identifiers):
    with pytest.raises(InvalidInputError, match="by identifier: " + ", ".join(identifiers) + r"\.$") as caught:
        find_feature(made.version, name, modality="rna")
    assert [(error.pointer, error.code) for error in caught.value.errors] == [("/feature", "ambiguous_feature")]


def test_many_genes_of_one_symbol_are_not_all_named():
    made = published_study(owner=None, cells=6, symbols=["SAME"] * 12, genes=12)
    with pytest.raises(InvalidInputError, match=r"ENSG00000000009, \.\.\.\.$"):
        find_feature(made.version, "SAME", modality="rna")


@pytest.mark.parametrize("name", ["", "NOPE", "CD3E\0", "%", "ENSG0000000000"])
def test_what_is_no_gene_is_refused(made, name):
    with pytest.raises(InvalidInputError) as caught:
        find_feature(made.version, name, modality="rna")
    assert [(error.pointer, error.code) for error in caught.value.errors] == [("/feature", "unknown_feature")]


def test_genes_of_another_study_are_not_found(made):
    published_study(owner=None, cells=6, symbols=("ELSE",), genes=1)
    with pytest.raises(InvalidInputError, match="no gene 'ELSE'"):
        find_feature(made.version, "ELSE", modality="rna")


def test_names_at_positions(made):
    assert names_at(made.version, [4, 0], modality="rna") == {
        4: ("ENSG00000000004", "TWIN"),
        0: ("ENSG00000000000", "CD3E"),
    }
    assert len(names_at(made.version, list(range(1001)), modality="rna")) == len(SYMBOLS)


def test_expression_of_one_gene_is_its_nonzero_cells(made):
    found = gene_expression(version=made.version, feature="lyz")
    column = made.matrix[:, 2]
    assert found.feature.identifier == "ENSG00000000002"
    assert found.cell_ids.tolist() == np.flatnonzero(column).tolist()
    np.testing.assert_array_equal(found.values, column[column != 0])


def test_coordinates_by_key(made):
    found = coordinates(version=made.version, key="umap")
    np.testing.assert_array_equal(found.places, made.coordinates)


@pytest.mark.parametrize("key", ["tsne", "umap\0", ""])
def test_an_unknown_projection_is_refused_naming_those_there_are(made, key):
    with pytest.raises(NotFoundError, match="there are: umap"):
        coordinates(version=made.version, key=key)


def test_annotations_with_their_values_in_two_queries(made, django_assert_num_queries):
    with django_assert_num_queries(2):
        groups = [
            (group.key, [value.label for value in group.values.all()]) for group in annotation_groups(made.version)
        ]
    assert groups == [("cell_type", ["T cell", "B cell", "Monocyte"])]


def test_a_store_that_is_gone_is_told_without_paths(made, caplog):
    shutil.rmtree(Path(settings.STORE_DIR) / default_layer(made.version).store_path)
    with pytest.raises(UnavailableError) as caught:
        gene_expression(version=made.version, feature="LYZ")
    assert caught.value.code == "store_damaged"
    assert str(settings.STORE_DIR) not in caught.value.detail
    assert str(settings.STORE_DIR) in caplog.text


def test_a_version_without_matrix_is_told(made):
    made.version.layers.all().delete()
    with pytest.raises(NotFoundError, match="no expression matrix"):
        gene_expression(version=made.version, feature="LYZ")


def test_reading_loads_neither_scipy_nor_what_builds_and_computes():
    code = (
        "import sys, django; django.setup()\n"
        "import studies.services.differential_expression, studies.services.correlations\n"
        "import studies.services.expression, studies.services.projections, studies.services.publication\n"
        "heavy = {'scipy', 'pandas', 'numba', 'anndata', 'h5py', 'studies.analysis', 'studies.store.builder'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
