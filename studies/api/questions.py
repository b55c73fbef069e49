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
from studies.models import Analysis, MarkersSource
from studies.services import correlations, differential_expression
from studies.services.answers import Shown

MOST_CELLS = 5_000_000
MOST_VALUES = 10_000
MOST_ROWS = 100_000


class CellGroupSerializer(StrictSerializer):
    """Cells: those with any of some values of one annotation, or cells one by one. Give one of the two."""

    value_ids = IntegerListField(limit=MOST_VALUES, required=False)
    cell_ids = IntegerListField(limit=MOST_CELLS, required=False)


@extend_schema_field(
    {
        "oneOf": [{"const": differential_expression.REST}, {"$ref": "#/components/schemas/CellGroup"}],
        "description": "All other cells, or a group.",
        "default": differential_expression.REST,
    }
)
class OtherGroupField(serializers.Field[Any, Any, Any, Any]):
    """The second group: `rest`, or cells."""

    def to_internal_value(self, data: Any) -> Any:
        """Take the word as it is, anything else as a group."""
        return data if data == differential_expression.REST else CellGroupSerializer().run_validation(data)

    def to_representation(self, value: Any) -> Any:
        """Show it as it was given."""
        return value


class LayerSerializer(StrictSerializer):
    """Which matrix a question is about."""

    layer = StrictCharField(max_length=200, required=False, help_text="The first one when left out.")
    modality = StrictCharField(max_length=50, default="rna")


class GeneSelectionSerializer(StrictSerializer):
    """Which genes are shown; the numbers do not depend on it."""

    n_genes = StrictIntegerField(default=100, min_value=1, max_value=MOST_ROWS)
    direction = serializers.ChoiceField(
        choices=["up", "down", "both"], default="up", help_text="Highest scores first, lowest, or largest of either."
    )
    min_in_fraction = StrictFloatField(required=False, min_value=0, max_value=1, help_text="Above, not at.")
    max_out_fraction = StrictFloatField(required=False, min_value=0, max_value=1, help_text="Below, not at.")
    min_log2fc = StrictFloatField(required=False, help_text="Above, not at; in the direction asked for.")
    max_p_adj = StrictFloatField(required=False, min_value=0, max_value=1)


class DifferentialExpressionQuestion(LayerSerializer, GeneSelectionSerializer):
    """Which genes set `group1` apart from `group2`, or every value of `annotation` from the other cells."""

    group1 = CellGroupSerializer(required=False)
    group2 = OtherGroupField(default=differential_expression.REST)
    annotation = StrictCharField(max_length=200, required=False, help_text="All its values, instead of group1.")
    within = CellGroupSerializer(required=False, help_text="Leaves all other cells out.")
    method = serializers.ChoiceField(choices=differential_expression.METHODS, default="wilcoxon")
    tie_correct = StrictBooleanField(default=True, help_text="Correct the variance for ties; of wilcoxon only.")
    preset = serializers.ChoiceField(
        choices=["cellenium"],
        required=False,
        help_text="What cellenium computes: wilcoxon without tie correction, the 100 highest scores, of these the "
        "genes in more than 0.1 of the group with a log2 fold change above 0.5. Stands over the other options.",
    )


class CorrelationSelectionSerializer(StrictSerializer):
    """Which genes are shown; the numbers do not depend on it."""

    limit = StrictIntegerField(default=100, min_value=1, max_value=MOST_ROWS, help_text="Strongest first.")
    min_abs_r = StrictFloatField(default=0.0, min_value=0, max_value=1)
    sign = serializers.ChoiceField(choices=["both", "positive", "negative"], default="both")


class CorrelationQuestion(LayerSerializer, CorrelationSelectionSerializer):
    """Which genes move with one."""

    feature = StrictCharField(max_length=200, help_text="A gene's symbol or identifier.")
    method = serializers.ChoiceField(choices=correlations.METHODS, default="pearson")
    within = CellGroupSerializer(required=False, help_text="Leaves all other cells out.")


class AnalysisQuery(StrictSerializer):
    """Which genes are shown; `limit`, `min_abs_r` and `sign` are of correlations, the others of tests."""

    n_genes = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ROWS)
    direction = serializers.ChoiceField(choices=["up", "down", "both"], required=False)
    min_in_fraction = serializers.FloatField(required=False, min_value=0, max_value=1)
    max_out_fraction = serializers.FloatField(required=False, min_value=0, max_value=1)
    min_log2fc = serializers.FloatField(required=False)
    max_p_adj = serializers.FloatField(required=False, min_value=0, max_value=1)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ROWS)
    min_abs_r = serializers.FloatField(required=False, min_value=0, max_value=1)
    sign = serializers.ChoiceField(choices=["both", "positive", "negative"], required=False)


class MarkersQuery(StrictSerializer):
    """Whose genes, and which of them are shown."""

    value = serializers.IntegerField(help_text="A `value_id` of the current version.")
    modality = serializers.CharField(max_length=50, default="rna")
    n_genes = serializers.IntegerField(default=100, min_value=1, max_value=MOST_ROWS)
    direction = serializers.ChoiceField(choices=["up", "down", "both"], default="up")
    min_in_fraction = serializers.FloatField(required=False, min_value=0, max_value=1)
    max_out_fraction = serializers.FloatField(required=False, min_value=0, max_value=1)
    min_log2fc = serializers.FloatField(required=False)
    max_p_adj = serializers.FloatField(required=False, min_value=0, max_value=1)


