"""What can be done with grants: given, extended, reviewed, replaced, revoked."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview, Table
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.models import User
from grants.admin import calls
from grants.admin.grant_forms import ExtendForm, NewGrantForm, ReplaceForm, RevokeForm, extend_initial
from grants.admin.outcomes import carry_out
from grants.models import Grant, Issuance, Operation, Origin, State
from grants.services import cuts, expiry, grants, previews, sessions

Values = Mapping[str, Any]
GOING = {State.PENDING_DELETE, State.DELETED}
UNRECORDED = (
    "Whoever asks AWS with keys of their own (GetDataAccess) has sessions nothing here knows of;"
    " they live for up to 12 hours, unless every session of the role is cut."
)
REVOKED_NOTE = "From this moment nothing is handed out under this grant here. "


def actor_of(request: HttpRequest) -> Actor:
    """Give whoever acts."""
    return Actor.of(request.user)  # type: ignore[arg-type]


def grant_url(grant: Grant) -> str:
    """Give the page of a grant."""
    return reverse("admin:grants_grant_change", args=[grant.pk])


class CreateGrant(ConfirmedAction):
    """Gives a new grant."""

    name, title, button, icon = "new", "New grant", "Create the grant", "add"
    form_class = NewGrantForm

    def asks_first(self, row: Any, user: User) -> bool:
        """Ask what it is to be before anything can be told."""
        return True

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell the call, and the scope AWS will show. Raises InvalidInputError."""
        scope = grants.checked_scope(values["location"], values["sub_prefix"], is_object=values["is_object"])
        expiry.checked(values["expires_at"])
        parts = {name: values[name] for name in ("location", "principal", "sub_prefix", "permission", "is_object")}
        notes = [f"It gives {values['permission']} on {scope}, until {values['expires_at']:%Y-%m-%d %H:%M} UTC."]
        return Preview(calls=calls.create_grant(**parts), notes=notes)

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Give it, and tell AWS."""
        grant, operation = grants.create(
            **values,
            actor=actor_of(request),
            created_by=request.user,  # type: ignore[arg-type]
        )
        return Done(carry_out([operation]), url=grant_url(grant))


class RevokeGrant(ConfirmedAction):
    """Takes a grant away, and with it, if wished, the sessions that are out."""

    name, title, button, destructive = "revoke", "Revoke", "Revoke the grant", True
    form_class = RevokeForm

    def applies(self, row: Grant) -> bool:
        """Fit what is there and ours to take away."""
        return row.state not in GOING and row.origin != Origin.FOREIGN

    def asks_first(self, row: Grant, user: User) -> bool:
        """Ask those who may cut whether they want to."""
        return user.is_administrator

    def form_arguments(self, row: Grant, user: User) -> dict[str, Any]:
        """Tell the form which sessions are out."""
        return {"live": live_sessions(row), "may_cut": user.is_administrator}

    def first_look(self, row: Grant, user: User) -> Preview:
        """Show the sessions."""
        return Preview(notes=[sessions_note(row)], tables=sessions_tables(row))

    def preview(self, row: Grant, values: Values, user: User) -> Preview:
        """Tell the calls, and which sessions live on."""
        wished = values.get("sessions", RevokeForm.LEAVE)
        told = previews.revoke_grant(row)
        if wished != RevokeForm.LEAVE:
            told += previews.cut(row.location.role_arn)
        note = REVOKED_NOTE + ("" if wished != RevokeForm.LEAVE else sessions_note(row))
        warnings = [UNRECORDED] if wished != RevokeForm.EVERYBODY else []
        return Preview(calls=told, notes=[note], warnings=warnings, tables=sessions_tables(row))

    def perform(self, row: Grant, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Revoke first, so that nobody gets new sessions, then cut; then tell AWS in this order."""
        actor, reason = actor_of(request), values["reason"]
        _, operation = grants.revoke(grant=row, actor=actor, reason=reason, expected_version=version)
        intended, refused = [operation], list[Outcome]()
        wished = values.get("sessions", RevokeForm.LEAVE)
        if wished != RevokeForm.LEAVE:
            cut, refused = cut_after(row, everybody=wished == RevokeForm.EVERYBODY, actor=actor, reason=reason)
            intended += cut
        return Done([*carry_out(intended), *refused])


def cut_after(grant: Grant, *, everybody: bool, actor: Actor, reason: str) -> tuple[list[Operation], list[Outcome]]:
    """Cut after the revocation has committed; what cannot be cut is told, the revocation stands."""
    try:
        made = cuts.cut_of_grant(grant=grant, everybody=everybody, actor=actor, reason=reason)
    except ApplicationError as error:
        return [], [Outcome(messages.ERROR, f"The grant is revoked, its sessions are not cut: {error.detail}")]
    return [operation for _, operation in made], []


