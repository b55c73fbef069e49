"""The two heavy questions, as they are asked and as they are answered."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
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
    """Cells: those with any of some values of one annotation, cells one by one, or those of a user annotation.

    Give one of the three.
    """

    value_ids = IntegerListField(limit=MOST_VALUES, required=False)
    cell_ids = IntegerListField(limit=MOST_CELLS, required=False)
    annotation_id = serializers.UUIDField(required=False)


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
    modality = StrictCharField(max_length=50, required=False, help_text="The first one when left out.")


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


class PseudobulkQuestion(LayerSerializer):
    """Sums of all genes over the cells of each sample."""

    sample = StrictCharField(max_length=200, help_text="The annotation whose values are the samples.")
    by = StrictCharField(
        max_length=200, required=False, allow_null=True, help_text="Another annotation: sums apart for its values."
    )
    within = CellGroupSerializer(required=False, help_text="Leaves all other cells out.")


class TableQuery(StrictSerializer):
    """Which groups are in a table of sums."""

    min_cells = serializers.IntegerField(required=False, min_value=0, help_text="Of sums: leave smaller groups out.")


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
    modality = serializers.CharField(max_length=50, required=False, help_text="The first one when left out.")
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


class SummedGroup(serializers.Serializer[Any]):
    """One line of the table of sums."""

    sample = serializers.CharField()
    value = serializers.CharField(allow_null=True)
    cells = serializers.IntegerField()
    whole_numbers = serializers.BooleanField(help_text="Whether all its sums are, as those of counts.")


class PseudobulkAnswer(AnalysisSerializer):
    """The groups that were summed; the sums are had as `GET /analyses/{analysis_id}/results.csv`.

    Tools that compare samples want sums of counts: where `whole_numbers` is false, ask for the layer with the counts.
    """

    kind = serializers.SerializerMethodField()
    sample = serializers.CharField(source="analysis.parameters.sample")
    by = serializers.CharField(source="analysis.parameters.by", allow_null=True)
    groups = SummedGroup(many=True, allow_null=True)

    @extend_schema_field({"const": Analysis.Kind.PSEUDOBULK.value})
    def get_kind(self, shown: Shown) -> str:
        """Tell this answer from others."""
        return shown.analysis.kind


ANSWERS: dict[str, type[AnalysisSerializer]] = {
    Analysis.Kind.DIFFERENTIAL_EXPRESSION.value: DifferentialExpressionAnswer,
    Analysis.Kind.CORRELATION.value: CorrelationAnswer,
    Analysis.Kind.PSEUDOBULK.value: PseudobulkAnswer,
}
