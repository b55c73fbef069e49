"""What is shown of the numbers of all genes: the order, the limits, and nothing JSON does not know."""

import json

import numpy as np
import pytest

from studies.models import AnalysisTable
from studies.services import tables
from studies.services.tables import CorrelationSelection, GeneSelection
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, published_study

SCORE = np.array([0.0, 3.0, -2.0, 3.0, 0.0, 9.0, 0.0, -5.0])
R = np.array([1.0, -0.9, 0.5, 0.9, np.nan, -0.5])


def columns(**given: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.arange(8.0) for name in tables.DIFFERENTIAL_EXPRESSION} | {"score": SCORE} | given


def chosen(selection: GeneSelection, **given: np.ndarray) -> list[int]:
    return tables.select_genes(columns(**given), selection).tolist()


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("up", [5, 1, 3, 0, 4]), ("down", [7, 2, 0, 4, 6]), ("both", [5, 7, 1, 3, 2])],
)
def test_direction_decides_the_order_and_the_matrix_between_equals(direction, expected):
    assert chosen(GeneSelection(n_genes=5, direction=direction)) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"min_in_fraction": 3.0}, [5, 4, 6, 7]),
        ({"max_out_fraction": 3.0}, [1, 0, 2]),
        ({"min_log2fc": 1.0, "direction": "up"}, [5, 3]),
        ({"min_log2fc": 1.0, "direction": "down"}, [2]),
        ({"min_log2fc": 1.0, "direction": "both"}, [5, 3, 2]),
        ({"max_p_adj": 2.0}, [1, 0, 2]),
        ({"n_genes": 2, "max_p_adj": 2.0}, [1, 0]),
        ({"n_genes": 2, "max_p_adj": 2.0, "first_select": True}, [1]),
    ],
)
def test_limits_are_beyond_and_not_at(limits, expected):
    change = np.array([0.5, 1.0, -7.0, np.inf, np.nan, 2.0, 0.0, 0.0])
    assert chosen(GeneSelection(**{"n_genes": 8} | limits), log2fc=change) == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (CorrelationSelection(limit=6), [1, 3, 2, 5, 4]),
        (CorrelationSelection(limit=2), [1, 3]),
        (CorrelationSelection(min_abs_r=0.5), [1, 3, 2, 5]),
        (CorrelationSelection(min_abs_r=0.95), []),
        (CorrelationSelection(sign="positive"), [3, 2]),
        (CorrelationSelection(sign="negative", limit=1), [1]),
    ],
)
def test_correlations_come_by_strength_without_the_gene_itself(selection, expected):
    assert tables.select_correlated(R, selection, position=0).tolist() == expected


def test_numbers_come_back_as_they_went():
    given = columns(p=np.array([5e-324, 1.0, np.nan, np.inf, -0.0, 1 / 3, 2.0**-1022, 0.1]))
    kind = "differential_expression"
    found = tables.unpack(kind, AnalysisTable(columns=tables.pack(kind, given)))
    assert list(found) == list(tables.DIFFERENTIAL_EXPRESSION)
    for name, column in given.items():
        np.testing.assert_array_equal(found[name], column)


@pytest.mark.django_db
def test_rows_know_names_and_no_nan():
    made: PublishedStudy = published_study(owner=person("ada"), cells=30, genes=8)
    given = {"log2fc": np.array([0, np.nan, 0, np.inf, 0, -np.inf, 0, 0.5]), "score": SCORE}
    rows = tables.rows_at(made.version, given, np.array([7, 1, 3]), modality="rna")
    assert [row["symbol"] for row in rows] == ["GENE7", "GENE1", "GENE3"]
    assert [row["log2fc"] for row in rows] == [0.5, None, None]
    assert list(rows[0]) == ["feature_id", "symbol", "log2fc", "score"]
    json.dumps(rows, allow_nan=False)
