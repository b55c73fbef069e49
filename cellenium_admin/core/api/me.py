"""Who am I."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.views import ApiView
from cellenium_admin.core.models import ApiToken, SystemRole, TokenScope, User

ROLES = ["member", *SystemRole.values]


class TokenInUseSerializer(serializers.Serializer[ApiToken]):
    """The token this request was made with."""

    name = serializers.CharField()
    key = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=TokenScope.choices))
    expires_at = serializers.DateTimeField()


class MeSerializer(serializers.Serializer[User]):
    """The caller's account, roles and place for uploads."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    display_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=User.Kind.choices)
    roles = serializers.SerializerMethodField()
    study_groups = serializers.ListField(child=serializers.CharField())
    upload_prefix = serializers.CharField(allow_null=True)
    token = serializers.SerializerMethodField()

    @extend_schema_field({"type": "array", "items": {"type": "string", "enum": ROLES}})
    def get_roles(self, user: User) -> list[str]:
        """Everyone who has logged in is a member."""
        return ["member", *user.system_roles]

    @extend_schema_field(TokenInUseSerializer(allow_null=True))
    def get_token(self, user: User) -> Any:
        """Null in a browser session."""
        token = self.context["request"].auth
        return TokenInUseSerializer(token).data if isinstance(token, ApiToken) else None


class MeView(ApiView):
    """The caller."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="me", summary="Who am I", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Tell who the caller is, with which roles, and what the token may be used for."""
        return Response(MeSerializer(self.user, context={"request": request}).data)
