"""Some genes of a Store as a matrix of their own, so that a question can be answered in parts."""

import itertools

import numpy as np
from numpy.typing import NDArray

from studies.store.reader import MatrixReader


class GeneRange(MatrixReader):
    """Genes `first` to before `stop` of an open Store, over the same mapped arrays; gene 0 here is `first` there."""

    def __init__(self, whole: MatrixReader, first: int, stop: int) -> None:
        """Look at a part of `whole`. Raises ValueError when it has no such genes."""
        if not 0 <= first < stop <= whole.features:
            raise ValueError(f"genes {first} to {stop} of {whole.features}")
        self.whole, self.first, self.stop = whole, first, stop
        self.directory, self.manifest = whole.directory, whole.manifest
        self.mapped = whole.mapped  # type: ignore[method-assign]

    @property
    def features(self) -> int:
        """Number of genes."""
        return self.stop - self.first

    @property
    def gene_indptr(self) -> NDArray[np.int64]:
        """Where each gene's entries begin and end among the columns of the whole, shape (genes + 1,)."""
        return self.whole.gene_indptr[self.first : self.stop + 1]

    @property
    def level_indptr(self) -> NDArray[np.int64]:
        """Where each gene's levels begin and end among those of the whole, shape (genes + 1,)."""
        return self.whole.level_indptr[self.first : self.stop + 1]

    @property
    def zero_rank2(self) -> NDArray[np.int64]:
        """Twice the average rank of zero per gene, shape (genes,)."""
        return self.whole.zero_rank2[self.first : self.stop]

    @property
    def tie_term(self) -> NDArray[np.float64]:
        """Sum of t^3 - t over the groups of equal values per gene, shape (genes,)."""
        return self.whole.tie_term[self.first : self.stop]

    @property
    def sum(self) -> NDArray[np.float64]:
        """Sum of values per gene, shape (genes,)."""
        return self.whole.sum[self.first : self.stop]

    @property
    def centered_sum_of_squares(self) -> NDArray[np.float64]:
        """Sum of squared distances from the mean per gene, zeros included, shape (genes,)."""
        return self.whole.centered_sum_of_squares[self.first : self.stop]


def gene_range(store: MatrixReader, first: int, stop: int) -> MatrixReader:
    """Give some genes of a Store, and the Store itself when they are all. Raises ValueError when it has no such."""
    if (first, stop) == (0, store.features):
        return store
    return GeneRange(store, first, stop)


def whole_of(store: MatrixReader) -> MatrixReader:
    """Give the Store of which this is a part, or itself."""
    return store.whole if isinstance(store, GeneRange) else store


def cut(store: MatrixReader, entries: int) -> list[tuple[int, int]]:
    """Cut the genes of a Store into ranges of about equal work, none with many more than `entries` entries."""
    indptr = store.gene_indptr
    wanted = max(1, -(-int(indptr[-1]) // entries))
    bounds = np.searchsorted(indptr, indptr[-1] * np.arange(1, wanted) / wanted)
    bounds = np.unique(np.concatenate([[0], bounds, [store.features]]))
    return [(int(first), int(stop)) for first, stop in itertools.pairwise(bounds)]
