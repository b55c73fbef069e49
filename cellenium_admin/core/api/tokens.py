"""One's own API tokens: made in a browser, shown once, listed, revoked."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import idempotency
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.serializers import EmptySerializer, StrictSerializer
from cellenium_admin.core.api.views import ApiListView, ApiView
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, ApiToken, TokenScope, User
from cellenium_admin.core.services import api_tokens


class ApiTokenSerializer(serializers.Serializer[ApiToken]):
    """A token without its secret, which nobody has."""

    key = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=TokenScope.choices))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewApiTokenSerializer(ApiTokenSerializer):
    """A token with its plain text, given this once."""

    token = serializers.CharField()


class NewApiToken(StrictSerializer):
    """What a token is to be for."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=TokenScope.choices), min_length=1, max_length=len(TokenScope.values)
    )
    days = serializers.IntegerField(min_value=1, max_value=settings.TOKEN_MAX_DAYS)


class ApiTokenListView(ApiListView):
    """One's own tokens."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    serializer_class = ApiTokenSerializer
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Select the caller's."""
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        return ApiToken.objects.filter(user=self.user)

    @extend_schema(operation_id="tokens_list", summary="One's own API tokens")
    def get(self, request: Request) -> Response:
        """List one's own tokens, newest first, those that have ended too."""
        return super().get(request)

    @extend_schema(
        operation_id="tokens_create",
        summary="Make an API token",
        parameters=idempotency.PARAMETERS[:1],
        request={"application/json": NewApiToken},
        responses={201: NewApiTokenSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Make a token and give its plain text, this once. In a browser's session only: no token makes tokens."""
        asked = self.read_body(NewApiToken)
        _check_session(request, self.user)

        def work() -> Response:
            token, plain_text = api_tokens.create_token(user=self.user, actor=Actor.of(self.user), **asked)
            shown = {**ApiTokenSerializer(token).data, "token": plain_text}
            return Response(shown, status=201, headers={"Cache-Control": "no-store"})

        return idempotency.create_secret(request, work)


class ApiTokenRevocationView(ApiView):
    """The end of a token."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.READ}

    @extend_schema(
        operation_id="tokens_revoke",
        summary="Revoke an API token",
        request={"application/json": EmptySerializer},
        responses={200: ApiTokenSerializer},
    )
    def post(self, request: Request, token_key: str) -> Response:
        """End one of one's own tokens for good; any token may end itself and its owner's others."""
        self.read_body(EmptySerializer)
        with transaction.atomic():
            if not ApiToken.objects.filter(user=self.user, key=token_key).exists():
                raise NotFoundError("You have no token with this key; GET /tokens lists them.")
            token = api_tokens.revoke_token(key=token_key, actor=Actor.of(self.user))
        return Response(ApiTokenSerializer(token).data)


def _check_session(request: Request, user: User) -> None:
    if not isinstance(request.successful_authenticator, SessionAuthentication):
        attempt = RefusedAttempt(Action.TOKEN_CREATED, "user", str(user.pk), str(user))
        raise RefusedError("Tokens are made in a browser: log in at /my/.", attempt=attempt, code="session_needed")
