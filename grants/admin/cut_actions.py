"""Cutting sessions that are out: one, of a grant, or of a location's role. Administrators, and whoever's own it is."""

from typing import Any

from django.http import HttpRequest

from cellenium_admin.core.admin import forms
from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Preview
from cellenium_admin.core.models import User
from grants.admin.grant_actions import (
    UNRECORDED,
    Values,
    actor_of,
    live_sessions,
    sessions_note,
    sessions_tables,
)
from grants.admin.grant_forms import CutForm
from grants.admin.outcomes import carry_out
from grants.models import Grant, Issuance, Location, Origin
from grants.services import cuts, previews, sessions

EVERYBODY = (
    "Every session of this role that began by now loses all access at once, other people's and running transfers"
    " included. Whoever still has a grant asks for new credentials and goes on."
)


class CutSessions(ConfirmedAction):
    """Leaves sessions of a grant nothing, the grant itself as it is; of use after a revocation too."""

    name, title, button, destructive = "cut", "Cut sessions now", "Cut now", True
    administrators_only = True
    form_class = CutForm

    def applies(self, row: Grant) -> bool:
        """Fit whatever sessions may have come from, revoked grants included."""
        return row.origin != Origin.FOREIGN

    def asks_first(self, row: Grant, user: User) -> bool:
        """Ask which."""
        return True

    def form_arguments(self, row: Grant, user: User) -> dict[str, Any]:
        """List what is alive."""
        return {"live": live_sessions(row)}

    def first_look(self, row: Grant, user: User) -> Preview:
        """Say how long they live otherwise."""
        return Preview(notes=[sessions_note(row)], warnings=[UNRECORDED])

    def preview(self, row: Grant, values: Values, user: User) -> Preview:
        """Tell the call."""
        everybody = values["which"] == CutForm.EVERYBODY
        note = "The Deny is taken away once no session it means can be alive any more."
        warnings = [EVERYBODY if everybody else UNRECORDED]
        tables = [] if everybody else sessions_tables(row)
        return Preview(previews.cut(row.location.role_arn), [note], warnings, tables)

    def perform(self, row: Grant, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Cut."""
        actor, reason = actor_of(request), values["reason"]
        if values["which"] == CutForm.EVERYBODY:
            made = cuts.cut_of_grant(grant=row, everybody=True, actor=actor, reason=reason)
        else:
            chosen = sessions.live(grant=row).filter(pk__in=values["sessions"])
            made = cuts.cut_sessions(issuances=chosen, actor=actor, reason=reason, grant=row)
        return Done(carry_out([operation for _, operation in made]))


class CutLocation(ConfirmedAction):
    """Leaves every session of a location's role nothing."""

    name, title, button, destructive = "cut", "Cut all sessions now", "Cut all sessions now", True
    administrators_only = True
    form_class = forms.ActionForm

    def applies(self, row: Location) -> bool:
        """Fit locations of ours and adopted ones."""
        return row.origin != Origin.FOREIGN

    def preview(self, row: Location, values: Values, user: User) -> Preview:
        """Tell the call, and whom it meets."""
        count = sessions.live(role_arn=row.role_arn).count()
        note = f"{count} sessions recorded here are alive; those people got from AWS themselves come on top."
        return Preview(calls=previews.cut(row.role_arn), notes=[note], warnings=[EVERYBODY])

    def perform(self, row: Location, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Cut."""
        _, operation = cuts.cut_all(role_arn=row.role_arn, actor=actor_of(request), reason=values["reason"])
        return Done(carry_out([operation]))


class CutIssuance(ConfirmedAction):
    """Leaves one session nothing: one's own, of a lost laptop, or anybody's for administrators."""

    name, title, button, destructive = "cut", "Cut this session now", "Cut now", True
    form_class = forms.ActionForm

    def allows(self, user: User, row: Issuance) -> bool:
        """Leave it to its owner and to administrators, as over the API."""
        return user.is_administrator or row.user_id == user.pk

    def applies(self, row: Issuance) -> bool:
        """Fit what was handed out and may still be used."""
        return row.is_live and bool(row.aws_user_id)

    def preview(self, row: Issuance, values: Values, user: User) -> Preview:
        """Tell the call."""
        note = f"Until {row.expires_at:%Y-%m-%d %H:%M} UTC these credentials work otherwise, for {row}."
        return Preview(calls=previews.cut(row.role_arn), notes=[note])

    def perform(self, row: Issuance, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Cut."""
        made = cuts.cut_sessions(issuances=[row], actor=actor_of(request), grant=row.grant, reason=values["reason"])
        return Done(carry_out([operation for _, operation in made]))
