"""What the actions on grants ask."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from cellenium_admin.core.admin import forms
from grants.models import Grant, Issuance, Location, Origin, Permission, Principal, State

PERMISSIONS = [
    (Permission.READ, "READ: list and get objects"),
    (Permission.WRITE, "WRITE: put and delete objects, without reading them"),
    (Permission.READWRITE, "READWRITE: both"),
]
SUB_PREFIX_HELP = (
    "What follows the location's own prefix. It ends in /*, such as data/*; * alone is the whole location."
    " None of ? $ { }; never rewritten."
)


def usable_principals() -> Any:
    """Select the principals a grant can be given to."""
    there = Principal.objects.filter(state__in=[State.ACTIVE, State.PENDING_CREATE])
    return there.exclude(origin=Origin.FOREIGN).select_related("user")


def usable_locations() -> Any:
    """Select the locations a grant can be given on."""
    return Location.objects.filter(state__in=[State.ACTIVE, State.PENDING_CREATE]).exclude(origin=Origin.FOREIGN)


def principal_field(label: str = "Principal", **more: Any) -> forms.NamedRowField:
    """Make the field for the principal a grant is for."""
    return forms.NamedRowField(
        label=label,
        rows=usable_principals,
        lookups=("arn", "name", "user__email"),
        suggested_by="grants.grant.principal",
        missing="No principal here goes by",
        help_text="ARN, name, or the e-mail address of the person behind it.",
        **more,
    )


def expiry_field(**more: Any) -> Any:
    """Make the field for a grant's end."""
    return forms.date_time(
        "Expires (UTC)", help_text=f"At most {settings.GRANT_MAX_DAYS} days from now; every grant of ours ends.", **more
    )


def default_expiry() -> Any:
    """Give the end that is proposed."""
    days = min(settings.GRANT_DEFAULT_DAYS, settings.GRANT_MAX_DAYS)
    return (timezone.now() + timedelta(days=days)).replace(second=0, microsecond=0)


class NewGrantForm(forms.ActionForm):
    """Where, who, what and until when."""

    location = forms.NamedRowField(
        label="Location",
        rows=usable_locations,
        lookups=("scope", "aws_id"),
        suggested_by="grants.grant.location",
        missing="No location here has the scope",
        help_text="Its scope, such as s3://bucket/prefix/.",
    )
    principal = principal_field()
    permission = forms.options("Permission", PERMISSIONS, initial=Permission.READ)
    sub_prefix = forms.text("Sub-prefix", max_length=2000, help_text=SUB_PREFIX_HELP, strip=False)
    is_object = forms.checkbox("One single object", help_text="Then the sub-prefix is a whole key, without any *.")
    expires_at = expiry_field(initial=default_expiry)


class ExtendForm(forms.ActionForm):
    """A new end."""

    expires_at = expiry_field()


class ReplaceForm(forms.ActionForm):
    """What the grant of ours is to be that takes an adopted one's place."""

    sub_prefix = forms.text("Sub-prefix", max_length=2000, help_text=SUB_PREFIX_HELP, strip=False)
    permission = forms.options("Permission", PERMISSIONS)
    expires_at = expiry_field(initial=default_expiry)


class RevokeForm(forms.ActionForm):
    """What becomes of sessions that are out already."""

    LEAVE, NAMED, EVERYBODY = "leave", "named", "everybody"
    sessions = forms.options("Sessions handed out already", [(LEAVE, "Leave them")], initial=LEAVE)

    def __init__(self, *args: Any, live: list[Issuance], may_cut: bool, **kwargs: Any) -> None:
        """Offer what there is to cut, to those who may."""
        super().__init__(*args, **kwargs)
        if not may_cut:
            del self.fields["sessions"]
            return
        choices = [(self.LEAVE, "Leave them: they end by themselves")]
        if live:
            choices.append((self.NAMED, f"Cut now the recorded sessions of this grant ({len(live)})"))
        everybody = (
            "Cut now every session of the location's role that began by now: other people's too, who then ask anew"
        )
        self.fields["sessions"].choices = [*choices, (self.EVERYBODY, everybody)]  # type: ignore[attr-defined]


class CutForm(forms.ActionForm):
    """Which sessions are to be cut."""

    NAMED, EVERYBODY = "named", "everybody"
    which = forms.options("Cut now", [(NAMED, "These sessions"), (EVERYBODY, "Everybody's")])
    sessions = forms.several("Sessions", [])

    def __init__(self, *args: Any, live: list[Issuance], **kwargs: Any) -> None:
        """List the sessions that are alive, all of them chosen."""
        super().__init__(*args, **kwargs)
        everybody = (self.EVERYBODY, "Every session of the location's role that began by now: other people's too")
        named = [(self.NAMED, "The sessions chosen below")] if live else []
        self.fields["which"].choices = [*named, everybody]  # type: ignore[attr-defined]
        self.fields["which"].initial = self.NAMED if live else self.EVERYBODY
        if not live:
            del self.fields["sessions"]
            return
        self.fields["sessions"].choices = [(str(one.pk), session_label(one)) for one in live]  # type: ignore[attr-defined]
        self.fields["sessions"].initial = [str(one.pk) for one in live]

    def clean(self) -> dict[str, Any]:
        """See that there is something to cut."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("which") == self.NAMED and not values.get("sessions"):
            self.add_error("sessions", "Choose at least one session, or cut everybody's.")
        return values


def session_label(issuance: Issuance) -> str:
    """Name a session for people: its key id, whose it is, until when."""
    who = issuance.user.label if issuance.user else "somebody"
    return f"{issuance.access_key_id or 'outcome unknown'} of {who}, until {issuance.expires_at:%Y-%m-%d %H:%M} UTC"


def extend_initial(grant: Grant) -> dict[str, Any]:
    """Propose the default time from now, or what the grant has when that is longer."""
    current = grant.expires_at or default_expiry()
    return {"expires_at": max(current, default_expiry())}
