"""Access keys of principals: made, rotated, switched, deleted. A secret is in the one answer that makes it."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.permissions import IsCurator
from cellenium_admin.core.models import Action, TokenScope
from grants.api import outside
from grants.api.base import CHANGE, CREATE, READ, AccessListView, AccessView, CuratorsChange, made, shown
from grants.api.bodies import AccessKeyChange, NewAccessKey, ReasonBody
from grants.api.filters import LifecycleFilter
from grants.api.principals import visible
from grants.api.serializers import AccessKeySerializer, NewAccessKeySerializer
from grants.aws.secret import Secret
from grants.models import AccessKey
from grants.services import keys, rows


class AccessKeyFilter(LifecycleFilter):
    """Which keys."""

    class Meta:
        model = AccessKey
        fields: list[str] = []

    def search(self, rows: Any, name: str, text: str) -> Any:
        """Select by a part of the key's id."""
        return rows.filter(access_key_id__icontains=text)


class AccessKeyListView(AccessListView):
    """Keys of one principal, and new ones."""

    permission_classes = [CuratorsChange]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    attempts = {"POST": Action.KEY_CREATED}
    subject = "principal"
    queryset = AccessKey.objects.all()
    serializer_class = AccessKeySerializer
    filterset_class = AccessKeyFilter

    def get_queryset(self) -> Any:
        """Select the keys of a principal the caller may see. Raises NotFoundError."""
        if getattr(self, "swagger_fake_view", False):
            return AccessKey.objects.none()
        principal = visible(self.kwargs["principal_id"], self.user)
        return AccessKey.objects.visible_to(self.user).filter(principal=principal)

    @extend_schema(operation_id="keys_list", summary="Access keys of a principal")
    def get(self, request: Request, principal_id: UUID) -> Response:
        """List the access keys of a principal, newest first; secrets are kept nowhere."""
        return super().get(request)

    @extend_schema(
        operation_id="keys_create",
        summary="Make an access key",
        parameters=CREATE,
        request={"application/json": NewAccessKey},
        responses={201: NewAccessKeySerializer},
    )
    def post(self, request: Request, principal_id: UUID) -> HttpResponse:
        """Make an access key for an IAM user that was made here, and give its secret, this once.

        A repeated request with the same `Idempotency-Key` is answered with 409 and without the secret: if the answer
        was lost, rotate.
        """
        asked = self.read_body(NewAccessKey)
        principal = visible(principal_id, self.user)

        def work() -> Response:
            with outside.speaking_to_aws() as aws:
                key, secret = keys.create(principal=principal, actor=self.actor, aws=aws, **asked)
            return _with_secret(key, secret)

        return idempotency.create_secret(request, work)


class AccessKeyRotationView(AccessView):
    """A new key in the place of the old ones."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.KEY_CREATED}
    subject = "principal"

    @extend_schema(
        operation_id="keys_rotate",
        summary="Rotate the access keys of a principal",
        parameters=CREATE,
        request={"application/json": NewAccessKey},
        responses={201: NewAccessKeySerializer},
    )
    def post(self, request: Request, principal_id: UUID) -> HttpResponse:
        """Make a new key, give its secret this once, and switch the principal's other keys off; delete them later."""
        asked = self.read_body(NewAccessKey)
        principal = visible(principal_id, self.user)

        def work() -> Response:
            with outside.speaking_to_aws() as aws:
                key, secret, intended = keys.rotate(principal=principal, actor=self.actor, aws=aws, **asked)
            outside.carry_out([operation.pk for operation in intended])
            return _with_secret(key, secret)

        return idempotency.create_secret(request, work)


class AccessKeyView(AccessView):
    """One key."""

    permission_classes = [CuratorsChange]
    required_scopes = {"GET": TokenScope.READ, "PATCH": TokenScope.MANAGE}
    attempts = {"PATCH": Action.KEY_STATUS_CHANGED}
    subject = "accesskey"

    @extend_schema(operation_id="keys_read", summary="One access key", parameters=READ, responses=AccessKeySerializer)
    def get(self, request: Request, key_id: UUID) -> Response:
        """Describe a key, without its secret."""
        return shown(AccessKeySerializer, rows.visible(AccessKey, user=self.user, pk=key_id))

    @extend_schema(
        operation_id="keys_change",
        summary="Switch an access key on or off",
        parameters=CHANGE,
        request={"application/json": AccessKeyChange},
        responses=AccessKeySerializer,
    )
    def patch(self, request: Request, key_id: UUID) -> Response:
        """Switch a key on or off; one that is off opens nothing and can be switched on again."""
        asked = self.read_body(AccessKeyChange)
        key = rows.visible(AccessKey, user=self.user, pk=key_id)
        version = etags.expected_version(request, key)
        with transaction.atomic():
            locked = rows.locked(key, expected_version=version)
            operation = keys.set_enabled(
                key=locked, enabled=asked["is_enabled"], actor=self.actor, reason=asked.get("reason", "")
            )
        outside.carry_out([operation.pk])
        return shown(AccessKeySerializer, rows.visible(AccessKey, user=self.user, pk=key_id))


class AccessKeyRemovalView(AccessView):
    """The end of a key."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.KEY_REMOVED}
    subject = "accesskey"

    @extend_schema(
        operation_id="keys_remove",
        summary="Delete an access key",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=AccessKeySerializer,
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        """Delete a key for good."""
        asked = self.read_body(ReasonBody)
        key = rows.visible(AccessKey, user=self.user, pk=key_id)
        version = etags.expected_version(request, key)
        with transaction.atomic():
            locked = rows.locked(key, expected_version=version)
            operation = keys.remove(key=locked, actor=self.actor, **asked)
        outside.carry_out([operation.pk])
        return shown(AccessKeySerializer, rows.visible(AccessKey, user=self.user, pk=key_id))


def _with_secret(key: AccessKey, secret: Secret) -> Response:
    """Give the one answer that holds the secret; nothing else reveals it."""
    response = made(AccessKeySerializer, key, route="access-key")
    response.data["secret_access_key"] = secret.reveal()
    return response
