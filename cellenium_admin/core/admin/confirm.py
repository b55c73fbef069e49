"""The one way a state-changing action of the admin goes: shown whole, reasoned, confirmed by POST, told call by call.

A GET shows what would happen and changes nothing. The confirming POST carries what the person saw, the version of the
row and the AWS calls; when either is not what it was, the page is shown anew instead of something else being done.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cellenium_admin.core.admin.forms import ActionForm
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError, RefusedError
from cellenium_admin.core.models import User
from cellenium_admin.core.services import audit

__all__ = ["ConfirmedAction", "Done", "Outcome", "Preview", "serve"]
STALE = "This has changed since the page was opened. Look at it again before you confirm: below is how it is now."
ASK, CONFIRM, PREVIEW, CHANGE = "ask", "confirm", "preview", "change"


@dataclass(frozen=True, slots=True)
class Table:
    """A small table with its caption."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]
    # Where the whole list is, when this is its beginning.
    url: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: the AWS calls in their order, what follows from it, and what to be careful of."""

    calls: Sequence[str] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one AWS call ended, or what else there is to tell: a level of `django.contrib.messages` and a sentence."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action: where to look next and what to tell, or a page of its own."""

    outcomes: Sequence[Outcome] = ()
    url: str = ""
    page: HttpResponse | None = None


class ConfirmedAction:
    """One action: who may do it, what it asks, what it would do and what it does. Rows are None for what makes new."""

    name: ClassVar[str]
    title: ClassVar[str]
    button: ClassVar[str]
    icon: ClassVar[str] = ""
    question: ClassVar[str] = ""
    destructive: ClassVar[bool] = False
    administrators_only: ClassVar[bool] = False
    form_class: ClassVar[type[ActionForm]] = ActionForm
    # The fields a link may fill in; everything else comes from the person.
    prefilled: ClassVar[tuple[str, ...]] = ()

    def allows(self, user: User, row: Any) -> bool:
        """Tell whether this person may do it, by role."""
        del row
        return user.is_administrator if self.administrators_only else user.is_curator

    def offers(self, user: User, row: Any) -> bool:
        """Tell whether its button is shown to this person."""
        return self.allows(user, row)

    def applies(self, row: Any) -> bool:
        """Tell whether the row is in a state in which it makes sense."""
        del row
        return True

    def asks_first(self, row: Any, user: User) -> bool:
        """Tell whether its fields must be filled before the calls can be told."""
        del row, user
        return False

    def form_arguments(self, row: Any, user: User) -> dict[str, Any]:
        """Give what the form is made with beside its data."""
        del row, user
        return {}

    def first_look(self, row: Any, user: User) -> Preview:
        """Tell what can be told while the fields are still to be filled."""
        del row, user
        return Preview()

    def preview(self, row: Any, values: Mapping[str, Any], user: User) -> Preview:
        """Tell what would happen; `values` is empty before the form is filled. Raises ApplicationError."""
        raise NotImplementedError

    def perform(self, row: Any, values: Mapping[str, Any], request: HttpRequest, version: int | None) -> Done:
        """Do it. Raises ApplicationError."""
        raise NotImplementedError

    def fingerprint(self, row: Any) -> str:
        """Give what must not have changed between looking and confirming, beside the version and the calls."""
        del row
        return ""


@dataclass(frozen=True, slots=True)
class _Case:
    """One request for one action on one row."""

    admin: "ModelAdmin[Any]"
    action: ConfirmedAction
    request: HttpRequest
    row: Any

    @property
    def user(self) -> User:
        return self.request.user  # type: ignore[return-value]

    def form(self, data: Any = None) -> ActionForm:
        arguments = self.action.form_arguments(self.row, self.user)
        if data is None:
            asked = {name: self.request.GET[name] for name in self.action.prefilled if name in self.request.GET}
            arguments["initial"] = {**arguments.get("initial", {}), **asked}
        return self.action.form_class(data, **arguments)

    @property
    def place(self) -> str:
        """Where to go back to: the row's page, or the list."""
        opts = self.admin.opts
        if self.row is None:
            return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[self.row.pk])


