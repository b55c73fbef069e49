"""The two heavy questions, as they are asked and as they are answered."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from cellenium_admin.core.api.serializers import (
    IntegerListField,
    StrictBooleanField,
    StrictCharField,
    StrictFloatField,
    StrictIntegerField,
    StrictSerializer,
)
from cellenium_admin.core.models import Job
from studies.models import Analysis
from studies.services import correlations, differential_expression

MOST_CELLS = 5_000_000
MOST_VALUES = 10_000
MOST_ROWS = 100_000


class CellGroupSerializer(StrictSerializer):
    """Cells: those with any of some values of one annotation, or cells one by one. Give one of the two."""

    value_ids = IntegerListField(limit=MOST_VALUES, required=False)
    cell_ids = IntegerListField(limit=MOST_CELLS, required=False)


class DifferentialExpressionQuestion(StrictSerializer):
    """Which genes set `group1` apart from all other cells."""

    group1 = CellGroupSerializer()
    group2 = serializers.ChoiceField(choices=[differential_expression.REST], default=differential_expression.REST)
    method = serializers.ChoiceField(choices=differential_expression.METHODS, default="wilcoxon")
    tie_correct = StrictBooleanField(default=True, help_text="Correct the variance for ties.")
    n_genes = StrictIntegerField(default=100, min_value=1, max_value=MOST_ROWS, help_text="Highest scores first.")


class CorrelationQuestion(StrictSerializer):
    """Which genes move with one."""

    feature = StrictCharField(max_length=200, help_text="A gene's symbol or identifier.")
    method = serializers.ChoiceField(choices=correlations.METHODS, default="pearson")
    limit = StrictIntegerField(default=100, min_value=1, max_value=MOST_ROWS, help_text="Strongest first.")
    min_abs_r = StrictFloatField(default=0.0, min_value=0, max_value=1)


class DifferentialExpressionRow(serializers.Serializer[Any]):
    """One gene; null where a number is not finite."""

    feature_id = serializers.CharField()
    symbol = serializers.CharField()
    score = serializers.FloatField(allow_null=True, help_text="z of the rank sum; positive: higher in the group.")
    p = serializers.FloatField(allow_null=True, help_text="Two-sided.")
    p_adj = serializers.FloatField(allow_null=True, help_text="Benjamini-Hochberg over all genes.")
    log2fc = serializers.FloatField(allow_null=True)
    pct_in = serializers.FloatField(allow_null=True, help_text="Fraction of the group's cells that express it.")
    pct_out = serializers.FloatField(allow_null=True)


class CorrelationRow(serializers.Serializer[Any]):
    """One gene; null where it has the same value in all cells."""

    feature_id = serializers.CharField()
    symbol = serializers.CharField()
    r = serializers.FloatField(allow_null=True)


class AnalysisSerializer(serializers.Serializer[Analysis]):
    """A question and, once `state` is `succeeded`, its answer."""

    analysis_id = serializers.UUIDField(source="id")
    study_id = serializers.UUIDField(source="version.study_id")
    version_id = serializers.UUIDField()
    job_id = serializers.UUIDField()
    state = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_state(self, analysis: Analysis) -> Job.State:
        """Say where the job stands; an answer that is there stays one, whatever becomes of the job."""
        return Job.State.SUCCEEDED if analysis.results is not None else Job.State(analysis.job.state)


class DifferentialExpressionAnswer(AnalysisSerializer):
    """The genes with the highest scores."""

    kind = serializers.SerializerMethodField()
    results = DifferentialExpressionRow(many=True, allow_null=True)

    @extend_schema_field({"const": Analysis.Kind.DIFFERENTIAL_EXPRESSION.value})
    def get_kind(self, analysis: Analysis) -> str:
        """Tell this answer from others."""
        return analysis.kind


class CorrelationAnswer(AnalysisSerializer):
    """The genes with the strongest correlation."""

    kind = serializers.SerializerMethodField()
    results = CorrelationRow(many=True, allow_null=True)

    @extend_schema_field({"const": Analysis.Kind.CORRELATION.value})
    def get_kind(self, analysis: Analysis) -> str:
        """Tell this answer from others."""
        return analysis.kind


ANSWERS: dict[str, type[AnalysisSerializer]] = {
    Analysis.Kind.DIFFERENTIAL_EXPRESSION.value: DifferentialExpressionAnswer,
    Analysis.Kind.CORRELATION.value: CorrelationAnswer,
}

_COMMON = {
    "analysis_id": "0f6b9a3e-5d0c-4c4b-9a53-0d8f1c1b8a11",
    "study_id": "7a3a0f5e-2c54-4a0e-8a3c-6a3f6f0b5b21",
    "version_id": "b1f6a0f2-76c5-4b36-8c0b-5a6e1f6c7d31",
    "job_id": "d2c4e6f8-1a3b-4c5d-9e7f-0a1b2c3d4e5f",
    "created_at": "2026-11-23T09:30:00Z",
}
DIFFERENTIAL_EXPRESSION_EXAMPLES = [
    OpenApiExample(
        "Markers of one cell type",
        value={"group1": {"value_ids": [17]}, "group2": "rest", "method": "wilcoxon", "n_genes": 10},
        request_only=True,
    ),
    OpenApiExample("Markers of cells one has drawn", value={"group1": {"cell_ids": [0, 4, 5, 99]}}, request_only=True),
    OpenApiExample(
        "Answered",
        value={
            **_COMMON,
            "kind": "differential_expression",
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
                }
            ],
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Still at work",
        value={**_COMMON, "kind": "differential_expression", "state": "running", "results": None},
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
            "kind": "correlation",
            "state": "succeeded",
            "results": [{"feature_id": "ENSG00000007312", "symbol": "CD79B", "r": 0.71}],
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Still at work",
        value={**_COMMON, "kind": "correlation", "state": "queued", "results": None},
        response_only=True,
        status_codes=["202"],
    ),
]
