"""Explanations over HTTP: who reaches a key and how, what somebody reaches, what a grant would add."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsCurator
from cellenium_admin.core.api.problems import InvalidQueryError
from cellenium_admin.core.api.serializers import StrictBooleanField, StrictCharField, StrictSerializer, StrictUUIDField
from cellenium_admin.core.exceptions import FieldError, InvalidInputError, NotFoundError
from cellenium_admin.core.models import TokenScope, User
from grants.api import outside
from grants.api.base import AccessView, named
from grants.aws.gateway import Aws
from grants.models import Location, Permission, Principal
from grants.reach_answers import Reach, Way
from grants.services import explain, rows

QUESTIONS = ("key", "principal_id", "user_id")


class ReachSerializer(serializers.Serializer[Reach]):
    """One way to reach something; `needs` names what stands in it, `doubts` why it is not certain."""

    principal_arn = serializers.CharField()
    linked_user = serializers.CharField()
    way = serializers.ChoiceField(choices=[(way.value, way.value) for way in Way])
    via = serializers.ListField(child=serializers.CharField())
    scope = serializers.CharField()
    actions = serializers.ListField(child=serializers.CharField())
    list_prefix = serializers.CharField(allow_null=True)
    reaches = serializers.BooleanField()
    because = serializers.CharField()
    grant_id = serializers.CharField()
    permission = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    origin = serializers.CharField()
    needs = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField())
    certain = serializers.BooleanField()
    doubts = serializers.ListField(child=serializers.CharField())


class ExplanationSerializer(serializers.Serializer[Any]):
    """All ways there are."""

    results = ReachSerializer(many=True)


class OverlapSerializer(serializers.Serializer[Any]):
    """A grant of the same principal whose scope meets that of the new one."""

    grant_id = serializers.CharField()
    scope = serializers.CharField()
    permission = serializers.CharField()
    relation = serializers.CharField()


class WhatIfSerializer(serializers.Serializer[Any]):
    """What a grant would add for any key of its scope, and what it would change."""

    principal_arn = serializers.CharField()
    scope = serializers.CharField()
    permission = serializers.CharField()
    adds = serializers.ListField(child=serializers.CharField())
    already = serializers.ListField(child=serializers.CharField())
    overlaps = OverlapSerializer(many=True)
    rules = serializers.ListField(child=serializers.CharField())
    needs = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField())
    certain = serializers.BooleanField()
    doubts = serializers.ListField(child=serializers.CharField())


class Question(StrictSerializer):
    """One of the three."""

    key = serializers.CharField(max_length=2000, required=False, help_text="`s3://bucket/key`, or `…/prefix*`.")
    principal_id = serializers.UUIDField(required=False)
    user_id = serializers.UUIDField(required=False)


class Supposition(StrictSerializer):
    """A grant that is not given."""

    location_id = StrictUUIDField()
    principal_id = StrictUUIDField()
    sub_prefix = StrictCharField(max_length=2000, allow_blank=True)
    permission = serializers.ChoiceField(choices=Permission.choices)
    is_object = StrictBooleanField(required=False, default=False)


class ExplainView(AccessView):
    """Who reaches what."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    query_serializer_class = Question

    @extend_schema(operation_id="explain", summary="Who reaches what", responses=ExplanationSerializer)
    def get(self, request: Request) -> Response:
        """Tell who can reach a key and how, or what a principal or a person can reach.

        By the policies AWS shows at this moment, and the grants of the last comparison. Give one parameter.
        """
        asked = self.read_query()
        if len(asked) != 1:
            raise _wrong("key", f"Ask by one of {', '.join(QUESTIONS)}.")
        try:
            with outside.speaking_to_aws() as aws:
                found = self._answer(asked, aws)
        except (InvalidInputError, NotFoundError) as error:
            raise _wrong(next(iter(asked)), error.detail) from error
        return Response(ExplanationSerializer({"results": found}).data)

    @extend_schema(
        operation_id="explain_what_if",
        summary="What a grant would add",
        request={"application/json": Supposition},
        responses=WhatIfSerializer,
    )
    def post(self, request: Request) -> Response:
        """Tell what a grant would add to what its principal reaches already; nothing is given."""
        asked = self.read_body(Supposition)
        location = named(Location, user=self.user, pk=asked.pop("location_id"), field="location_id")
        principal = named(Principal, user=self.user, pk=asked.pop("principal_id"), field="principal_id")
        with outside.speaking_to_aws() as aws:
            found = explain.what_if(location=location, principal=principal, aws=aws, **asked)
        return Response(WhatIfSerializer(asdict(found)).data)

    def _answer(self, asked: Mapping[str, Any], aws: Aws) -> list[Reach]:
        if "key" in asked:
            return explain.who_can_reach(key_uri=asked["key"], aws=aws)
        if "principal_id" in asked:
            principal = rows.visible(Principal, user=self.user, pk=asked["principal_id"])
            return explain.reach_of(principal=principal, aws=aws)
        person = User.objects.filter(pk=asked["user_id"]).first()
        if person is None:
            raise NotFoundError("There is no such account.")
        return explain.reach_of_user(user=person, aws=aws)


def _wrong(name: str, detail: str) -> InvalidQueryError:
    return InvalidQueryError(detail, errors=[FieldError(f"?{name}", "invalid", detail)])
