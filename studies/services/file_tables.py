"""Tables of differential expression that came with a file: kept, and read again."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from studies.content import DifferentialExpressionContent, VersionContent
from studies.models import AnnotationValue, DifferentialExpressionTable, StudyVersion
from studies.services.tables import DIFFERENTIAL_EXPRESSION, DTYPE

KEPT = ("score", "p", "p_adj", "log2fc")
# As a table in a file names its numbers: score, fold change, p, adjusted p.
IN_CONTENT = (0, 2, 3, 1)


def create_tables(*, version: StudyVersion, content: VersionContent) -> None:
    """Keep the tables of a file, in the transaction that publishes it; features and annotations are there."""
    if not content.differential_expression:
        return
    positions: dict[str, dict[str, int]] = {}
    for feature in content.features:
        of_modality = positions.setdefault(feature.modality, {})
        of_modality[feature.identifier] = len(of_modality)
    values = {
        (value.group.key, value.label): value
        for value in AnnotationValue.objects.filter(group__version=version).select_related("group")
    }
    DifferentialExpressionTable.objects.bulk_create(
        _rows(version, content.differential_expression, positions, values), batch_size=100
    )


def columns_of(table: DifferentialExpressionTable) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Give the positions of a table's genes and its columns, named as those of computed tables, NaN for none."""
    numbers = np.frombuffer(table.columns, dtype=DTYPE).reshape(1 + len(KEPT), -1)
    kept = dict(zip(KEPT, numbers[1:], strict=True))
    nothing = np.full(table.gene_count, np.nan)
    return numbers[0].astype(np.int64), {name: kept.get(name, nothing) for name in DIFFERENTIAL_EXPRESSION}


def _rows(
    version: StudyVersion,
    tables: Iterable[DifferentialExpressionContent],
    positions: Mapping[str, Mapping[str, int]],
    values: Mapping[tuple[str, str], AnnotationValue],
) -> Iterable[DifferentialExpressionTable]:
    for table in tables:
        places = [positions[table.modality][identifier] for identifier, *_ in table.rows]
        given = np.array([row[1:] for row in table.rows], dtype=np.float64).reshape(-1, len(KEPT))
        columns = np.vstack([places, given.T[list(IN_CONTENT)]]).astype(DTYPE)
        yield DifferentialExpressionTable(
            version=version,
            value=values[(table.annotation_key, table.value_label)],
            modality=table.modality,
            gene_count=len(places),
            columns=columns.tobytes(),
        )
