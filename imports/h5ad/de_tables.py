"""Tables of differential expression in a file: matched to its genes and values, and every row accounted for."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
import pandas as pd

from imports.h5ad import elements
from imports.h5ad.annotations import Annotation
from imports.h5ad.declaration import PLACE
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings, some
from studies.content import DifferentialExpressionContent

KEY = "differentially_expressed_genes"
PATH = f"{PLACE}['{KEY}']"
NAMES = ("names", "attribute_name", "ref_attr_value")
NUMBERS = ("scores", "logfoldchanges", "pvals", "pvals_adj")
EXPECTED = f"a table with the columns {', '.join((*NAMES, *NUMBERS))}"
REMEDY = "Write the table again, or remove the key."

Row = tuple[str, float | None, float | None, float | None, float | None]


def read_tables(
    group: h5py.Group, modality: str, genes: Sequence[str], annotations: Sequence[Annotation], findings: Findings
) -> tuple[DifferentialExpressionContent, ...]:
    """Read the rows of known genes and values, and count the others.

    NaN becomes None and infinities stay; of two rows about one gene and one value the first counts.
    """
    table = _table(group, findings)
    if table is None:
        return ()
    known = {annotation.key: set(annotation.labels) for annotation in annotations}
    texts = {name: table[name].astype(object).map(_text) for name in NAMES}
    are_genes = texts["names"].isin(set(genes)).to_numpy(bool)
    pairs = zip(texts["attribute_name"], texts["ref_attr_value"], strict=True)
    are_values = np.array([value in known.get(key, ()) for key, value in pairs], dtype=bool)
    kept = pd.DataFrame(texts)[are_genes & are_values]
    once = kept[~kept.duplicated(list(NAMES))]
    _tell_left_out(texts, are_genes, are_values, len(kept) - len(once), findings)
    numbers = _numbers(table, findings).loc[once.index]
    remedy = "They are kept as they are; for main annotations without any, the genes are computed after the import."
    findings.note("de_table_read", PATH, found=f"{len(once)} of {len(table)} rows fit the file", remedy=remedy)
    return _contents(once, numbers, modality)


def _table(group: h5py.Group, findings: Findings) -> pd.DataFrame | None:
    uns = elements.group(group, "uns")
    held = elements.group(uns, "cellenium") if uns is not None else None
    if held is None or KEY not in held:
        return None
    try:
        table = elements.read(held, KEY)
    except UnreadableError as error:
        findings.warning("de_table_unreadable", PATH, found=str(error), expected=EXPECTED, remedy=REMEDY)
        return None
    if not isinstance(table, pd.DataFrame):
        findings.warning("de_table_wrong", PATH, found=type(table).__name__, expected=EXPECTED, remedy=REMEDY)
        return None
    missing = [name for name in (*NAMES, *NUMBERS) if name not in table]
    if missing:
        found = f"no column {', '.join(missing)}"
        findings.warning("de_table_wrong", PATH, found=found, expected=EXPECTED, remedy=REMEDY)
        return None
    return table.reset_index(drop=True)


def _text(value: Any) -> str:
    """Write a value as annotations do: 3.0 as '3'."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _numbers(table: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    numbers = table[list(NUMBERS)].apply(pd.to_numeric, errors="coerce").astype(np.float64)
    values = numbers["logfoldchanges"]
    missing, infinite = int(values.isna().sum()), int(np.isinf(values).sum())
    if missing or infinite:
        found = f"{missing} rows without a fold change, {infinite} with an infinite one; they are kept as they are"
        findings.note("de_fold_change_unusual", f"{PATH}['logfoldchanges']", found=found)
    return numbers


def _tell_left_out(
    texts: dict[str, pd.Series], are_genes: Any, are_values: Any, repeated: int, findings: Findings
) -> None:
    genes = sorted(set(texts["names"][~are_genes]))
    values = sorted(
        {f"{texts['attribute_name'][row]}: {texts['ref_attr_value'][row]}" for row in np.flatnonzero(~are_values)}
    )
    remedy = "Make the table fit the file."
    if genes:
        found = f"{np.count_nonzero(~are_genes)} of {are_genes.size} rows, left out; {some(genes)}"
        findings.warning("de_unknown_genes", PATH, found=found, expected="names of var", remedy=remedy)
    if values:
        found = f"{np.count_nonzero(~are_values)} of {are_values.size} rows, left out; {some(values)}"
        expected = "a declared attribute and one of its values"
        findings.warning("de_unknown_values", PATH, found=found, expected=expected, remedy=remedy)
    if repeated:
        findings.warning("de_rows_repeated", PATH, found=f"{repeated} rows, left out", expected="one a gene and value")


def _contents(names: pd.DataFrame, numbers: pd.DataFrame, modality: str) -> tuple[DifferentialExpressionContent, ...]:
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for name, key, value, *values in zip(
        *(names[column] for column in NAMES), *(numbers[column] for column in NUMBERS), strict=True
    ):
        score, fold, p, p_adj = (None if np.isnan(number) else float(number) for number in values)
        rows[(key, value)].append((name, score, fold, p, p_adj))
    return tuple(
        DifferentialExpressionContent(key, value, modality, tuple(of_value)) for (key, value), of_value in rows.items()
    )
