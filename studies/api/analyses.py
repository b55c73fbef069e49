"""Asking the heavy questions: an answer within the time one would wait, else the job that works on it."""

import time
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.prefer import Wait
from cellenium_admin.core.api.problems import Problem, render
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.views import ApiView
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import Job, TokenScope, User
from cellenium_admin.core.services import jobs
from studies.api.questions import (
    ANSWERS,
    CORRELATION_EXAMPLES,
    DIFFERENTIAL_EXPRESSION_EXAMPLES,
    CorrelationAnswer,
    CorrelationQuestion,
    DifferentialExpressionAnswer,
    DifferentialExpressionQuestion,
)
from studies.models import Analysis, Study
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression

RETRY_SECONDS = 1
# What a task says of its input is the caller's to mend; these are ours.
STATUS_OF_JOB_ERROR = {
    "internal_error": 500,
    "worker_lost": 500,
    "time_limit": 500,
    "unavailable": 503,
    "store_damaged": 503,
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
    required_scopes = {"POST": TokenScope.COMPUTE}

    @extend_schema(
        operation_id="studies_de",
        summary="Differential expression",
        parameters=ASKING,
        request={"application/json": DifferentialExpressionQuestion},
        responses={200: DifferentialExpressionAnswer, 202: DifferentialExpressionAnswer},
        examples=DIFFERENTIAL_EXPRESSION_EXAMPLES,
    )
    def post(self, request: Request, study_id: UUID) -> HttpResponse:
        """Compare a group of cells with all others, gene by gene.

        A question that was answered before is answered at once. Asking the same again never computes it twice, and
        gives the result once the job is done; so does `GET /analyses/{analysis_id}`.
        """
        asked = self.read_body(DifferentialExpressionQuestion)
        return answer(request, request_differential_expression(user=self.user, study_id=study_id, **asked))


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
        """Correlate a gene with every other over all cells; answered like differential expression."""
        asked = self.read_body(CorrelationQuestion)
        return answer(request, request_correlations(user=self.user, study_id=study_id, **asked))


class AnalysisView(ApiView):
    """The answer to a question asked before."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="analyses_read",
        summary="One question and its answer",
        responses=PolymorphicProxySerializer("Analysis", serializers=dict(ANSWERS), resource_type_field_name="kind"),
    )
    def get(self, request: Request, analysis_id: UUID) -> Response:
        """Give a question on a study the caller may see; `results` is null until `state` is `succeeded`."""
        analysis = visible_analyses(self.user).filter(pk=analysis_id).first()
        if analysis is None:
            raise NotFoundError("There is no such analysis, or you may not see its study.")
        return Response(_shown(analysis))


def answer(request: Request, analysis: Analysis) -> HttpResponse:
    """Give the result, waiting for it as long as the client prefers; else the job, or why it failed."""
    wait, started = Wait.of(request), time.monotonic()
    if analysis.results is None and wait.seconds:
        jobs.wait_for(analysis.job_id, seconds=wait.seconds)
        analysis = Analysis.objects.select_related("version", "job").get(pk=analysis.pk)
    if analysis.results is not None:
        return wait.mark(Response(_shown(analysis)), honoured=True)
    if analysis.job.state in (Job.State.FAILED, Job.State.CANCELLED):
        return render(_problem_of(analysis.job), path=request.path)
    headers = {"Location": reverse("api:job", args=[analysis.job_id]), "Retry-After": str(RETRY_SECONDS)}
    response = Response(_shown(analysis), status=202, headers=headers)
    return wait.mark(response, honoured=time.monotonic() - started >= wait.seconds)


def visible_analyses(user: User) -> Any:
    """Select the questions on studies this user may see, whoever asked them."""
    studies = Study.objects.visible_to(user).published().values("pk")
    return Analysis.objects.filter(version__study__in=studies).select_related("version", "job")


def _shown(analysis: Analysis) -> Any:
    return ANSWERS[analysis.kind](analysis).data


def _problem_of(job: Job) -> Problem:
    extra = {"job_id": str(job.pk)}
    if job.state == Job.State.CANCELLED:
        return Problem(409, "cancelled", "The job was cancelled; ask again to start a new one.", extra=extra)
    status = STATUS_OF_JOB_ERROR.get(job.error_code, 422)
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    return Problem(status, job.error_code, job.error_detail, headers=headers, extra=extra)
