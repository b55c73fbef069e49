"""What is known of the cells of a study: labels, places, one gene. The same for ever within one version."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import caching
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.problems import InvalidQueryError
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.exceptions import FieldError, InvalidInputError, NotFoundError
from cellenium_admin.core.models import TokenScope
from studies.api.serializers import (
    AnnotationGroupSerializer,
    CoordinatesSerializer,
    ExpressionQuery,
    ExpressionSerializer,
    VersionQuery,
)
from studies.api.studies import StudyApiView
from studies.models import StudyVersion
from studies.services.annotations import annotation_groups
from studies.services.expression import GeneExpression, gene_expression
from studies.services.numbers import numbers_for_json
from studies.services.projections import coordinates

# Part of every ETag: raise it when an answer changes its shape, so that no cache mixes the two.
SHAPE = 1
CACHING = [
    response_header("ETag", "Changes with the version; send it back in `If-None-Match`.", 200, 304),
    response_header("Cache-Control", "For good when `version` was given, else to be checked each time.", 200, 304),
]
NOT_MODIFIED = {304: None}


class VersionedView(StudyApiView):
    """A view whose answer depends on the version and the path only."""

    query_serializer_class = VersionQuery

    def respond(self, name: str, read: Callable[[StudyVersion], Any]) -> Response:
        """Answer 304 to whoever has this already, else read and let it be kept."""
        wanted = self.read_query().get("version")
        version = self.version(wanted)
        etag = f'"{version.pk}.{name}.{SHAPE}"'
        if caching.is_unchanged(self.request, etag=etag):
            return caching.not_modified(etag=etag, pinned=wanted is not None)
        return caching.mark(Response(read(version)), etag=etag, pinned=wanted is not None)


class AnnotationsView(VersionedView):
    """Labels."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="studies_annotations",
        summary="Labels of the cells",
        parameters=CACHING,
        responses={200: AnnotationGroupSerializer(many=True), **NOT_MODIFIED},
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """List the annotations in the order of the file, each with its values, colours and numbers of cells."""
        return self.respond(
            "annotations", lambda version: AnnotationGroupSerializer(annotation_groups(version), many=True).data
        )


class ProjectionView(VersionedView):
    """Places."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="studies_projection",
        summary="Coordinates of the cells",
        parameters=CACHING,
        responses={200: CoordinatesSerializer, **NOT_MODIFIED},
    )
    def get(self, request: Request, study_id: UUID, key: str) -> Response:
        """Give the coordinates of a projection such as `umap`, in the order of the cells."""
        if not key.isprintable():
            raise NotFoundError("This study has no projection of this name.")
        return self.respond(f"projection.{key.encode().hex()}", lambda version: _places(version, key))


class ExpressionView(VersionedView):
    """One gene."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    query_serializer_class = ExpressionQuery

    @extend_schema(
        operation_id="studies_expression",
        summary="One gene in all cells",
        parameters=CACHING,
        responses={200: ExpressionSerializer, **NOT_MODIFIED},
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """Give one gene in the cells where it is not zero; a gene that no cell expresses has empty lists."""
        asked = self.read_query()
        found = _gene(self.version(), asked["feature"], asked.get("modality"))
        return self.respond(f"expression.{found.feature.pk}", lambda version: _expression(version, found))


def _places(version: StudyVersion, key: str) -> dict[str, Any]:
    places = coordinates(version=version, key=key).places
    return {
        "key": key,
        "version_id": version.pk,
        "x": numbers_for_json(places[:, 0].astype(np.float64)),
        "y": numbers_for_json(places[:, 1].astype(np.float64)),
    }


def _gene(version: StudyVersion, name: str, modality: str | None) -> GeneExpression:
    """Read a gene; an unknown one is 404, a symbol of several genes is a mistake in the query."""
    try:
        return gene_expression(version=version, feature=name, modality=modality)
    except InvalidInputError as error:
        if any(one.code == "unknown_feature" for one in error.errors):
            raise NotFoundError(error.detail, code="unknown_feature") from error
        errors = [FieldError(f"?{one.pointer[1:]}", one.code, one.detail) for one in error.errors]
        raise InvalidQueryError(error.detail, errors=errors) from error


def _expression(version: StudyVersion, found: GeneExpression) -> dict[str, Any]:
    return {
        "feature_id": found.feature.identifier,
        "symbol": found.feature.symbol,
        "version_id": version.pk,
        "cell_ids": found.cell_ids.tolist(),
        "values": numbers_for_json(found.values.astype(np.float64)),
    }
