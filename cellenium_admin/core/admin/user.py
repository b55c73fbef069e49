"""Accounts, to look at; `cellenium-admin users` and the login provider's groups change them."""

from django.contrib import admin

from cellenium_admin.core.admin.base import AdministratorsOnly, ReadOnlyInline, column
from cellenium_admin.core.models import ApiToken, User


class ApiTokenInline(ReadOnlyInline):
    """The tokens of an account: names and times, there are no secrets to show."""

    model = ApiToken
    fields = ("name", "key", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = fields


@admin.register(User)
class UserAdmin(AdministratorsOnly):
    """People and service accounts."""

    list_display = ("label", "kind", "roles", "upload_prefix", "is_active", "last_login")
    list_filter = ("kind", "is_active")
    search_fields = ("username", "email", "display_name", "upload_prefix")
    ordering = ("username",)
    inlines = (ApiTokenInline,)
    fields = (
        "username",
        "email",
        "display_name",
        "kind",
        "roles",
        "study_groups",
        "upload_prefix",
        "oidc_issuer",
        "oidc_subject",
        "is_active",
        "created_at",
        "last_login",
    )

    @column(description="Roles", label={"administrator": "danger", "curator": "warning", "member": "info"})
    def roles(self, user: User) -> str:
        """Name the strongest role."""
        if user.is_administrator:
            return "administrator"
        return "curator" if user.is_curator else "member"
