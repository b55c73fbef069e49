"""Tables of numbers per gene: how they are kept, and what of them is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from studies.models import Analysis, AnalysisTable, StudyVersion
from studies.services.features import names_at
from studies.services.numbers import numbers_for_json

DIFFERENTIAL_EXPRESSION = ("score", "p", "p_adj", "log2fc", "pct_in", "pct_out", "mean_in", "mean_out")
CORRELATION = ("r",)
COLUMNS: Mapping[str, Sequence[str]] = {
    Analysis.Kind.DIFFERENTIAL_EXPRESSION: DIFFERENTIAL_EXPRESSION,
    Analysis.Kind.CORRELATION: CORRELATION,
    Analysis.Kind.PSEUDOBULK: ("sum",),
}
DTYPE = np.dtype("<f8")

Columns = Mapping[str, NDArray[np.float64]]
Direction = Literal["up", "down", "both"]
Sign = Literal["both", "positive", "negative"]


@dataclass(frozen=True, slots=True)
class GeneSelection:
    """Which genes of a test are shown: the first `n_genes` of those that pass, by score.

    `up` begins with the highest score, `down` with the lowest, `both` with the largest whatever the sign. A gene
    passes when its number is beyond the limit, as in `scanpy.tl.filter_rank_genes_groups`; None is no limit. With
    `first_select`, the first genes are taken before the limits are applied, as scanpy's two functions do.
    """

    n_genes: int = 100
    direction: Direction = "up"
    min_in_fraction: float | None = None
    max_out_fraction: float | None = None
    min_log2fc: float | None = None
    max_p_adj: float | None = None
    first_select: bool = False


# What cellenium's preparation library computes: rank_genes_groups and then filter_rank_genes_groups.
CELLENIUM = GeneSelection(
    n_genes=100, direction="up", min_in_fraction=0.1, max_out_fraction=1.0, min_log2fc=0.5, first_select=True
)


@dataclass(frozen=True, slots=True)
class CorrelationSelection:
    """Which genes of a correlation are shown: the `limit` strongest from `min_abs_r` upwards, of one sign or both."""

    limit: int = 100
    min_abs_r: float = 0.0
    sign: Sign = "both"


def pack(kind: str, columns: Columns) -> bytes:
    """Write the columns of a table as bytes."""
    return np.stack([np.asarray(columns[name], dtype=DTYPE) for name in COLUMNS[kind]]).tobytes()


def unpack(kind: str, table: AnalysisTable) -> dict[str, NDArray[np.float64]]:
    """Read the columns of a table, each of shape (genes,)."""
    names = COLUMNS[kind]
    numbers = np.frombuffer(table.columns, dtype=DTYPE).reshape(len(names), -1)
    return dict(zip(names, numbers, strict=True))


def select_genes(columns: Columns, selection: GeneSelection) -> NDArray[np.int64]:
    """Give the positions of the genes to show, in order; equal scores come in the order of the matrix."""
    keys = {"up": -columns["score"], "down": columns["score"], "both": -np.abs(columns["score"])}
    order = np.argsort(keys[selection.direction], kind="stable")
    if selection.first_select:
        order = order[: selection.n_genes]
    return order[_passing(columns, selection)[order]][: selection.n_genes]


def select_correlated(r: NDArray[np.float64], selection: CorrelationSelection, *, position: int) -> NDArray[np.int64]:
    """Give the positions of the genes to show, the strongest first and the asked one left out.

    A gene with one value in all cells has no correlation: it comes last, and only where nothing is left out.
    """
    strength = np.where(np.isnan(r), -1.0, np.abs(r))
    order = np.argsort(-strength, kind="stable")
    wanted = {"both": np.ones(r.size, np.bool_), "positive": r > 0, "negative": r < 0}[selection.sign]
    wanted = wanted & ((strength >= selection.min_abs_r) | (selection.min_abs_r == 0))
    wanted[position] = False
    return order[wanted[order]][: selection.limit]


def rows_at(
    version: StudyVersion,
    columns: Columns,
    rows: NDArray[np.int64],
    *,
    modality: str,
    genes: NDArray[np.int64] | None = None,
) -> list[dict[str, Any]]:
    """Write rows of a table for JSON: what is not finite becomes null.

    `genes` are the positions of the table's genes, None when it has all of them in order.
    """
    chosen = (rows if genes is None else genes[rows]).tolist()
    names = names_at(version, chosen, modality=modality)
    numbers = [numbers_for_json(column[rows]) for column in columns.values()]
    return [
        {"feature_id": names[position][0], "symbol": names[position][1], **dict(zip(columns, row, strict=True))}
        for position, *row in zip(chosen, *numbers, strict=True)
    ]


def _passing(columns: Columns, selection: GeneSelection) -> NDArray[np.bool_]:
    passing = np.ones(columns["score"].size, dtype=np.bool_)
    change = columns["log2fc"]
    change = {"up": change, "down": -change, "both": np.abs(change)}[selection.direction]
    with np.errstate(invalid="ignore"):
        if selection.min_in_fraction is not None:
            passing &= columns["pct_in"] > selection.min_in_fraction
        if selection.max_out_fraction is not None:
            passing &= columns["pct_out"] < selection.max_out_fraction
        if selection.min_log2fc is not None:
            passing &= change > selection.min_log2fc
        if selection.max_p_adj is not None:
            passing &= columns["p_adj"] <= selection.max_p_adj
    return passing