class DifferentialExpressionRow(serializers.Serializer[Any]):
    """One gene; null where a number is not finite."""

    feature_id = serializers.CharField()
    symbol = serializers.CharField()
    score = serializers.FloatField(allow_null=True, help_text="z of the rank sum, or t; positive: higher in group1.")
    p = serializers.FloatField(allow_null=True, help_text="Two-sided.")
    p_adj = serializers.FloatField(allow_null=True, help_text="Benjamini-Hochberg over all genes.")
    log2fc = serializers.FloatField(allow_null=True)
    pct_in = serializers.FloatField(allow_null=True, help_text="Fraction of group1's cells that express it.")
    pct_out = serializers.FloatField(allow_null=True)
    mean_in = serializers.FloatField(allow_null=True, help_text="Mean of the layer's values, zeros included.")
    mean_out = serializers.FloatField(allow_null=True)


class MarkersAnswer(serializers.Serializer[Any]):
    """The genes kept about one value, best first; `results` is null until `state` is `succeeded`.

    Of a table that came with the file nothing is known but its numbers: method, layer and sizes are null.
    """

    study_id = serializers.UUIDField(source="version.study_id")
    version_id = serializers.UUIDField(source="version.pk")
    value_id = serializers.IntegerField(source="value.pk")
    label = serializers.CharField(source="value.label")  # type: ignore[assignment]
    annotation = serializers.CharField(source="kept.group.key")
    modality = serializers.CharField(source="kept.modality")
    source = serializers.ChoiceField(choices=MarkersSource.choices, source="kept.source")  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=Job.State.choices, source="kept.state")
    analysis_id = serializers.UUIDField(source="kept.analysis.pk", allow_null=True, default=None)
    layer = serializers.CharField(source="kept.analysis.parameters.layer", allow_null=True, default=None)
    method = serializers.CharField(source="kept.analysis.parameters.method", allow_null=True, default=None)
    tie_correct = serializers.BooleanField(source="kept.analysis.parameters.tie_correct", allow_null=True, default=None)
    cells1 = serializers.IntegerField(source="facts.cells1", allow_null=True, default=None)
    cells2 = serializers.IntegerField(source="facts.cells2", allow_null=True, default=None)
    results = DifferentialExpressionRow(many=True, allow_null=True)


class ValueResults(serializers.Serializer[Any]):
    """The genes of one value of an annotation."""

    value_id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    cells1 = serializers.IntegerField()
    cells2 = serializers.IntegerField()
    results = DifferentialExpressionRow(many=True)


class CorrelationRow(serializers.Serializer[Any]):
    """One gene; null where it has the same value in all cells."""

    feature_id = serializers.CharField()
    symbol = serializers.CharField()
    r = serializers.FloatField(allow_null=True)


class AnalysisSerializer(serializers.Serializer[Any]):
    """A question and, once `state` is `succeeded`, its answer."""

    analysis_id = serializers.UUIDField(source="analysis.id")
    study_id = serializers.UUIDField(source="analysis.version.study_id")
    version_id = serializers.UUIDField(source="analysis.version_id")
    job_id = serializers.UUIDField(source="analysis.job_id")
    state = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="analysis.created_at")
    layer = serializers.CharField(source="analysis.parameters.layer")
    modality = serializers.CharField(source="analysis.parameters.modality")
    method = serializers.CharField(source="analysis.parameters.method")

    def get_state(self, shown: Shown) -> Job.State:
        """Say where the job stands; an answer that is there stays one, whatever becomes of the job."""
        analysis = shown.analysis
        return Job.State.SUCCEEDED if analysis.answered_at else Job.State(analysis.job.state)


class DifferentialExpressionAnswer(AnalysisSerializer):
    """The genes that pass, best first: of one comparison in `results`, of all values of an annotation in `values`."""

    kind = serializers.SerializerMethodField()
    tie_correct = serializers.BooleanField(source="analysis.parameters.tie_correct", allow_null=True)
    cells1 = serializers.IntegerField(source="facts.cells1", allow_null=True, default=None)
    cells2 = serializers.IntegerField(source="facts.cells2", allow_null=True, default=None)
    results = DifferentialExpressionRow(many=True, allow_null=True)
    values = ValueResults(many=True, allow_null=True)

    @extend_schema_field({"const": Analysis.Kind.DIFFERENTIAL_EXPRESSION.value})
    def get_kind(self, shown: Shown) -> str:
        """Tell this answer from others."""
        return shown.analysis.kind


class CorrelationAnswer(AnalysisSerializer):
    """The genes that pass, strongest first."""

    kind = serializers.SerializerMethodField()
    cells = serializers.IntegerField(source="facts.cells", allow_null=True, default=None)
    results = CorrelationRow(many=True, allow_null=True)

    @extend_schema_field({"const": Analysis.Kind.CORRELATION.value})
    def get_kind(self, shown: Shown) -> str:
        """Tell this answer from others."""
        return shown.analysis.kind


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