def serve(admin: "ModelAdmin[Any]", action: ConfirmedAction, request: HttpRequest, row: Model | None) -> HttpResponse:
    """Serve one request: GET shows, POST previews or does. Raises PermissionDenied."""
    case = _Case(admin, action, request, row)
    if not action.allows(case.user, row):
        raise PermissionDenied
    if not action.applies(row):
        messages.warning(request, f"{action.title} is not possible (any more): the state below says why.")
        return HttpResponseRedirect(case.place)
    if request.method in {"GET", "HEAD"}:
        return _shown(case)
    if request.method != "POST":
        raise BadRequest
    return _posted(case, request.POST.get("step", ""))


def _shown(case: _Case) -> HttpResponse:
    if case.action.asks_first(case.row, case.user):
        return _page(case, case.form(), step=ASK)
    try:
        preview = case.action.preview(case.row, {}, case.user)
    except ApplicationError as error:
        messages.error(case.request, error.detail)
        return HttpResponseRedirect(case.place)
    return _page(case, case.form(), step=CONFIRM, preview=preview)


def _posted(case: _Case, step: str) -> HttpResponse:
    if step not in {PREVIEW, CHANGE, CONFIRM}:
        raise BadRequest
    form = case.form(case.request.POST)
    valid = form.is_valid()
    if step == CHANGE:
        form.errors.clear()
        return _page(case, form, step=ASK)
    asks = case.action.asks_first(case.row, case.user)
    if asks and not valid:
        return _page(case, form, step=ASK)
    try:
        preview = case.action.preview(case.row, form.cleaned_data if valid else {}, case.user)
        if valid and step == CONFIRM:
            return _confirmed(case, form, preview)
    except RefusedError as error:
        audit.record_refusal(error, actor=Actor.of(case.user))
        return _refused(case, form, error)
    except ApplicationError as error:
        return _refused(case, form, error)
    return _page(case, form, step=CONFIRM, preview=preview)


def _confirmed(case: _Case, form: ActionForm, preview: Preview) -> HttpResponse:
    """Do what was confirmed, if that is still what would be done. Raises ApplicationError."""
    if case.request.POST.get("seen", "") != _seen(case, preview):
        form.add_error(None, STALE)
        return _page(case, form, step=CONFIRM, preview=preview)
    done = case.action.perform(case.row, form.cleaned_data, case.request, _version(case.row))
    if done.page is not None:
        return done.page
    for outcome in done.outcomes:
        messages.add_message(case.request, outcome.level, outcome.text)
    return HttpResponseRedirect(done.url or case.place)


def _refused(case: _Case, form: ActionForm, error: ApplicationError) -> HttpResponse:
    """Show the form again with the service's words beside the fields they are about."""
    form.take(error)
    if case.row is not None:
        case.row.refresh_from_db()
    if case.action.asks_first(case.row, case.user):
        return _page(case, form, step=ASK)
    try:
        preview = case.action.preview(case.row, {}, case.user)
    except ApplicationError:
        messages.error(case.request, error.detail)
        return HttpResponseRedirect(case.place)
    return _page(case, form, step=CONFIRM, preview=preview)


def _page(case: _Case, form: ActionForm, *, step: str, preview: Preview | None = None) -> HttpResponse:
    asks = case.action.asks_first(case.row, case.user)
    hidden = step == CONFIRM and asks
    context = {
        **case.admin.admin_site.each_context(case.request),
        "title": case.action.title,
        "opts": case.admin.opts,
        "action": case.action,
        "row": case.row,
        "original": case.row,
        "form": form,
        "step": step,
        "fields_hidden": hidden,
        "summary": form.summary() if hidden else [],
        "preview": preview or case.action.first_look(case.row, case.user),
        "seen": _seen(case, preview) if preview else "",
        "version": _version(case.row),
        "back": case.place,
    }
    return TemplateResponse(case.request, "admin/cellenium/confirm.html", context)


def _version(row: Any) -> int | None:
    return getattr(row, "version", None)


def _seen(case: _Case, preview: Preview) -> str:
    """Reckon what the person sees: the row's version, whatever else must not change, and the calls."""
    facts = [_version(case.row), case.action.fingerprint(case.row), list(preview.calls)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
