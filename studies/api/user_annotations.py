"""Cells people have drawn, named and shared."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.serializers import StrictCharField, StrictSerializer, TextListField
from cellenium_admin.core.api.views import ApiListView, ApiView
from cellenium_admin.core.models import TokenScope
from studies.api.questions import MOST_CELLS, CellGroupSerializer
from studies.models import UserAnnotation
from studies.services import user_annotations
from studies.services.studies import visible_study

KEY_LENGTH = 1000
CHANGE = [etags.IF_MATCH, etags.etag_header(200)]


class UserAnnotationSerializer(serializers.ModelSerializer[UserAnnotation]):
    """A named set of cells."""

    annotation_id = serializers.UUIDField(source="id")
    study_id = serializers.UUIDField()
    version_id = serializers.UUIDField(source="attached_to_id", help_text="The version `cell_count` is about.")
    owner = serializers.CharField(source="owner.label")
    is_mine = serializers.SerializerMethodField()
    cell_count = serializers.IntegerField(help_text="Cells in the current version.")
    missing_cells = serializers.SerializerMethodField(
        help_text="Cells that were chosen and that the current version does not have."
    )

    class Meta:
        model = UserAnnotation
        fields = [
            *("annotation_id", "study_id", "version_id", "name", "color", "visibility", "owner", "is_mine"),
            *("cell_count", "missing_cells", "created_at", "updated_at"),
        ]
        read_only_fields = fields

    def get_is_mine(self, annotation: UserAnnotation) -> bool:
        """Say whether the caller may change it."""
        return bool(annotation.owner_id == self.context["request"].user.pk)

    @extend_schema_field(OpenApiTypes.INT)
    def get_missing_cells(self, annotation: UserAnnotation) -> int:
        """Count those that were lost."""
        return annotation.key_count - annotation.cell_count


class UserAnnotationChange(StrictSerializer):
    """What the owner may change."""

    name = StrictCharField(max_length=200, required=False)
    color = StrictCharField(max_length=7, required=False, help_text="#rrggbb")
    visibility = serializers.ChoiceField(
        choices=UserAnnotation.Visibility.choices, required=False, help_text="`study`: whoever sees the study sees it."
    )


class NewUserAnnotation(UserAnnotationChange):
    """Cells and a name; `cells` as in a question, or `cell_keys`: their names, as they were exported."""

    name = StrictCharField(max_length=200)
    cells = CellGroupSerializer(required=False)
    cell_keys = TextListField(limit=MOST_CELLS, length=KEY_LENGTH, required=False)


class AnnotatedCells(serializers.Serializer[Any]):
    """Cells by number, ascending."""

    version_id = serializers.UUIDField()
    cell_ids = serializers.ListField(child=serializers.IntegerField())


class UserAnnotationListView(ApiListView):
    """The annotations of a study the caller may see, and new ones."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.COMPUTE}
    queryset = UserAnnotation.objects.all()
    serializer_class = UserAnnotationSerializer
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Select one's own and shared ones, without their cells."""
        study = visible_study(user=self.user, study_id=self.kwargs["study_id"])
        seen = UserAnnotation.objects.visible_to(self.user).filter(study=study)
        return seen.select_related("owner").defer("keys", "cells")

    @extend_schema(operation_id="user_annotations_list", summary="Cells people have named")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List one's own annotations of a study and those others share, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="user_annotations_create",
        summary="Name cells",
        parameters=[etags.etag_header(201), response_header("Location", "The annotation.", 201)],
        request={"application/json": NewUserAnnotation},
        responses={201: UserAnnotationSerializer},
    )
    def post(self, request: Request, study_id: UUID) -> HttpResponse:
        """Name a set of cells. It is kept by the cells' names, and found again when the study is imported anew."""
        asked = self.read_body(NewUserAnnotation)
        annotation = user_annotations.create(user=self.user, study_id=study_id, **asked)
        location = reverse("api:user-annotation", args=[annotation.pk])
        response = _shown(request, annotation, status=201)
        response["Location"] = location
        return response


class UserAnnotationView(ApiView):
    """One of them."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ, "PATCH": TokenScope.COMPUTE}

    @extend_schema(
        operation_id="user_annotations_read",
        summary="One user annotation",
        parameters=[etags.etag_header(200)],
        responses=UserAnnotationSerializer,
    )
    def get(self, request: Request, annotation_id: UUID) -> Response:
        """Describe one's own annotation, or one that is shared."""
        return _shown(request, user_annotations.visible(user=self.user, annotation_id=annotation_id))

    @extend_schema(
        operation_id="user_annotations_change",
        summary="Rename, colour or share",
        parameters=CHANGE,
        request={"application/json": UserAnnotationChange},
        responses=UserAnnotationSerializer,
    )
    def patch(self, request: Request, annotation_id: UUID) -> Response:
        """Change what is given; only the owner may, for others there is nothing to change."""
        asked = self.read_body(UserAnnotationChange)
        annotation = user_annotations.own(user=self.user, annotation_id=annotation_id)
        version = etags.expected_version(request, annotation)
        changed = user_annotations.change(user=self.user, annotation=annotation, expected_version=version, **asked)
        return _shown(request, changed)


class UserAnnotationRemovalView(ApiView):
    """The end of one."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}

    @extend_schema(
        operation_id="user_annotations_remove",
        summary="Remove a user annotation",
        parameters=[etags.IF_MATCH],
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, annotation_id: UUID) -> Response:
        """Take one's own annotation away for good; answers to questions about its cells stay."""
        annotation = user_annotations.own(user=self.user, annotation_id=annotation_id)
        version = etags.expected_version(request, annotation)
        user_annotations.remove(user=self.user, annotation=annotation, expected_version=version)
        return Response(status=204)


class UserAnnotationCellsView(ApiView):
    """Its cells."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="user_annotations_cells", summary="The cells of a user annotation", responses=AnnotatedCells
    )
    def get(self, request: Request, annotation_id: UUID) -> Response:
        """Give the cells by their numbers in the current version."""
        annotation = user_annotations.visible(user=self.user, annotation_id=annotation_id)
        numbers = user_annotations.cells_in(annotation).tolist()
        return Response({"version_id": annotation.attached_to_id, "cell_ids": numbers})


class UserAnnotationTableView(ApiView):
    """Its cells by name, as a table."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="user_annotations_csv",
        summary="The cells of a user annotation as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, annotation_id: UUID) -> StreamingHttpResponse:
        """Give all cells that were chosen, by name; texts that begin like a formula get an apostrophe."""
        annotation = user_annotations.visible(user=self.user, annotation_id=annotation_id)
        lines = user_annotations.csv_lines(annotation)
        headers = {"Content-Disposition": f'attachment; filename="cells-{annotation.pk}.csv"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _shown(request: Request, annotation: UserAnnotation, *, status: int = 200) -> Response:
    content = UserAnnotationSerializer(annotation, context={"request": request}).data
    return etags.tagged(Response(content, status=status), annotation)
