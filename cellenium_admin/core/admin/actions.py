"""Admin pages with confirmed actions: their addresses, their buttons, and the trail of the object below."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from cellenium_admin.core.admin import confirm
from cellenium_admin.core.admin.base import ReadOnlyAdmin
from cellenium_admin.core.admin.confirm import ConfirmedAction
from cellenium_admin.core.models import AuditEvent

__all__ = ["ActionsAdmin", "QuickFilter"]
TRAIL_LENGTH = 20
# A name in the list's address, a title.
QuickFilter = tuple[str, str]


class ActionsAdmin(ReadOnlyAdmin):
    """Nobody changes anything by Django's own forms; what may be done is done by confirmed actions."""

    row_actions: ClassVar[tuple[ConfirmedAction, ...]] = ()
    list_actions: ClassVar[tuple[ConfirmedAction, ...]] = ()
    quick_filters: ClassVar[tuple[QuickFilter, ...]] = ()
    # Actions that have their links elsewhere on the page, by name.
    hidden_buttons: ClassVar[tuple[str, ...]] = ()
    change_list_template = "admin/cellenium/change_list.html"
    list_before_template = "admin/cellenium/quick_filters.html"
    change_form_outer_before_template = "admin/cellenium/object_actions.html"
    change_form_outer_after_template = "admin/cellenium/object_trail.html"

    def get_urls(self) -> list[URLPattern]:
        """Put the actions before Django's own addresses, which would take them for keys."""
        rows = [self._path(f"<path:object_id>/{action.name}/", action) for action in self.row_actions]
        lists = [self._path(f"{action.name}/", action) for action in self.list_actions]
        return [*rows, *lists, *super().get_urls()]

    def address(self, action: ConfirmedAction, *arguments: Any) -> str:
        """Give where an action of a row, or of the list, is confirmed."""
        return reverse(f"admin:{self._name(action)}", args=arguments)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the buttons for what makes new, and the quick filters."""
        user: Any = request.user
        fitting = [action for action in self.list_actions if action.allows(user, None) and action.applies(None)]
        extra = {"list_actions": [self._button(action) for action in fitting], "quick_filters": self._chips(request)}
        page: HttpResponse = super().changelist_view(request, {**extra, **(extra_context or {})})
        return page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Add the buttons for what may be done with this row now, and what was done with it before."""
        row = self.get_object(request, object_id)
        extra = self.object_context(request, row) if row is not None else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})
        return page

    def object_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Give what stands around a row: buttons above, the trail below."""
        user: Any = request.user
        shown = [action for action in self.row_actions if action.name not in self.hidden_buttons]
        fitting = [action for action in shown if action.applies(row) and action.offers(user, row)]
        kind, key = self.trail_of(row)
        told = Q(object_type=kind, object_id=key)
        for other_kind, keys in self.belongings_of(row).items():
            told |= Q(object_type=other_kind, object_id__in=keys)
        events = AuditEvent.objects.visible_to(user).filter(told)
        query = urlencode({"object_type": kind, "object_id": key})
        return {
            "object_actions": [self._button(action, row.pk) for action in fitting],
            "is_fullwidth": "1",
            "events": list(events[:TRAIL_LENGTH]),
            "all_events_url": f"{reverse('admin:core_auditevent_changelist')}?{query}",
        }

    def trail_of(self, row: Any) -> tuple[str, str]:
        """Give type and id under which the trail knows a row."""
        return str(self.opts.model_name), str(row.pk)

    def belongings_of(self, row: Any) -> dict[str, list[str]]:
        """Give types and ids of what has no page of its own and whose events stand with the row's."""
        return {}

    def _path(self, route: str, action: ConfirmedAction) -> URLPattern:
        view: Callable[..., HttpResponse] = partial(self._serve, action)
        pattern: URLPattern = path(route, self.admin_site.admin_view(view), name=self._name(action))
        return pattern

    def _serve(self, action: ConfirmedAction, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        row = None
        if object_id is not None:
            row = self.get_object(request, object_id)
            if row is None:
                gone: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
                return gone
        return confirm.serve(self, action, request, row)

    def _button(self, action: ConfirmedAction, *arguments: Any) -> dict[str, Any]:
        return {"action": action, "url": self.address(action, *arguments)}

    def _chips(self, request: HttpRequest) -> list[dict[str, Any]]:
        here = request.GET.urlencode()
        chips = [{"title": "All", "url": "?", "active": not here}] if self.quick_filters else []
        return chips + [
            {"title": title, "url": f"?{query}", "active": here == query} for query, title in self.quick_filters
        ]

    def _name(self, action: ConfirmedAction) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{action.name}"
