"""What can be done with principals: made, registered, linked to a person, taken away."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from cellenium_admin.core.admin import forms
from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.models import User
from grants.admin import calls
from grants.admin.grant_actions import GOING, Values, actor_of
from grants.admin.key_display import key_page
from grants.admin.outcomes import carry_out, connected
from grants.models import Grant, Operation, Origin, Principal, State
from grants.services import keys, previews, principals
from grants.services.principals import remove as delete_principal

MOST_LISTED = 50


def person_field() -> forms.NamedRowField:
    """Make the field for the person behind a principal."""
    return forms.NamedRowField(
        label="Person",
        required=False,
        rows=lambda: User.objects.filter(is_active=True),
        lookups=("email", "username"),
        missing="No open account goes by",
        help_text="The e-mail address or login name of whoever is behind it; they see its grants. May stay empty.",
    )


class NewUserForm(forms.ActionForm):
    """An IAM user of ours."""

    name = forms.text(
        "Name", max_length=64, help_text="Up to 64 letters, digits and + = , . @ _ -; unique whatever the letter case."
    )
    user = person_field()
    with_key = forms.checkbox(
        "Make an access key as well", help_text="Its secret is shown once, on the page that follows."
    )


class RegisterForm(forms.ActionForm):
    """An IAM identity that exists."""

    arn = forms.text("ARN", max_length=2048, help_text="arn:aws:iam::<account>:user/<name> or .../role/<name>.")
    user = person_field()


class LinkForm(forms.ActionForm):
    """Who is behind it."""

    user = person_field()


class DeleteForm(forms.ActionForm):
    """Whether an adopted identity goes, too."""

    delete_adopted = forms.checkbox("Delete the IAM user in AWS as well", help_text="It was not made here.")

    def __init__(self, *args: Any, may_choose: bool, **kwargs: Any) -> None:
        """Leave the choice out where there is none."""
        super().__init__(*args, **kwargs)
        if not may_choose:
            del self.fields["delete_adopted"]


def principal_url(principal: Principal) -> str:
    """Give the page of a principal."""
    return reverse("admin:grants_principal_change", args=[principal.pk])


class CreateUser(ConfirmedAction):
    """Makes an IAM user, with or without a key."""

    name, title, button = "new", "New IAM user", "Create the user"
    form_class = NewUserForm

    def asks_first(self, row: Any, user: User) -> bool:
        """Ask whom."""
        return True

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell the calls."""
        told = previews.create_user(values["name"], settings.UPLOADER_GROUP, with_key=values["with_key"])
        return Preview(calls=told)

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Make it, and its key once AWS has confirmed it."""
        principal, operation = principals.create_user(
            name=values["name"], user=values["user"], actor=actor_of(request), reason=values["reason"]
        )
        outcomes = carry_out([operation])
        if values["with_key"]:
            principal.refresh_from_db()
            return _with_key(principal, values["reason"], request, outcomes)
        return Done(outcomes, url=principal_url(principal))


def _with_key(principal: Principal, reason: str, request: HttpRequest, outcomes: list[Outcome]) -> Done:
    """Make the key of a new user; without it the user stays, and the page says what to do."""
    try:
        with connected() as aws:
            key, secret = keys.create(principal=principal, actor=actor_of(request), aws=aws, reason=reason)
    except ApplicationError as error:
        told = f"The user has no access key yet: {error.detail} Make one on this page."
        return Done([*outcomes, Outcome(messages.WARNING, told)], url=principal_url(principal))
    return Done(page=key_page(request, principal=principal, key=key, secret=secret, outcomes=outcomes))


class RegisterPrincipal(ConfirmedAction):
    """Makes an existing IAM user or role known, without changing it."""

    name, title, button = "register", "Register an existing user or role", "Register it"
    form_class = RegisterForm

    def asks_first(self, row: Any, user: User) -> bool:
        """Ask which."""
        return True

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell what is read."""
        call = "iam GetRole" if ":role/" in values["arn"] else "iam GetUser"
        return Preview(calls=[f"{call} {values['arn']}"], notes=["It is only read: nothing in AWS changes."])

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Look it up and register it."""
        with connected() as aws:
            principal = principals.register(**values, actor=actor_of(request), aws=aws)
        told = Outcome(messages.SUCCESS, f"{principal} is known here now: grants can be given to it.")
        return Done([told], url=principal_url(principal))


class LinkPrincipal(ConfirmedAction):
    """Says which person is behind a principal."""

    name, title, button = "link", "Link to a person", "Link it"
    form_class = LinkForm

    def applies(self, row: Principal) -> bool:
        """Fit what exists."""
        return row.state not in GOING

    def form_arguments(self, row: Principal, user: User) -> dict[str, Any]:
        """Begin with who it is."""
        return {"initial": {"user": row.user}}

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell who it is now."""
        return Preview(notes=[f"Linked to {row.user} now." if row.user else "Linked to nobody now."])

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Link it."""
        linked = principals.link(principal=row, **values, actor=actor_of(request), expected_version=version)
        return Done([Outcome(messages.SUCCESS, f"{linked.name} belongs to {linked.user or 'nobody'} now.")])


class DeletePrincipal(ConfirmedAction):
    """Takes a principal away: grants first, then all that belongs to the user, then the user."""

    name, title, button, destructive = "remove", "Delete", "Delete it, grants first", True
    form_class = DeleteForm

    def applies(self, row: Principal) -> bool:
        """Fit what exists and was made here or adopted."""
        return row.state not in GOING and row.origin != Origin.FOREIGN

    def asks_first(self, row: Principal, user: User) -> bool:
        """Ask administrators whether an adopted user goes as well."""
        return _may_choose(row, user)

    def form_arguments(self, row: Principal, user: User) -> dict[str, Any]:
        """Tell the form whether there is a choice."""
        return {"may_choose": _may_choose(row, user)}

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell the calls in their order, as AWS has it at this moment."""
        granted = Grant.objects.existing().exclude(state=State.PENDING_DELETE).filter(principal=row)
        ours = granted.exclude(origin=Origin.FOREIGN).order_by("created_at")
        told = [call for grant in ours for call in previews.revoke_grant(grant)]
        warnings = []
        if granted.filter(origin=Origin.FOREIGN).exists():
            warnings.append("It has grants that were not made here: adopt them first, or this is refused.")
        if not self._in_aws(row, values, user):
            note = "The IAM identity itself was not made here and stays: only its grants and our record go."
            return Preview(calls=told, notes=[note], warnings=warnings)
        return Preview(calls=[*told, *_removal(row)], warnings=warnings)

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Wish it away, and tell AWS in order."""
        intended = delete_principal(
            principal=row,
            actor=actor_of(request),
            reason=values["reason"],
            expected_version=version,
            delete_adopted=row.origin == Origin.ADOPTED and self._in_aws(row, values, request.user),
        )
        return Done(_told(carry_out(intended), intended))

    def _in_aws(self, row: Principal, values: Values, user: Any) -> bool:
        return row.is_ours or (_may_choose(row, user) and bool(values.get("delete_adopted")))


def _may_choose(row: Principal, user: User) -> bool:
    adopted_user = row.origin == Origin.ADOPTED and row.kind == Principal.Kind.USER
    return adopted_user and user.is_administrator


def _removal(row: Principal) -> list[str]:
    if not row.arn:
        return [f"iam DeleteUser UserName={row.name} (if AWS has made it)"]
    with connected() as aws:
        belongings = aws.iam.user_belongings(row.name)
        active = [key.id for key in aws.iam.keys(row.name) if key.status == "Active"]
    return calls.delete_user(row.name, active, belongings)


def _told(outcomes: list[Outcome], intended: list[Operation]) -> list[Outcome]:
    """Sum successes up when there are many, and tell everything else."""
    if len(intended) <= MOST_LISTED:
        return outcomes
    others = [outcome for outcome in outcomes if outcome.level != messages.SUCCESS]
    done = len(outcomes) - len(others)
    return [Outcome(messages.SUCCESS, f"{done} AWS operations are done."), *others[:MOST_LISTED]]
