"""What requests about access may say. Whether it can be done is for services, which name the field that is wrong."""

from typing import Any

from rest_framework import serializers

from cellenium_admin.core.api.serializers import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictSerializer,
    StrictUUIDField,
)
from grants.models import Permission

REASON: dict[str, Any] = {"max_length": 1000, "help_text": "For the trail."}


class ReasonBody(StrictSerializer):
    """Why something is taken away."""

    reason = StrictCharField(**REASON)


class NewLocation(StrictSerializer):
    """A prefix to register."""

    scope = StrictCharField(max_length=2000, help_text="`s3://bucket/`, or `s3://bucket/prefix/`.")
    role_arn = StrictCharField(max_length=2048, help_text="The IAM role that serves it.")
    reason = StrictCharField(required=False, **REASON)


class LocationChange(StrictSerializer):
    """Another role for a location."""

    role_arn = StrictCharField(max_length=2048)
    reason = StrictCharField(required=False, **REASON)


class NewPrincipal(StrictSerializer):
    """An IAM user to make (`name`), or an IAM user or role that exists already (`arn`). Give one of the two."""

    name = StrictCharField(max_length=64, required=False)
    arn = StrictCharField(max_length=2048, required=False)
    user_id = StrictUUIDField(required=False, help_text="The person behind it.")
    reason = StrictCharField(required=False, **REASON)


class PrincipalChange(StrictSerializer):
    """Another person behind a principal, or nobody."""

    user_id = StrictUUIDField(allow_null=True)
    reason = StrictCharField(required=False, **REASON)


class NewAccessKey(StrictSerializer):
    """An access key to make."""

    reason = StrictCharField(required=False, **REASON)


class AccessKeyChange(StrictSerializer):
    """A key to switch on or off."""

    is_enabled = StrictBooleanField()
    reason = StrictCharField(required=False, **REASON)


class NewGrant(StrictSerializer):
    """A permission to give."""

    location_id = StrictUUIDField()
    principal_id = StrictUUIDField()
    sub_prefix = StrictCharField(
        max_length=2000, trim_whitespace=False, help_text="Ends in `/*`; `*` is the whole location."
    )
    permission = serializers.ChoiceField(choices=Permission.choices)
    is_object = StrictBooleanField(default=False, help_text="`sub_prefix` names a single key.")
    expires_at = StrictDateTimeField(required=False, help_text="By default after the days a setting names.")
    reason = StrictCharField(required=False, **REASON)


class Extension(StrictSerializer):
    """Another end of a grant."""

    expires_at = StrictDateTimeField()
    reason = StrictCharField(**REASON)


class Replacement(StrictSerializer):
    """What a grant of ours, in the place of an adopted one, shall say; what is left out stays as it is."""

    sub_prefix = StrictCharField(max_length=2000, trim_whitespace=False, required=False)
    permission = serializers.ChoiceField(choices=Permission.choices, required=False)
    expires_at = StrictDateTimeField(required=False)
    reason = StrictCharField(**REASON)


class CutOrder(StrictSerializer):
    """Which sessions shall end now."""

    everybody = StrictBooleanField(
        default=False,
        help_text="All sessions of the location's role, those of others too, who then ask for new ones; else the"
        " recorded sessions of this grant alone.",
    )
    reason = StrictCharField(**REASON)


class NewAccessRequest(StrictSerializer):
    """What one asks for."""

    path = StrictCharField(max_length=4000, trim_whitespace=False, help_text="`s3://bucket/prefix/*`, or one key.")
    permission = serializers.ChoiceField(choices=Permission.choices)
    justification = StrictCharField(max_length=1000)
    wanted_until = StrictDateTimeField(required=False)
    principal_id = StrictUUIDField(required=False, help_text="One of one's own; else whoever decides chooses.")
    is_object = StrictBooleanField(default=False)


class Approval(StrictSerializer):
    """What is given: what was asked for, or less of it."""

    principal_id = StrictUUIDField(required=False, help_text="Needed when none was asked for.")
    sub_prefix = StrictCharField(max_length=2000, trim_whitespace=False, required=False)
    permission = serializers.ChoiceField(choices=Permission.choices, required=False)
    expires_at = StrictDateTimeField(required=False)
    reason = StrictCharField(required=False, **REASON)