class ExtendGrant(ConfirmedAction):
    """Gives a grant another end."""

    name, title, button = "extend", "Change the end", "Change the end"
    question = "AWS knows no expiry: when a grant ends is kept and seen to here."
    form_class = ExtendForm

    def applies(self, row: Grant) -> bool:
        """Fit grants of ours whose time is not over."""
        return row.origin == Origin.MANAGED and row.state not in GOING and not row.is_expired()

    def form_arguments(self, row: Grant, user: User) -> dict[str, Any]:
        """Propose an end."""
        return {"initial": extend_initial(row)}

    def preview(self, row: Grant, values: Values, user: User) -> Preview:
        """Tell that nothing is called, and what it is now."""
        if "expires_at" in values:
            expiry.checked(values["expires_at"])
        return Preview(notes=[f"It ends at {row.expires_at:%Y-%m-%d %H:%M} UTC now."])

    def perform(self, row: Grant, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Change it."""
        grant = grants.extend(
            grant=row,
            expires_at=values["expires_at"],
            actor=actor_of(request),
            reason=values["reason"],
            expected_version=version,
        )
        return Done([Outcome(messages.SUCCESS, f"It ends at {grant.expires_at:%Y-%m-%d %H:%M} UTC.")])


class ReviewGrant(ConfirmedAction):
    """Keeps an adopted grant until its next review."""

    name, title, button = "review", "Keep after review", "Keep it until the next review"
    question = "An adopted grant has no expiry; somebody looks at it again from time to time."

    def applies(self, row: Grant) -> bool:
        """Fit adopted grants that exist."""
        return row.origin == Origin.ADOPTED and row.state not in GOING

    def preview(self, row: Grant, values: Values, user: User) -> Preview:
        """Tell that nothing is called."""
        return Preview()

    def perform(self, row: Grant, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Set the next review."""
        kept = grants.review(grant=row, actor=actor_of(request), reason=values["reason"], expected_version=version)
        return Done([Outcome(messages.SUCCESS, f"Kept; the next review is due {kept.review_at:%Y-%m-%d}.")])


class ReplaceGrant(ConfirmedAction):
    """Puts a grant of ours in the place of an adopted one."""

    name, title, button = "replace", "Replace by a grant of ours", "Replace it"
    form_class = ReplaceForm

    def applies(self, row: Grant) -> bool:
        """Fit adopted grants that exist."""
        return row.origin == Origin.ADOPTED and row.state not in GOING

    def asks_first(self, row: Grant, user: User) -> bool:
        """Ask what the new one is to be."""
        return True

    def form_arguments(self, row: Grant, user: User) -> dict[str, Any]:
        """Propose what the old one is."""
        return {"initial": {"sub_prefix": row.sub_prefix, "permission": row.permission}}

    def preview(self, row: Grant, values: Values, user: User) -> Preview:
        """Tell both calls, and the gap between them. Raises InvalidInputError."""
        is_object = not row.scope.endswith("*")
        scope = grants.checked_scope(row.location, values["sub_prefix"], is_object=is_object)
        expiry.checked(values["expires_at"])
        made = calls.create_grant(
            location=row.location,
            principal=row.principal,
            sub_prefix=values["sub_prefix"],
            permission=values["permission"],
            is_object=is_object,
        )
        warning = "Between the two calls there is no grant: whoever asks for credentials in that second is refused."
        notes = [f"Afterwards there is {values['permission']} on {scope}."]
        return Preview(calls=[*previews.revoke_grant(row), *made], notes=notes, warnings=[warning])

    def perform(self, row: Grant, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Replace it, and tell AWS."""
        grant, intended = grants.replace(
            grant=row,
            **values,
            actor=actor_of(request),
            expected_version=version,
            created_by=request.user,  # type: ignore[arg-type]
        )
        return Done(carry_out(intended), url=grant_url(grant))


def live_sessions(grant: Grant) -> list[Issuance]:
    """Give the recorded sessions of a grant that may still be used."""
    return list(sessions.live(grant=grant).select_related("user")[: sessions.MOST_NAMED])


def sessions_note(grant: Grant) -> str:
    """Say how long sessions live on."""
    ends = sessions.live(grant=grant).order_by("-expires_at").values_list("expires_at", flat=True)
    count = len(ends)
    if not count:
        return "No session recorded here is alive under it."
    last = f"{ends[0]:%Y-%m-%d %H:%M} UTC"
    minutes = int((ends[0] - timezone.now()).total_seconds() // 60)
    who = "1 recorded session stays" if count == 1 else f"{count} recorded sessions stay"
    return f"{who} alive in AWS until {last} ({minutes} minutes more), unless cut."


def sessions_tables(grant: Grant) -> list[Table]:
    """List the recorded sessions, if there are any."""
    found = live_sessions(grant)
    rows = [
        (one.access_key_id or "outcome unknown", one.user or "-", f"{one.expires_at:%Y-%m-%d %H:%M} UTC")
        for one in found
    ]
    return [Table("Sessions alive under this grant", ("Access key id", "Whose", "Alive until"), rows)] if found else []
