"""Compiling the loops of the heavy questions before the first is asked; workers only."""

from pathlib import Path

import numpy as np

from studies.analysis.columns import gathered
from studies.analysis.correlation import pearson, spearman
from studies.analysis.gene_range import gene_range
from studies.analysis.pseudobulk import pseudobulk
from studies.analysis.t_test import welch_t_test
from studies.analysis.wilcoxon import rank_sum_of_values, rank_sum_test
from studies.store.builder import MatrixBuilder
from studies.store.reader import MatrixReader

CELLS, GENES = 12, 5
MEMORY = 1 << 20


def warm_up(directory: Path) -> None:
    """Ask every kind of question once of a matrix made up in `directory`; what is compiled then is kept on disk.

    Gene numbers and ranks are of the types that all but the largest studies have.
    """
    store = _made_up(directory / "warming")
    some, others = np.arange(3, dtype=np.uint32), np.arange(3, 8, dtype=np.uint32)
    codes = np.arange(CELLS, dtype=np.int32) % 2
    rank_sum_test(store, some)
    rank_sum_test(store, some, others)
    rank_sum_of_values(store, codes, 2, within=np.arange(CELLS, dtype=np.uint32))
    welch_t_test(store, some)
    for correlate in (pearson, spearman):
        correlate(store, 1)
        correlate(store, 1, within=others)
    gathered(store, some)
    rank_sum_test(gene_range(store, 1, 3), some)
    pseudobulk(store, codes, 2)


def _made_up(directory: Path) -> MatrixReader:
    values = (np.arange(CELLS * GENES) % 4).astype(np.float32)
    with MatrixBuilder(directory, CELLS, GENES, MEMORY) as builder:
        indptr, indices = np.arange(CELLS + 1) * GENES, np.tile(np.arange(GENES, dtype=np.int32), CELLS)
        builder.add_rows(0, indptr, indices, values)
        builder.finish()
    return MatrixReader(directory)
