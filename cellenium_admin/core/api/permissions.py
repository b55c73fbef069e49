"""Who may use a view at all; what they may see or do there is for querysets and services."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from cellenium_admin.core.api.authentication import CHALLENGE
from cellenium_admin.core.models import ApiToken, User


class InsufficientScopeError(PermissionDenied):
    """The token's owner may, the token may not (RFC 6750, section 3.1)."""

    default_code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        """Name the missing scope in words and in the header."""
        super().__init__(f"This token lacks the scope {scope!r}; make one that has it.")
        self.auth_header = f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'


class Nobody(BasePermission):
    """The default: a view that names nobody serves nobody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Refuse."""
        return False


class IsMember(BasePermission):
    """Anyone who has logged in, with an active account, within the scopes of the token if it is one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the account, then the token.

        Raises InsufficientScopeError when only the token stands in the way.
        """
        if not isinstance(request.user, User) or not self.serves(request.user):
            return False
        if isinstance(request.auth, ApiToken):
            _check_scope(request, view, request.auth)
        return True

    def serves(self, user: User) -> bool:
        """Tell whether this account has the role asked for."""
        return user.is_active


class IsCurator(IsMember):
    """Curators and administrators."""

    def serves(self, user: User) -> bool:
        """Tell whether this account has the role asked for."""
        return user.is_curator


class IsAdministrator(IsMember):
    """Administrators only."""

    def serves(self, user: User) -> bool:
        """Tell whether this account has the role asked for."""
        return user.is_administrator


def _check_scope(request: Request, view: Any, token: ApiToken) -> None:
    """Refuse what the view does not say it needs; methods it does not have are answered 405 later."""
    method = "GET" if request.method in SAFE_METHODS else str(request.method)
    if method not in view.allowed_methods:
        return
    scope = view.required_scopes[method]
    if scope not in token.scopes:
        raise InsufficientScopeError(scope)
