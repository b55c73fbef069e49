"""Which genes set a group of cells apart from all others."""

import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core.models import User
from studies.models import Analysis, StudyVersion
from studies.services.analyses import ask
from studies.services.cell_groups import invalid, resolve_group
from studies.services.features import names_at
from studies.services.rows import numbers_for_json, whole_number
from studies.services.stores import default_layer
from studies.services.studies import computable_study, current_version

METHODS = ("wilcoxon",)
REST = "rest"
COLUMNS = ("score", "p", "p_adj", "log2fc", "pct_in", "pct_out")


def request_differential_expression(
    *,
    user: User,
    study_id: uuid.UUID,
    group1: Mapping[str, Any],
    group2: str = REST,
    method: str = "wilcoxon",
    tie_correct: bool = True,
    n_genes: int = 100,
) -> Analysis:
    """Ask for the genes that differ between a group of cells and the rest, the `n_genes` highest scores first.

    Raises InvalidInputError naming the field, NotFoundError and RefusedError as `computable_study`.
    """
    study = computable_study(user=user, study_id=study_id)
    version = current_version(study)
    layer = default_layer(version)
    _check(group2, method, tie_correct)
    n_genes = min(whole_number(n_genes, pointer="/n_genes", least=1), version.gene_count)
    group = resolve_group(version, group1, pointer="/group1")
    parameters = {
        "layer": layer.name,
        "group1": group.parameters,
        "group2": group2,
        "method": method,
        "tie_correct": tie_correct,
        "n_genes": n_genes,
    }
    return ask(
        version=version,
        kind=Analysis.Kind.DIFFERENTIAL_EXPRESSION,
        parameters=parameters,
        user=user,
        details={"method": method, "layer": layer.name, "cells": group.size},
    )


def result_rows(
    *, version: StudyVersion, columns: Mapping[str, NDArray[np.float64]], n_genes: int
) -> list[dict[str, Any]]:
    """Write the genes with the highest scores as rows, equal scores in the order of the matrix.

    `columns` has the arrays named in COLUMNS, each of shape (genes,); what is not finite becomes null.
    """
    order = np.argsort(-columns["score"], kind="stable")[:n_genes]
    positions = order.tolist()
    names = names_at(version, positions)
    numbers = [numbers_for_json(columns[name][order]) for name in COLUMNS]
    return [
        {"feature_id": names[position][0], "symbol": names[position][1], **dict(zip(COLUMNS, row, strict=True))}
        for position, *row in zip(positions, *numbers, strict=True)
    ]


def _check(group2: str, method: str, tie_correct: bool) -> None:
    if group2 != REST:
        raise invalid("/group2", "invalid_choice", f"A group is compared with {REST!r}, all other cells.")
    if method not in METHODS:
        raise invalid("/method", "invalid_choice", f"The method must be one of: {', '.join(METHODS)}.")
    if not isinstance(tie_correct, bool):
        raise invalid("/tie_correct", "invalid", "This must be true or false.")
