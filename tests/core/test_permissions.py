"""Permission classes."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from cellenium_admin.core.api.permissions import IsAdministrator, IsCurator, IsMember, Nobody
from cellenium_admin.core.models import User

WHO: dict[str, Any] = {
    "anonymous": AnonymousUser(),
    "member": User(),
    "curator": User(system_roles=["curator"]),
    "administrator": User(system_roles=["administrator"]),
    "closed": User(system_roles=["administrator", "curator"], is_active=False),
}


@pytest.mark.parametrize(
    ("permission", "let_in"),
    [
        (Nobody, set()),
        (IsMember, {"member", "curator", "administrator"}),
        (IsCurator, {"curator", "administrator"}),
        (IsAdministrator, {"administrator"}),
    ],
)
def test_who_is_let_in(permission: type[Nobody], let_in: set[str]) -> None:
    found = {
        name
        for name, user in WHO.items()
        if permission().has_permission(SimpleNamespace(user=user, auth=None), view=None)
    }
    assert found == let_in


def test_default_of_the_api_is_nobody(settings: Any) -> None:
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == [f"{Nobody.__module__}.Nobody"]
