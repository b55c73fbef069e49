"""The catalogue."""

from functools import cached_property
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.views import ApiListView, ApiView
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import TokenScope
from studies.api.serializers import StudyDetailSerializer, StudySerializer
from studies.models import Study, StudyVersion
from studies.services.studies import current_version, visible_study


class StudyListView(ApiListView):
    """Studies the caller may see, newest first."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    queryset = Study.objects.all()
    serializer_class = StudySerializer
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Select published studies the caller may see."""
        return Study.objects.visible_to(self.user).published().select_related("current_version")

    @extend_schema(operation_id="studies_list", summary="Studies")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the studies whose data the caller may see, newest first."""
        return super().get(request, *args, **kwargs)


class StudyApiView(ApiView):
    """A view inside of a study, which its path names; unknown and invisible are the same 404."""

    @cached_property
    def study(self) -> Study:
        """The study, when the caller may see it. Raises NotFoundError."""
        study_id: UUID = self.kwargs["study_id"]
        return visible_study(user=self.user, study_id=study_id)

    def version(self, wanted: UUID | None = None) -> StudyVersion:
        """Give the version that serves now. Raises NotFoundError when another one is wanted."""
        version = current_version(self.study)
        if wanted not in (None, version.pk):
            raise NotFoundError(f"Version {wanted} does not serve this study any more; read the study again.")
        return version


class StudyView(StudyApiView):
    """One study."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="studies_read", summary="One study", responses=StudyDetailSerializer)
    def get(self, request: Request, study_id: UUID) -> Response:
        """Describe a study and what its current version holds."""
        return Response(StudyDetailSerializer(self.study, context={"request": request}).data)
