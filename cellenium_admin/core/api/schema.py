"""What the OpenAPI document says beyond what drf-spectacular finds out by itself."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from cellenium_admin.core.api.phrases import phrase
from cellenium_admin.core.api.problems import MEDIA_TYPE

PROBLEMS = {
    "400": "The request is malformed or has an unknown or unusable query parameter.",
    "401": "Nobody is logged in, or the token cannot be used.",
    "403": "The caller or the token may not do this.",
    "404": "There is nothing here, or the caller may not know of it.",
    "405": "This route does not have this method.",
    "406": "The answer is not available in the type asked for.",
    "409": "The thing is not in a state that allows this.",
    "412": "The thing has changed since the caller read it; see `If-Match`.",
    "413": "The body is too large.",
    "415": "The body is not `application/json`.",
    "422": "Some fields cannot be taken as they are.",
    "428": "The change needs `If-Match`.",
    "429": "The caller has had as many as anybody gets; try again after `Retry-After` seconds.",
    "500": "Something failed on our side.",
    "503": "A part this needs does not answer; try again after `Retry-After` seconds.",
}
ALWAYS = ("400", "401", "403", "405", "406", "500", "503")
WITH_BODY = ("409", "413", "415", "422")
CONDITIONAL = ("412", "428")


class FieldErrorSerializer(serializers.Serializer[Any]):
    """One mistake: a JSON pointer into the body or `?name` for a query parameter."""

    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as RFC 9457 has it; `code` is stable, `detail` is for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]
    job_id = serializers.UUIDField(required=False, help_text="The job that failed, where a job did.")


class ApiSchema(AutoSchema):
    """Adds to every operation its query parameters, its problems and the request id."""

    def get_override_parameters(self) -> list[Any]:
        """Take the query parameters from the serializer that checks them."""
        parameters = [*super().get_override_parameters(), REQUEST_ID]
        query = getattr(self.view, "query_serializer_class", None)
        return [*parameters, query] if query and self.method == "GET" else parameters

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for status in self._problem_statuses():
            bodies.setdefault(status, self._problem(status, direction).ref)
        return dict(sorted(bodies.items()))

    def _problem(self, status: str, direction: Any) -> ResolvedComponent:
        """Describe a problem once for all operations."""
        described = OpenApiResponse(ProblemSerializer, PROBLEMS[status])
        component = ResolvedComponent(
            name=phrase(int(status)).replace(" ", ""),
            type=ResolvedComponent.RESPONSE,
            schema=self._get_response_for_code(described, status, [MEDIA_TYPE], direction),
            object=f"problem {status}",
        )
        self.registry.register_on_missing(component)
        return component

    def _problem_statuses(self) -> list[str]:
        found = [*ALWAYS, *getattr(self.view, "further_problems", ())]
        if "{" in self.path:
            found.append("404")
        if self.method in ("POST", "PUT", "PATCH"):
            found.extend(WITH_BODY)
        if self.method == "DELETE":
            found.append("409")
        if any(one["name"] == "If-Match" for one in self._get_parameters()):
            found.extend(CONDITIONAL)
        return found


REQUEST_ID = OpenApiParameter(
    "X-Request-ID",
    OpenApiTypes.UUID,
    OpenApiParameter.HEADER,
    response=True,
    description="The id under which this request is in the trail and in the log.",
)


def response_header(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """Describe a header of some responses."""
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, response=list(statuses), description=description
    )


class ApiTokenScheme(OpenApiAuthenticationExtension):
    """Describes bearer tokens of our own."""

    target_class = "cellenium_admin.core.api.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Give the security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer cea_...`"}


class OidcBearerScheme(OpenApiAuthenticationExtension):
    """Describes bearer tokens of the login provider."""

    target_class = "cellenium_admin.core.api.oidc_bearer.OidcBearerAuthentication"
    name = "provider"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Give the security scheme."""
        described = (
            "`Authorization: Bearer` with an access token of the login provider that is made out for this server"
        )
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": described}


class StrictSerializerExtension(OpenApiSerializerExtension):
    """Says that fields which are not listed are refused."""

    target_class = "cellenium_admin.core.api.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Close the object."""
        described = auto_schema._map_serializer  # noqa: SLF001 -- what extensions are given to call
        schema: Mapping[str, Any] = described(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class IntegerListExtension(OpenApiSerializerFieldExtension):
    """Describes a long list of numbers."""

    target_class = "cellenium_admin.core.api.serializers.IntegerListField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Give the bounds that field and services check."""
        return {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "maxItems": self.target.limit,
        }
