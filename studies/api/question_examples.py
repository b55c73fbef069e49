"""Questions and answers as examples for the document of the API."""

from drf_spectacular.utils import OpenApiExample

_COMMON = {
    "analysis_id": "0f6b9a3e-5d0c-4c4b-9a53-0d8f1c1b8a11",
    "study_id": "7a3a0f5e-2c54-4a0e-8a3c-6a3f6f0b5b21",
    "version_id": "b1f6a0f2-76c5-4b36-8c0b-5a6e1f6c7d31",
    "job_id": "d2c4e6f8-1a3b-4c5d-9e7f-0a1b2c3d4e5f",
    "created_at": "2026-11-23T09:30:00Z",
    "layer": "normalized",
    "modality": "rna",
}
_COMPARED = {"kind": "differential_expression", "method": "wilcoxon", "tie_correct": True, "values": None}
_CORRELATED = {"kind": "correlation", "method": "pearson"}
DIFFERENTIAL_EXPRESSION_EXAMPLES = [
    OpenApiExample(
        "Markers of one cell type",
        value={"group1": {"value_ids": [17]}, "group2": "rest", "method": "wilcoxon", "n_genes": 10},
        request_only=True,
    ),
    OpenApiExample(
        "One cell type in two conditions",
        value={
            "group1": {"value_ids": [31]},
            "group2": {"value_ids": [32]},
            "within": {"value_ids": [17]},
            "method": "t-test",
            "direction": "both",
        },
        request_only=True,
    ),
    OpenApiExample("Every cell type", value={"annotation": "cell_type", "preset": "cellenium"}, request_only=True),
    OpenApiExample("Markers of cells one has drawn", value={"group1": {"cell_ids": [0, 4, 5, 99]}}, request_only=True),
    OpenApiExample(
        "Answered",
        value={
            **_COMMON,
            **_COMPARED,
            "cells1": 95,
            "cells2": 605,
            "state": "succeeded",
            "results": [
                {
                    "feature_id": "ENSG00000105369",
                    "symbol": "CD79A",
                    "score": 14.2,
                    "p": 9.1e-46,
                    "p_adj": 6.9e-43,
                    "log2fc": 4.7,
                    "pct_in": 0.89,
                    "pct_out": 0.06,
                    "mean_in": 2.1,
                    "mean_out": 0.07,
                }
            ],
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Still at work",
        value={**_COMMON, **_COMPARED, "cells1": None, "cells2": None, "state": "running", "results": None},
        response_only=True,
        status_codes=["202"],
    ),
]
CORRELATION_EXAMPLES = [
    OpenApiExample(
        "Genes that move with CD79A",
        value={"feature": "CD79A", "method": "pearson", "limit": 10, "min_abs_r": 0.2},
        request_only=True,
    ),
    OpenApiExample(
        "Answered",
        value={
            **_COMMON,
            **_CORRELATED,
            "cells": 700,
            "state": "succeeded",
            "results": [{"feature_id": "ENSG00000007312", "symbol": "CD79B", "r": 0.71}],
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Still at work",
        value={**_COMMON, **_CORRELATED, "cells": None, "state": "queued", "results": None},
        response_only=True,
        status_codes=["202"],
    ),
]
PSEUDOBULK_EXAMPLES = [
    OpenApiExample(
        "Sums of each donor's cell types",
        value={"sample": "donor_id", "by": "cell_type", "layer": "counts"},
        request_only=True,
    ),
    OpenApiExample(
        "Answered",
        value={
            **_COMMON,
            "kind": "pseudobulk",
            "method": "sum",
            "sample": "donor_id",
            "by": "cell_type",
            "state": "succeeded",
            "groups": [{"sample": "D1", "value": "B cell", "cells": 95, "whole_numbers": True}],
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Still at work",
        value={
            **_COMMON,
            "kind": "pseudobulk",
            "method": "sum",
            "sample": "donor_id",
            "by": None,
            "state": "queued",
            "groups": None,
        },
        response_only=True,
        status_codes=["202"],
    ),
]
