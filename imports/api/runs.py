"""Imports: one attempt to turn a file into a version, repeated when it failed; and files checked without one."""

from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import idempotency
from cellenium_admin.core.api.jobs import JobSerializer
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.views import ApiView
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import TokenScope, User
from imports.api.serializers import FileToCheck, ImportDetailSerializer, RetryOrder
from imports.models import ImportRun
from imports.services import checks, retries

LOOK_AGAIN_SECONDS = 1


class ImportView(ApiView):
    """One import."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="imports_read", summary="One import", responses=ImportDetailSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Give one import of a file of one's own with all it found; its job tells how far it is."""
        return Response(ImportDetailSerializer(_visible(run_id, self.user)).data)


class RetryView(ApiView):
    """A file imported again."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}

    @extend_schema(
        operation_id="imports_retry",
        summary="Import a file again",
        parameters=[*idempotency.PARAMETERS, response_header("Location", "The new import.", 201)],
        request={"application/json": RetryOrder},
        responses={201: ImportDetailSerializer},
    )
    def post(self, request: Request, run_id: UUID) -> HttpResponse:
        """Import the same file once more after an import of it was refused, failed or was cancelled.

        409 says why not: it is being imported, it was imported, or another file lies there now, which is imported by
        itself.
        """
        asked = self.read_body(RetryOrder)
        user, actor = self.user, Actor.of(self.user)
        creation = idempotency.Creation(
            make=lambda: retries.retry(
                run=_visible(run_id, user), actor=actor, even_beyond_quota=user.is_administrator, **asked
            ),
            find=lambda pk: _visible(UUID(pk), user),
            carry_out=lambda _: None,
            answer=_made,
            # It looks into the store first, and a second run of one file is refused.
            in_transaction=False,
        )
        return idempotency.create(request, creation)


class ValidationView(ApiView):
    """A file checked."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}
    further_problems = ("404", "429")

    @extend_schema(
        operation_id="imports_validate",
        summary="Check a file without importing it",
        parameters=[
            response_header("Location", "The job.", 202),
            response_header("Retry-After", "Seconds after which to look again.", 202),
        ],
        request={"application/json": FileToCheck},
        responses={202: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have a file of the store checked as an import would check it; nothing else comes of it.

        The job's `report` then holds `findings`, `finding_count` and `would_be_imported`. Curators may name any file
        of the store by its `uri`. Asked again while a check of the same file waits or runs, gives that one.
        """
        job = checks.request_check(user=self.user, **self.read_body(FileToCheck))
        headers = {"Location": reverse("api:job", args=[job.pk]), "Retry-After": str(LOOK_AGAIN_SECONDS)}
        return Response(JobSerializer(job).data, status=202, headers=headers)


def _visible(run_id: UUID, user: User) -> ImportRun:
    runs = ImportRun.objects.visible_to(user).select_related("upload", "study", "job", "target")
    run = runs.prefetch_related("findings").filter(pk=run_id).first()
    if run is None:
        raise NotFoundError("There is no such import, or you may not see it.")
    found: ImportRun = run
    return found


def _made(run: ImportRun) -> Response:
    headers = {"Location": reverse("api:import", args=[run.pk])}
    return Response(ImportDetailSerializer(run).data, status=201, headers=headers)
