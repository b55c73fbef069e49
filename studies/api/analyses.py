"""Asking the heavy questions: an answer within the time one would wait, else the job that works on it."""

import time
from dataclasses import asdict, fields
from typing import Any, TypeVar, cast
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.prefer import Wait
from cellenium_admin.core.api.problems import InvalidQueryError, Problem, render
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.views import ApiView
from cellenium_admin.core.exceptions import ConflictError, FieldError, NotFoundError
from cellenium_admin.core.models import Job, TokenScope, User
from cellenium_admin.core.services import jobs
from studies.api.question_examples import (
    CORRELATION_EXAMPLES,
    DIFFERENTIAL_EXPRESSION_EXAMPLES,
    PSEUDOBULK_EXAMPLES,
)
from studies.api.questions import (
    ANSWERS,
    AnalysisQuery,
    CorrelationAnswer,
    CorrelationQuestion,
    DifferentialExpressionAnswer,
    DifferentialExpressionQuestion,
    MarkersAnswer,
    MarkersQuery,
    PseudobulkAnswer,
    PseudobulkQuestion,
    TableQuery,
)
from studies.models import Analysis, Study
from studies.services import differential_expression, pseudobulk
from studies.services.answers import Selection, csv_lines, shown
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression
from studies.services.markers import Markers, csv_of, markers_of
from studies.services.pseudobulk import request_pseudobulk
from studies.services.studies import current_version, visible_study
from studies.services.tables import CELLENIUM, CorrelationSelection, GeneSelection

Chosen = TypeVar("Chosen", GeneSelection, CorrelationSelection)

RETRY_SECONDS = 1
# What a task says of its input is the caller's to mend; these are ours.
STATUS_OF_JOB_ERROR = {
    "internal_error": 500,
    "worker_lost": 500,
    "time_limit": 500,
    "part_failed": 500,
    "unavailable": 503,
    "store_damaged": 503,
    "store_loading": 503,
}
ASKING = [
    OpenApiParameter(
        "Prefer", str, OpenApiParameter.HEADER, description="`wait=N`: answer within N seconds if the result is there."
    ),
    response_header("Preference-Applied", "`wait=N` when the preference was honoured.", 200, 202),
    response_header("Location", "The job.", 202),
    response_header("Retry-After", "Seconds after which to look again.", 202),
]


