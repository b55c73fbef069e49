"""Answers without a worker: what a test keeps for the one analysis there is."""

from typing import Any

import numpy as np
from django.utils import timezone

from cellenium_admin.core.models import Job
from studies.models import Analysis, AnalysisTable
from studies.services import tables

GENE = {"feature_id": "ENSG00000000001", "symbol": "GENE1"}
NUMBERS = {"score": 2.5, "p": 0.01, "p_adj": 0.3, "log2fc": np.nan, "pct_in": 0.5, "pct_out": 0.0}
MEANS = {"mean_in": 1.0, "mean_out": 0.0}
COLUMNS = {name: np.array([0.0, number] + 28 * [0.0]) for name, number in {**NUMBERS, **MEANS}.items()}
ROWS = [{**GENE, **NUMBERS, "log2fc": None, **MEANS}]
FACTS = {"cells1": 20, "cells2": 40}


def keep(columns: dict[str, np.ndarray], facts: dict[str, Any] = FACTS, position: int = 0) -> None:
    """Keep a table of the one analysis."""
    analysis = Analysis.objects.get()
    packed = tables.pack(analysis.kind, columns)
    AnalysisTable.objects.create(analysis=analysis, position=position, facts=facts, columns=packed)
    Analysis.objects.update(answered_at=timezone.now())


def end_job(state: str, code: str = "", columns: dict[str, np.ndarray] | None = None, **fields: Any) -> None:
    """Do what a worker does at the end."""
    if columns is not None:
        keep(columns)
    Job.objects.update(state=state, error_code=code, finished_at=timezone.now(), lease_until=None, **fields)
