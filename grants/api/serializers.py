"""Locations, principals, keys, grants and requests as the API shows them: the row, and labels of its neighbours."""

from typing import Any

from rest_framework import serializers

from cellenium_admin.core.models import User
from grants.models import AccessKey, AccessRequest, Cut, Grant, Issuance, Location, Operation, Principal

# What every row has that stands for something in AWS.
COMMON = ("id", "state", "origin", "drift", "version", "created_at", "updated_at", "confirmed_at", "deleted_at")


class PersonSerializer(serializers.Serializer[User]):
    """An account, by id and the label people know it by."""

    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]


class LocationSerializer(serializers.ModelSerializer[Location]):
    """A prefix registered with S3 Access Grants, and the role that serves it."""

    class Meta:
        model = Location
        fields = [*COMMON, "aws_id", "arn", "scope", "role_arn"]
        read_only_fields = fields


class PrincipalSerializer(serializers.ModelSerializer[Principal]):
    """An IAM user or role; `arn` is empty until AWS has confirmed it, `user` is the person behind it."""

    user = PersonSerializer(allow_null=True)

    class Meta:
        model = Principal
        fields = [*COMMON, "kind", "name", "arn", "unique_id", "user"]
        read_only_fields = fields


class AccessKeySerializer(serializers.ModelSerializer[AccessKey]):
    """An access key, never its secret."""

    principal_id = serializers.UUIDField()

    class Meta:
        model = AccessKey
        fields = [*COMMON, "principal_id", "access_key_id", "is_enabled", "last_used_at"]
        read_only_fields = fields


class NewAccessKeySerializer(AccessKeySerializer):
    """A key that was made just now, with its secret, which is told this once."""

    secret_access_key = serializers.CharField()

    class Meta(AccessKeySerializer.Meta):
        fields = [*AccessKeySerializer.Meta.fields, "secret_access_key"]
        read_only_fields = fields


class PrincipalLabelSerializer(serializers.Serializer[Principal]):
    """A principal, and the person behind it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    arn = serializers.CharField()
    user = PersonSerializer(allow_null=True)


class LocationLabelSerializer(serializers.Serializer[Location]):
    """A location."""

    id = serializers.UUIDField()
    scope = serializers.CharField()


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """Permission on a scope for a principal; ours end at `expires_at`, adopted ones are looked at by `review_at`."""

    location = LocationLabelSerializer()
    principal = PrincipalLabelSerializer()
    access_request_id = serializers.UUIDField(source="request_id", allow_null=True)
    replaces_id = serializers.UUIDField(allow_null=True)
    created_by = PersonSerializer(allow_null=True)

    class Meta:
        model = Grant
        fields = [
            *COMMON,
            *("aws_id", "arn", "location", "principal", "permission", "scope", "sub_prefix", "is_object"),
            *("application_arn", "expires_at", "review_at", "reason", "created_by", "access_request_id", "replaces_id"),
        ]
        read_only_fields = fields


class LiveSessionSerializer(serializers.ModelSerializer[Issuance]):
    """Credentials handed out here that work until they expire, or until they are cut."""

    user = PersonSerializer(allow_null=True)

    class Meta:
        model = Issuance
        fields = ["id", "access_key_id", "user", "scope", "permission", "state", "expires_at", "cut_at"]
        read_only_fields = fields


class RevokedGrantSerializer(GrantSerializer):
    """A grant that was revoked, and the sessions that outlive it; those of IAM users with own keys are not known."""

    live_sessions = LiveSessionSerializer(many=True)

    class Meta(GrantSerializer.Meta):
        fields = [*GrantSerializer.Meta.fields, "live_sessions"]
        read_only_fields = fields


class CutSerializer(serializers.ModelSerializer[Cut]):
    """A Deny on a role, until `expires_at`: for named sessions, or for all that began before a moment."""

    grant_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Cut
        fields = [*COMMON, "role_arn", "user_ids", "sessions_before", "expires_at", "grant_id", "reason"]
        read_only_fields = fields


class CutsSerializer(serializers.Serializer[Any]):
    """All cuts one order made, one for each role."""

    cuts = CutSerializer(many=True)


class AccessRequestSerializer(serializers.ModelSerializer[AccessRequest]):
    """What somebody asks for, and how it was decided."""

    requester = PersonSerializer()
    location = LocationLabelSerializer()
    principal = PrincipalLabelSerializer(allow_null=True)
    grant_id = serializers.SerializerMethodField()
    decided_by = PersonSerializer(allow_null=True)

    class Meta:
        model = AccessRequest
        fields = [
            *("id", "state", "version", "requester", "location", "principal", "scope", "sub_prefix", "is_object"),
            *("permission", "wanted_until", "justification", "created_at", "lapses_at"),
            *("decided_by", "decided_at", "decision_reason", "grant_id"),
        ]
        read_only_fields = fields

    def get_grant_id(self, request: AccessRequest) -> str | None:
        """Give the grant an approval made."""
        grant = getattr(request, "grant", None)
        return str(grant.pk) if grant else None


class OperationSubjectSerializer(serializers.Serializer[Operation]):
    """What an operation is about."""

    type = serializers.CharField(source="subject_type")
    id = serializers.CharField(source="subject_id")
    label = serializers.CharField(source="subject_label")  # type: ignore[assignment]


class OperationErrorSerializer(serializers.Serializer[Operation]):
    """Why the last attempt did not succeed."""

    code = serializers.CharField(source="error_code")
    detail = serializers.CharField(source="error_detail")


class OperationActorSerializer(serializers.Serializer[Operation]):
    """Whoever wanted it."""

    type = serializers.CharField(source="actor_type")
    id = serializers.CharField(source="actor_id")
    label = serializers.CharField(source="actor_label")  # type: ignore[assignment]


class OperationSerializer(serializers.ModelSerializer[Operation]):
    """One change that AWS is told: intent, attempts, outcome. Those of one `natural_key` follow each other."""

    subject = OperationSubjectSerializer(source="*")
    error = OperationErrorSerializer(source="*")
    actor = OperationActorSerializer(source="*")

    class Meta:
        model = Operation
        fields = [
            *("id", "number", "kind", "natural_key", "subject", "state", "attempts", "error", "result", "reason"),
            *("actor", "request_id", "created_at", "available_at", "finished_at"),
        ]
        read_only_fields = fields