class DifferentialExpressionView(ApiView):
    """Markers of cells."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.COMPUTE}
    query_serializer_class = MarkersQuery

    @extend_schema(
        operation_id="studies_markers",
        summary="The genes kept about a value",
        parameters=[MarkersQuery],
        responses=MarkersAnswer,
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """Give the genes that set the cells of one value apart, as its file says, or as was computed after the import.

        What of the numbers is shown is chosen as in a question. A value of which nothing is kept is 404; ask then.
        """
        return Response(MarkersAnswer(found_markers(self.user, study_id, self.read_query())).data)

    @extend_schema(
        operation_id="studies_de",
        summary="Differential expression",
        parameters=ASKING,
        request={"application/json": DifferentialExpressionQuestion},
        responses={200: DifferentialExpressionAnswer, 202: DifferentialExpressionAnswer},
        examples=DIFFERENTIAL_EXPRESSION_EXAMPLES,
    )
    def post(self, request: Request, study_id: UUID) -> HttpResponse:
        """Compare a group of cells with all others or with another group, gene by gene.

        With `annotation`, every one of its values is compared with the other cells. How many genes are shown, in which
        direction and beyond which limits is chosen anew each time: the numbers of all genes are kept.
        A question that was answered before is answered at once. Asking the same again never computes it twice, and
        gives the result once the job is done; so does `GET /analyses/{analysis_id}`.
        """
        asked = with_preset(self.read_body(DifferentialExpressionQuestion))
        selection = taken(asked, GeneSelection)
        analysis = request_differential_expression(user=self.user, study_id=study_id, **asked)
        return answer(request, analysis, selection)


class MarkersTableView(ApiView):
    """The genes kept about a value, as a table."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    query_serializer_class = MarkersQuery

    @extend_schema(
        operation_id="studies_markers_csv",
        summary="The genes kept about a value as CSV",
        parameters=[MarkersQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, study_id: UUID) -> StreamingHttpResponse:
        """Give what `GET de` gives as CSV; texts that begin like a formula get an apostrophe.

        Genes that are still computed are a conflict.
        """
        found = found_markers(self.user, study_id, self.read_query())
        if found.results is None:
            raise ConflictError("These genes are still computed; come back later.", code="not_answered")
        headers = {"Content-Disposition": f'attachment; filename="markers-{found.value.pk}.csv"'}
        return StreamingHttpResponse(csv_of(found), content_type="text/csv; charset=utf-8", headers=headers)


class CorrelationView(ApiView):
    """Genes that move with a gene."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}

    @extend_schema(
        operation_id="studies_correlations",
        summary="Correlation of one gene with all others",
        parameters=ASKING,
        request={"application/json": CorrelationQuestion},
        responses={200: CorrelationAnswer, 202: CorrelationAnswer},
        examples=CORRELATION_EXAMPLES,
    )
    def post(self, request: Request, study_id: UUID) -> HttpResponse:
        """Correlate a gene with every other, over all cells or some; answered like differential expression."""
        asked = self.read_body(CorrelationQuestion)
        selection = taken(asked, CorrelationSelection)
        return answer(request, request_correlations(user=self.user, study_id=study_id, **asked), selection)


class PseudobulkView(ApiView):
    """Sums for tools that compare samples."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}

    @extend_schema(
        operation_id="studies_pseudobulk",
        summary="Sums per sample",
        parameters=ASKING,
        request={"application/json": PseudobulkQuestion},
        responses={200: PseudobulkAnswer, 202: PseudobulkAnswer},
        examples=PSEUDOBULK_EXAMPLES,
    )
    def post(self, request: Request, study_id: UUID) -> HttpResponse:
        """Add up all genes over the cells of each sample, apart for each value of another annotation if one is given.

        Answered like differential expression; the sums themselves are had as CSV, a line a group and a column a gene.
        """
        asked = self.read_body(PseudobulkQuestion)
        return answer(request, request_pseudobulk(user=self.user, study_id=study_id, **asked), None)


class AnalysisView(ApiView):
    """The answer to a question asked before."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    query_serializer_class = AnalysisQuery

    @extend_schema(
        operation_id="analyses_read",
        summary="One question and its answer",
        parameters=[AnalysisQuery],
        responses=PolymorphicProxySerializer("Analysis", serializers=dict(ANSWERS), resource_type_field_name="kind"),
    )
    def get(self, request: Request, analysis_id: UUID) -> Response:
        """Give a question on a study the caller may see; `results` is null until `state` is `succeeded`."""
        analysis = visible_analysis(self.user, analysis_id)
        return Response(_shown(analysis, self._selection(analysis)))

    def _selection(self, analysis: Analysis) -> Selection | None:
        asked = self.read_query()
        selection: Selection | None = None
        if analysis.kind == Analysis.Kind.CORRELATION:
            selection = taken(asked, CorrelationSelection)
        elif analysis.kind == Analysis.Kind.DIFFERENTIAL_EXPRESSION:
            selection = taken(asked, GeneSelection)
        errors = [FieldError(f"?{name}", "unknown_field", "This does not belong to such an answer.") for name in asked]
        if errors:
            raise InvalidQueryError("Some parameters cannot be used; see errors.", errors=errors)
        return selection


class AnalysisTableView(ApiView):
    """The whole answer as a table."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    query_serializer_class = TableQuery

    @extend_schema(
        operation_id="analyses_csv",
        summary="All genes of an answer as CSV",
        parameters=[TableQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, analysis_id: UUID) -> StreamingHttpResponse:
        """Give the numbers of all genes, in the order of the matrix; texts that begin like a formula get an apostrophe.

        Of sums, a line is a group and a column a gene. An answer that is not there yet is a conflict.
        """
        analysis, asked = visible_analysis(self.user, analysis_id), self.read_query()
        summed = analysis.kind == Analysis.Kind.PSEUDOBULK
        if asked and not summed:
            errors = [FieldError("?min_cells", "unknown_field", "This belongs to sums per sample.")]
            raise InvalidQueryError("Some parameters cannot be used; see errors.", errors=errors)
        if analysis.answered_at is None:
            raise ConflictError("There is no answer yet; wait for the job or ask again.", code="not_answered")
        headers = {"Content-Disposition": f'attachment; filename="{analysis.kind}-{analysis.pk}.csv"'}
        lines = pseudobulk.csv_lines(analysis, **asked) if summed else csv_lines(analysis)
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def found_markers(user: User, study_id: UUID, asked: dict[str, Any]) -> Markers:
    """Give the genes kept about the value a query names, on a study this user may see. Raises NotFoundError."""
    version = current_version(visible_study(user=user, study_id=study_id))
    value_id, modality = asked.pop("value"), asked.pop("modality", None)
    return markers_of(version, value_id=value_id, modality=modality, selection=taken(asked, GeneSelection))


def with_preset(asked: dict[str, Any]) -> dict[str, Any]:
    """Put a preset's options in place of those given beside it."""
    if asked.pop("preset", None) is None:
        return asked
    return {**asked, **asdict(CELLENIUM), "method": differential_expression.WILCOXON, "tie_correct": False}


def taken(asked: dict[str, Any], kind: type[Chosen]) -> Chosen:
    """Take what selects genes out of the rest of a question."""
    return kind(**{field.name: asked.pop(field.name) for field in fields(kind) if field.name in asked})


def answer(request: Request, analysis: Analysis, selection: Selection | None) -> HttpResponse:
    """Give the result, waiting for it as long as the client prefers; else the job, or why it failed."""
    wait, started = Wait.of(request), time.monotonic()
    if analysis.answered_at is None and wait.seconds:
        jobs.wait_for(analysis.job_id, seconds=wait.seconds)
        analysis = Analysis.objects.select_related("version", "job").get(pk=analysis.pk)
    if analysis.answered_at is not None:
        return wait.mark(Response(_shown(analysis, selection)), honoured=True)
    if analysis.job.state in (Job.State.FAILED, Job.State.CANCELLED):
        return render(_problem_of(analysis.job), path=request.path)
    headers = {"Location": reverse("api:job", args=[analysis.job_id]), "Retry-After": str(RETRY_SECONDS)}
    response = Response(_shown(analysis, selection), status=202, headers=headers)
    return wait.mark(response, honoured=time.monotonic() - started >= wait.seconds)


def visible_analyses(user: User) -> Any:
    """Select the questions on studies this user may see, whoever asked them."""
    studies = Study.objects.visible_to(user).published().values("pk")
    return Analysis.objects.filter(version__study__in=studies).select_related("version", "job")


def visible_analysis(user: User, analysis_id: UUID) -> Analysis:
    """Give a question on a study this user may see. Raises NotFoundError."""
    analysis = visible_analyses(user).filter(pk=analysis_id).first()
    if analysis is None:
        raise NotFoundError("There is no such analysis, or you may not see its study.")
    return cast("Analysis", analysis)


def _shown(analysis: Analysis, selection: Selection | None) -> Any:
    return ANSWERS[analysis.kind](shown(analysis, selection)).data


def _problem_of(job: Job) -> Problem:
    extra = {"job_id": str(job.pk)}
    if job.state == Job.State.CANCELLED:
        return Problem(409, "cancelled", "The job was cancelled; ask again to start a new one.", extra=extra)
    status = STATUS_OF_JOB_ERROR.get(job.error_code, 422)
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    return Problem(status, job.error_code, job.error_detail, headers=headers, extra=extra)
