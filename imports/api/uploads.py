"""Uploads: sent part by part straight into the bucket, seen, cancelled, removed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import idempotency
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.serializers import EmptySerializer
from cellenium_admin.core.api.views import ApiListView, ApiView
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import TokenScope, User
from imports.api.serializers import (
    NewUpload,
    PartsWish,
    RemovalOrder,
    SignedPartsSerializer,
    UploadDetailSerializer,
    UploadSerializer,
    UsageSerializer,
)
from imports.models import Upload
from imports.services import quotas, removal, sending


class UploadFilter(filters.FilterSet):
    """Which uploads."""

    state = filters.MultipleChoiceFilter(choices=Upload.State.choices, distinct=False)
    source = filters.ChoiceFilter(choices=Upload.Source.choices)
    owner = filters.UUIDFilter(field_name="owner_id", help_text="Whose; administrators see others'.")

    class Meta:
        model = Upload
        fields: list[str] = []


class UploadListView(ApiListView):
    """Uploads, and new ones."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.UPLOAD}
    queryset = Upload.objects.all()
    serializer_class = UploadSerializer
    filterset_class = UploadFilter
    cursor_ordering = ("-found_at", "-id")

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return _with_runs(self.user)

    @extend_schema(operation_id="uploads_list", summary="Uploads")
    def get(self, request: Request) -> Response:
        """List one's own files, sent here or put straight into the bucket, newest first; administrators see all."""
        return super().get(request)

    @extend_schema(
        operation_id="uploads_create",
        summary="Begin an upload",
        parameters=[*idempotency.PARAMETERS, response_header("Location", "The upload.", 201)],
        request={"application/json": NewUpload},
        responses={201: UploadSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Begin to send a file, to be cut into parts of `part_size` bytes.

        Have each part signed with its checksum, send it to its address, and complete the upload. The name is for
        people; two files of one name never meet.
        """
        asked = self.read_body(NewUpload)
        creation = idempotency.Creation(
            make=lambda: sending.start(user=self.user, actor=Actor.of(self.user), **asked),
            find=lambda pk: _visible(UUID(pk), self.user),
            carry_out=lambda _: None,
            answer=_made,
            in_transaction=False,
        )
        return idempotency.create(request, creation)


class UsageView(ApiView):
    """How much one has on its way."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="uploads_usage", summary="One's quota", responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Tell what is being sent or waits for its import, and how much may be."""
        return Response(UsageSerializer(quotas.usage_of(self.user)).data)


class UploadView(ApiView):
    """One upload."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="uploads_read", summary="One upload", responses=UploadDetailSerializer)
    def get(self, request: Request, upload_id: UUID) -> Response:
        """Give one upload: while it is being sent with the parts that have arrived, afterwards with its import."""
        upload = _visible(upload_id, self.user)
        return Response(UploadDetailSerializer(upload, context={"parts": sending.parts_of(upload)}).data)


class PartsView(ApiView):
    """Addresses for parts."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}

    @extend_schema(
        operation_id="uploads_sign_parts",
        summary="Have parts signed",
        request={"application/json": PartsWish},
        responses=SignedPartsSerializer,
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Give an address for each of up to 100 parts; it takes exactly the bytes with that checksum."""
        wanted = [(part["number"], part["checksum_sha256"]) for part in self.read_body(PartsWish)["parts"]]
        expires_at = timezone.now() + timedelta(seconds=settings.UPLOAD_URL_SECONDS)
        signed = sending.sign(upload=_own(upload_id, self.user), parts=wanted)
        parts = [{"number": one.number, "method": "PUT", "url": one.url, "headers": one.headers} for one in signed]
        answer = SignedPartsSerializer({"expires_at": expires_at, "parts": parts}).data
        return Response(answer, headers={"Cache-Control": "no-store"})


class CompletionView(ApiView):
    """The end of sending."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}

    @extend_schema(
        operation_id="uploads_complete",
        summary="Complete an upload",
        request={"application/json": EmptySerializer},
        responses=UploadSerializer,
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Put the parts together and have the file imported.

        Which parts there are is asked of S3; 409 names those that are missing. May be repeated.
        """
        self.read_body(EmptySerializer)
        upload = sending.complete(upload=_own(upload_id, self.user), actor=Actor.of(self.user))
        return _shown(upload)


class CancellationView(ApiView):
    """The end of an upload that is not wanted any more."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}

    @extend_schema(
        operation_id="uploads_cancel",
        summary="Cancel an upload",
        request={"application/json": EmptySerializer},
        responses=UploadSerializer,
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Throw away what has arrived of a file that is not whole yet."""
        self.read_body(EmptySerializer)
        upload = sending.cancel(upload=_visible(upload_id, self.user), actor=Actor.of(self.user))
        return _shown(upload)


class RemovalView(ApiView):
    """The end of a file that has arrived."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}

    @extend_schema(
        operation_id="uploads_remove",
        summary="Remove a file",
        request={"application/json": RemovalOrder},
        responses=UploadSerializer,
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Delete the file from the bucket, this revision and no other. A study that was made of it stays."""
        asked = self.read_body(RemovalOrder)
        upload = removal.remove(upload=_visible(upload_id, self.user), actor=Actor.of(self.user), **asked)
        return _shown(upload)


def _with_runs(user: User) -> Any:
    return Upload.objects.visible_to(user).select_related("owner").prefetch_related("runs__study")


def _visible(upload_id: UUID, user: User) -> Upload:
    upload = _with_runs(user).filter(pk=upload_id).first()
    if upload is None:
        raise NotFoundError("There is no such upload, or you may not see it.")
    found: Upload = upload
    return found


def _own(upload_id: UUID, user: User) -> Upload:
    """Give an upload only to whoever sends it: an administrator may end it, not write into it."""
    upload = _visible(upload_id, user)
    if upload.owner_id != user.pk:
        raise NotFoundError("There is no such upload of yours.")
    return upload


def _shown(upload: Upload) -> Response:
    return Response(UploadSerializer(upload).data)


def _made(upload: Upload) -> Response:
    headers = {"Location": reverse("api:upload", args=[upload.pk])}
    return Response(UploadSerializer(upload).data, status=201, headers=headers)
