"""Temporary credentials, for one's own prefix or under a grant: in the one answer, and nowhere else."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core import aws as core_aws
from cellenium_admin.core.api import idempotency
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.problems import InvalidHeaderError
from cellenium_admin.core.api.serializers import StrictCharField, StrictSerializer, StrictUUIDField
from cellenium_admin.core.models import TokenScope
from grants.api import outside
from grants.api.base import AccessView, named
from grants.aws.gateway import Aws
from grants.models import Grant, Issuance
from grants.services.credentials import issue_data_access
from grants.services.issuing import Issued
from grants.services.prefix_credentials import issue_for_prefix

PURPOSES = [(one.value, one.label) for one in (Issuance.Purpose.UPLOAD, Issuance.Purpose.READ)]


class CredentialsWish(StrictSerializer):
    """What credentials shall be for: one's own prefix (`purpose`), or a grant of one's own principal (`grant`)."""

    purpose = serializers.ChoiceField(choices=PURPOSES, required=False)
    prefix = StrictCharField(
        max_length=1024, required=False, help_text="A part of one's own prefix, ending in a slash; all of it otherwise."
    )
    duration = serializers.IntegerField(required=False, help_text="Seconds: 900 up to what the settings allow.")
    grant = StrictUUIDField(required=False, help_text="A grant of a role that is linked to you.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two."""
        if ("purpose" in attrs) == ("grant" in attrs):
            detail = "Give a purpose for your own prefix, or a grant: one of the two."
            raise serializers.ValidationError({"purpose": detail})
        return attrs


class CredentialsSerializer(serializers.Serializer[Any]):
    """Credentials as AWS gave them, and what they open."""

    issuance_id = serializers.UUIDField()
    purpose = serializers.ChoiceField(choices=Issuance.Purpose.choices)
    access_key_id = serializers.CharField()
    secret_access_key = serializers.CharField()
    session_token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    bucket = serializers.CharField()
    prefix = serializers.CharField(help_text="What the keys they open begin with; of a grant for one object, its key.")
    region = serializers.CharField()
    endpoint_url = serializers.CharField(allow_null=True, help_text="Where S3 is, when it is not AWS's own.")
    duration = serializers.IntegerField(help_text="Seconds.")
    capped_by = serializers.ChoiceField(
        choices=[Issuance.Cap.ROLE_CHAINING.value],
        allow_null=True,
        help_text="`role_chaining`: the server runs with temporary credentials, so AWS gives an hour at most.",
    )


class CredentialsView(AccessView):
    """Credentials for the caller."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}

    @extend_schema(
        operation_id="credentials_create",
        summary="Take temporary credentials",
        request={"application/json": CredentialsWish},
        responses={201: CredentialsSerializer},
    )
    def post(self, request: Request) -> Response:
        """Give AWS credentials that end by themselves, for the caller's own prefix or for a grant of theirs.

        Recorded before AWS is asked and again before they are answered; kept nowhere. `Idempotency-Key` is refused:
        an answer with secrets is never given twice, ask again instead.
        """
        asked = self.read_body(CredentialsWish)
        if idempotency.HEADER in request.headers:
            raise InvalidHeaderError(f"{idempotency.HEADER} has no meaning here: each request gives new credentials.")
        with outside.speaking_to_aws() as aws:
            issued = self._issue(aws, asked)
            answer = _answer(issued, aws.region)
        return Response(CredentialsSerializer(answer).data, status=201, headers={"Cache-Control": "no-store"})

    def _issue(self, aws: Aws, asked: dict[str, Any]) -> Issued:
        who: dict[str, Any] = {"user": self.user, "actor": self.actor, "aws": aws, "duration": asked.get("duration")}
        if "grant" in asked:
            grant = named(Grant, user=self.user, pk=asked["grant"], field="grant")
            return issue_data_access(grant=grant, target=asked.get("prefix", ""), **who)
        return issue_for_prefix(purpose=asked["purpose"], prefix=asked.get("prefix", ""), **who)


def _answer(issued: Issued, region: str) -> dict[str, Any]:
    issuance, session = issued.issuance, issued.session
    bucket, _, key = issuance.scope.removeprefix("s3://").partition("/")
    return {
        "issuance_id": issuance.pk,
        "purpose": issuance.purpose,
        "access_key_id": session.access_key_id,
        "secret_access_key": session.secret_access_key.reveal(),
        "session_token": session.session_token.reveal(),
        "expires_at": session.expires_at,
        "bucket": bucket,
        "prefix": key.removesuffix("*"),
        "region": region,
        "endpoint_url": core_aws.configured_s3_endpoint(),
        "duration": issuance.duration_seconds,
        "capped_by": issuance.capped_by or None,
    }
