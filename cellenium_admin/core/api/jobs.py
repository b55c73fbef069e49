"""Jobs: how far, with what result, and stop."""

from typing import Any
from uuid import UUID

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import subjects
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.serializers import EmptySerializer
from cellenium_admin.core.api.views import ApiListView, ApiView
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, Job, JobEvent, TokenScope, User
from cellenium_admin.core.services import jobs


class JobErrorSerializer(serializers.Serializer[Job]):
    """Why a job failed."""

    code = serializers.CharField(source="error_code")
    detail = serializers.CharField(source="error_detail")


class JobSubjectSerializer(serializers.Serializer[Job]):
    """What a job works on."""

    type = serializers.CharField(source="subject_type")
    id = serializers.CharField(source="subject_id")


class JobOwnerSerializer(serializers.Serializer[User]):
    """Who asked for a job."""

    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]


class JobSerializer(serializers.ModelSerializer[Job]):
    """Long work: where it stands.

    `done` of `total` counts `unit` within the stage, a total of 0 is unknown; `seconds_left` is what the stage will
    take at the rate it had until now, null while nobody can tell.
    """

    subject = serializers.SerializerMethodField()
    owner = JobOwnerSerializer(allow_null=True)
    error = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    seconds_left = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Job
        fields = [
            *("id", "name", "state", "stage", "done", "total", "unit", "seconds_left", "report", "error", "result"),
            *("subject", "owner"),
            *("attempts", "max_attempts", "created_at", "started_at", "finished_at", "cancel_requested_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(JobSubjectSerializer(allow_null=True))
    def get_subject(self, job: Job) -> Any:
        """Null when it works on nothing in particular."""
        return JobSubjectSerializer(job).data if job.subject_type else None

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> Any:
        """Null unless it failed or was taken back."""
        return JobErrorSerializer(job).data if job.error_code else None

    @extend_schema_field({"type": ["string", "null"], "format": "uri-reference"})
    def get_result(self, job: Job) -> str | None:
        """Where the result is, once there is one."""
        return subjects.result_url(job)


class JobEventSerializer(serializers.ModelSerializer[JobEvent]):
    """One thing that happened to a job."""

    class Meta:
        model = JobEvent
        fields = ["at", "kind", "attempt", "detail"]
        read_only_fields = fields


class JobDetailSerializer(JobSerializer):
    """A job with its history."""

    events = JobEventSerializer(many=True)

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "events"]
        read_only_fields = fields


class JobFilter(filters.FilterSet):
    """Which jobs."""

    state = filters.MultipleChoiceFilter(choices=Job.State.choices, distinct=False)
    name = filters.CharFilter()

    class Meta:
        model = Job
        fields: list[str] = []


class JobListView(ApiListView):
    """The caller's jobs, newest first; administrators see all."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    queryset = Job.objects.select_related("owner")
    serializer_class = JobSerializer
    filterset_class = JobFilter
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Select what the caller may know of."""
        return Job.objects.visible_to(self.user).select_related("owner")

    @extend_schema(operation_id="jobs_list", summary="Jobs")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List jobs, newest first."""
        return super().get(request, *args, **kwargs)


class JobView(ApiView):
    """One job."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="jobs_read", summary="One job", responses=JobDetailSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Tell where a job stands and what happened to it; `result` leads to the answer."""
        job = _visible_job(job_id, self.user)
        response = Response(JobDetailSerializer(job).data)
        if not job.is_finished:
            response["Retry-After"] = "1"
        return response


class JobCancelView(ApiView):
    """Stop a job."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}

    @extend_schema(
        operation_id="jobs_cancel",
        summary="Stop a job",
        request={"application/json": EmptySerializer},
        responses={200: JobDetailSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Stop a waiting job at once; ask a running one to stop at its next step."""
        self.read_body(EmptySerializer)
        job = _visible_job(job_id, self.user)
        if not (self.user.is_administrator or job.owner_id == self.user.pk):
            attempt = RefusedAttempt(Action.JOB_CANCELLED, "job", str(job.pk), str(job))
            raise RefusedError("Only whoever asked for this job, or an administrator, may stop it.", attempt=attempt)
        jobs.cancel(job=job, actor=Actor.of(self.user))
        return Response(JobDetailSerializer(_visible_job(job_id, self.user)).data)


def _visible_job(job_id: UUID, user: User) -> Job:
    job = Job.objects.select_related("owner").prefetch_related("events").filter(pk=job_id).first()
    if job is None or not (_is_own(job, user) or subjects.is_visible(job, user)):
        raise NotFoundError("There is no such job, or you may not know of it.")
    return job


def _is_own(job: Job, user: User) -> bool:
    return Job.objects.visible_to(user).filter(pk=job.pk).exists()
