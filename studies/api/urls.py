"""Routes of studies; included by the API under the namespace `api`."""

from uuid import UUID

from django.urls import path, reverse

from cellenium_admin.core.api import subjects
from cellenium_admin.core.models import Job, User
from studies.api.analyses import (
    AnalysisTableView,
    AnalysisView,
    CorrelationView,
    DifferentialExpressionView,
    MarkersTableView,
    PseudobulkView,
    visible_analyses,
)
from studies.api.cells import AnnotationsView, ExpressionView, ProjectionView
from studies.api.features import FeatureResolveView, FeatureSuggestView
from studies.api.studies import StudyListView, StudyView
from studies.api.user_annotations import (
    UserAnnotationCellsView,
    UserAnnotationListView,
    UserAnnotationRemovalView,
    UserAnnotationTableView,
    UserAnnotationView,
)

STUDY = "studies/<uuid:study_id>"
ANNOTATION = "user-annotations/<uuid:annotation_id>"
urlpatterns = [
    path("studies", StudyListView.as_view(), name="studies"),
    path(STUDY, StudyView.as_view(), name="study"),
    path(f"{STUDY}/annotations", AnnotationsView.as_view(), name="study-annotations"),
    path(f"{STUDY}/projections/<str:key>", ProjectionView.as_view(), name="study-projection"),
    path(f"{STUDY}/expression", ExpressionView.as_view(), name="study-expression"),
    path(f"{STUDY}/de", DifferentialExpressionView.as_view(), name="study-de"),
    path(f"{STUDY}/de.csv", MarkersTableView.as_view(), name="study-de-csv"),
    path(f"{STUDY}/correlations", CorrelationView.as_view(), name="study-correlations"),
    path(f"{STUDY}/pseudobulk", PseudobulkView.as_view(), name="study-pseudobulk"),
    path(f"{STUDY}/user-annotations", UserAnnotationListView.as_view(), name="user-annotations"),
    path(f"{ANNOTATION}/remove", UserAnnotationRemovalView.as_view(), name="user-annotation-remove"),
    path(f"{ANNOTATION}/cells.csv", UserAnnotationTableView.as_view(), name="user-annotation-csv"),
    path(f"{ANNOTATION}/cells", UserAnnotationCellsView.as_view(), name="user-annotation-cells"),
    path(ANNOTATION, UserAnnotationView.as_view(), name="user-annotation"),
    path("features/suggest", FeatureSuggestView.as_view(), name="features-suggest"),
    path("features/resolve", FeatureResolveView.as_view(), name="features-resolve"),
    path("analyses/<uuid:analysis_id>/results.csv", AnalysisTableView.as_view(), name="analysis-csv"),
    path("analyses/<uuid:analysis_id>", AnalysisView.as_view(), name="analysis"),
]


def _is_visible(analysis_id: str, user: User) -> bool:
    return bool(visible_analyses(user).filter(pk=UUID(analysis_id)).exists())


def _result_url(job: Job) -> str:
    return reverse("api:analysis", args=[job.subject_id])


subjects.register("analysis", subjects.Subject(is_visible=_is_visible, result_url=_result_url))
