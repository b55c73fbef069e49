"""Principals: the AWS identities grants are given to, with their keys."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from cellenium_admin.core.admin.confirm import ConfirmedAction, Table
from grants.admin import badges, key_actions, tables
from grants.admin.adopt_actions import AdoptRow
from grants.admin.columns import LifecycleAdmin, code
from grants.admin.filters import DriftFilter, OldKeysFilter
from grants.admin.principal_actions import CreateUser, DeletePrincipal, LinkPrincipal, RegisterPrincipal
from grants.models import AccessKey, Grant, Principal, State

MOST_GRANTS = 20
FOR_KEYS = (key_actions.SwitchKeyOff(), key_actions.SwitchKeyOn(), key_actions.DeleteKey())


@admin.register(Principal)
class PrincipalAdmin(LifecycleAdmin):
    """An IAM user or role, and the person behind it."""

    list_display = ("name", "kind", "arn_code", "user", "state_badge", "origin_badge", "drift_badge")
    list_display_links = ("name",)
    list_filter = ("state", "origin", DriftFilter, "kind", OldKeysFilter)
    list_select_related = ("user",)
    search_fields = ("arn", "name", "user__email", "user__username", "unique_id", "keys__access_key_id", "id")
    search_help_text = "ARN, name, e-mail or access key id"
    ordering = ("name", "-created_at")
    quick_filters = (
        ("state__exact=active", "Active"),
        ("state__exact=failed", "Failed"),
        ("drift=any", "Drifted"),
        ("origin__exact=adopted", "Adopted"),
        ("origin__exact=foreign", "Foreign"),
    )
    list_actions = (CreateUser(), RegisterPrincipal())
    row_actions = (
        AdoptRow("principals"),
        key_actions.CreateKey(),
        key_actions.RotateKey(),
        LinkPrincipal(),
        DeletePrincipal(),
        *FOR_KEYS,
    )
    hidden_buttons = tuple(action.name for action in FOR_KEYS)
    fields = (
        ("state_badge", "origin_badge", "drift_badge"),
        ("kind", "name"),
        "arn_code",
        ("user", "unique_id"),
        ("confirmed", "created"),
        ("version", "id"),
    )

    @column(description="ARN", ordering="arn")
    def arn_code(self, principal: Principal) -> SafeString:
        """Show the ARN."""
        return code(principal.arn)

    def object_context(self, request: HttpRequest, row: Principal) -> dict[str, Any]:
        """Add the keys, the grants, and what AWS was told."""
        found = [self._keys(row, request.user), _grants(row), tables.operations_of(row, self.belongings_of(row))]
        return super().object_context(request, row) | {"tables": found}

    def belongings_of(self, row: Principal) -> dict[str, list[str]]:
        """Let the events of its keys stand with its own."""
        return {"accesskey": [str(key.pk) for key in row.keys.all()]}

    def _keys(self, row: Principal, user: Any) -> Table:
        """List the keys: ids, ages and whether they are on; what may be done with each stands beside it."""
        rows = [
            (
                key.access_key_id or "-",
                badges.state(key),
                "on" if key.is_enabled else "off",
                badges.drift(key),
                moment(key.created_at),
                moment(key.last_used_at) if key.last_used_at else "not known",
                self._links(row, key, user),
            )
            for key in row.keys.all()
        ]
        headings = ("Access key id", "State", "Switched", "Drift", "Made", "Last used", "Do")
        return Table("Access keys: ids only, secrets are kept nowhere", headings, rows)

    def _links(self, row: Principal, key: AccessKey, user: Any) -> SafeString:
        if key.state != State.ACTIVE or not row.is_ours:
            return format_html("{}", "-")
        fitting = [action for action in FOR_KEYS if action.allows(user, row) and _fits(action, key)]
        links = [
            format_html(
                '<a class="link no-wrap" href="{}?key={}">{}</a>',
                self.address(action, row.pk),
                key.access_key_id,
                action.button,
            )
            for action in fitting
        ]
        return format_html_join(SafeString("<br>"), "{}", ((link,) for link in links))


def _fits(action: ConfirmedAction, key: AccessKey) -> bool:
    """Tell whether a switch would change anything."""
    off = isinstance(action, key_actions.SwitchKeyOff)
    on = isinstance(action, key_actions.SwitchKeyOn)
    return not ((off and not key.is_enabled) or (on and key.is_enabled))


def _grants(row: Principal) -> Table:
    found = Grant.objects.existing().filter(principal=row).select_related("location")
    rows = [
        (tables.linked(grant, grant.scope), grant.permission, badges.state(grant), badges.expiry(grant))
        for grant in found[:MOST_GRANTS]
    ]
    url = f"{reverse('admin:grants_grant_changelist')}?principal__id__exact={row.pk}"
    return Table("Grants", ("Scope", "Permission", "State", "Expires"), rows, url)
