"""Studies and what is in them, as the API shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cellenium_admin.core.api.serializers import StrictSerializer
from cellenium_admin.core.models import Job
from studies.models import AnnotationGroup, AnnotationValue, Layer, MarkersSource, Projection, Study
from studies.services.markers import kept_markers
from studies.services.studies import current_version, may_compute


class StudySerializer(serializers.ModelSerializer[Study]):
    """A study and the size of its current version."""

    organism = serializers.IntegerField(
        source="organism_tax_id", allow_null=True, help_text="NCBI taxonomy id, 9606 for human."
    )
    version_id = serializers.UUIDField(source="current_version_id")
    version_number = serializers.IntegerField(source="current_version.number")
    cell_count = serializers.IntegerField(source="current_version.cell_count")
    gene_count = serializers.IntegerField(source="current_version.gene_count")

    class Meta:
        model = Study
        fields = [
            *("id", "name", "description", "organism", "version_id", "version_number", "cell_count", "gene_count"),
            *("visibility", "source_uri", "created_at", "updated_at"),
        ]
        read_only_fields = fields


class LayerSerializer(serializers.ModelSerializer[Layer]):
    """One expression matrix."""

    class Meta:
        model = Layer
        fields = ["modality", "name"]
        read_only_fields = fields


class ProjectionKeySerializer(serializers.ModelSerializer[Projection]):
    """One picture of the cells, by the key under which its coordinates can be read."""

    class Meta:
        model = Projection
        fields = ["key"]
        read_only_fields = fields


class KeptMarkersSerializer(serializers.Serializer[Any]):
    """An annotation of whose values the genes that set them apart are kept; `GET studies/{id}/de` gives them."""

    annotation = serializers.CharField(source="group.key")
    modality = serializers.CharField()
    source = serializers.ChoiceField(choices=MarkersSource.choices)  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=Job.State.choices)
    analysis_id = serializers.UUIDField(source="analysis.pk", allow_null=True, default=None)


class StudyDetailSerializer(StudySerializer):
    """A study with what its current version holds."""

    markers = serializers.SerializerMethodField(help_text="Differential expression that need not be asked for.")
    layers = LayerSerializer(source="current_version.layers", many=True)
    projections = ProjectionKeySerializer(source="current_version.projections", many=True)
    may_compute = serializers.SerializerMethodField(help_text="Whether the caller may ask the heavy questions.")

    class Meta(StudySerializer.Meta):
        fields = [*StudySerializer.Meta.fields, "metadata", "layers", "projections", "markers", "may_compute"]
        read_only_fields = fields

    @extend_schema_field(KeptMarkersSerializer(many=True))
    def get_markers(self, study: Study) -> Any:
        """List them for the current version."""
        return KeptMarkersSerializer(kept_markers(current_version(study)), many=True).data

    def get_may_compute(self, study: Study) -> bool:
        """Ask for this caller."""
        return may_compute(user=self.context["request"].user, study=study)


class AnnotationValueSerializer(serializers.ModelSerializer[AnnotationValue]):
    """One category."""

    value_id = serializers.IntegerField(source="id")
    count = serializers.IntegerField(source="cell_count", help_text="Number of cells.")

    class Meta:
        model = AnnotationValue
        fields = ["value_id", "label", "color", "count"]
        read_only_fields = fields


class AnnotationGroupSerializer(serializers.ModelSerializer[AnnotationGroup]):
    """One way to label the cells."""

    group_id = serializers.IntegerField(source="id")
    values = AnnotationValueSerializer(many=True)

    class Meta:
        model = AnnotationGroup
        fields = ["group_id", "key", "label", "is_primary", "values"]
        read_only_fields = fields


class CoordinatesSerializer(serializers.Serializer[Any]):
    """Coordinates of a projection, one of each per cell in the order of the cells; null where a cell has none."""

    key = serializers.CharField()
    version_id = serializers.UUIDField()
    x = serializers.ListField(child=serializers.FloatField(allow_null=True))
    y = serializers.ListField(child=serializers.FloatField(allow_null=True))


class ExpressionSerializer(serializers.Serializer[Any]):
    """One gene in the cells where it is not zero, by number of the cell, ascending."""

    feature_id = serializers.CharField(help_text="The identifier in the file, often an Ensembl id.")
    symbol = serializers.CharField()
    version_id = serializers.UUIDField()
    cell_ids = serializers.ListField(child=serializers.IntegerField())
    values = serializers.ListField(child=serializers.FloatField())


class VersionQuery(StrictSerializer):
    """Which version an answer must be of."""

    version = serializers.UUIDField(
        required=False,
        help_text="The current `version_id`; with it the answer may be cached for good, and is 404 once it is old.",
    )


class ExpressionQuery(VersionQuery):
    """Which gene."""

    feature = serializers.CharField(max_length=200, help_text="A gene's symbol or identifier.")
    modality = serializers.CharField(max_length=50, required=False, help_text="The first one when left out.")
