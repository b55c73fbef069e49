"""Roles and study groups come with the groups of each login, and go with them."""

from typing import Any

import pytest

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.oidc import presented
from tests.support.forging_provider import ForgingProvider
from tests.support.visitors import Visitor, bearer

pytestmark = pytest.mark.django_db(transaction=True)
both_ways = pytest.mark.parametrize("way", ["code flow", "bearer"])


def arrive(provider: ForgingProvider, way: str, **claims: Any) -> User:
    provider.be("uploader", **claims)
    if way == "bearer":
        answer = bearer(provider.token())
        assert answer.status_code == 200, answer.content
        return User.objects.get()
    visitor = Visitor(provider).log_in()
    assert visitor.was_let_in()
    return visitor.account


@both_ways
def test_roles_come_and_go_with_each_login(provider: ForgingProvider, way: str) -> None:
    assert arrive(provider, way, groups=["cardiology"]).system_roles == []
    assert arrive(provider, way, groups=["curators", "cardiology"]).system_roles == ["curator"]
    account = arrive(provider, way, groups=["administrators"])
    assert (account.system_roles, account.study_groups) == (["administrator"], ["administrators"])
    account = arrive(provider, way, groups=[])
    assert (account.system_roles, account.study_groups) == ([], [])
    changes = AuditEvent.objects.filter(action="user.roles_changed").order_by("seq")
    assert [event.after["system_roles"] for event in changes] == [["curator"], ["administrator"], []]
    assert AuditEvent.objects.filter(action="user.groups_changed").exists()


@both_ways
def test_roles_go_when_the_claim_is_no_longer_told(provider: ForgingProvider, way: str) -> None:
    assert arrive(provider, way, groups=["administrators"]).system_roles == ["administrator"]
    assert arrive(provider, way).system_roles == []


@both_ways
def test_same_groups_again_are_no_event(provider: ForgingProvider, way: str) -> None:
    arrive(provider, way, groups=["curators", "cardiology"])
    count = AuditEvent.objects.filter(action__in=["user.roles_changed", "user.groups_changed"]).count()
    arrive(provider, way, groups=["cardiology", "curators", "curators"])
    assert AuditEvent.objects.filter(action__in=["user.roles_changed", "user.groups_changed"]).count() == count


@pytest.mark.parametrize(
    "groups",
    ["", [""], [" "], "administrator", ["Administrators"], ["administrators "], ["administrators\0"], None],
    ids=repr,
)
def test_names_that_are_almost_right_give_nothing(provider: ForgingProvider, groups: Any) -> None:
    assert arrive(provider, "bearer", groups=groups).system_roles == []


@pytest.mark.parametrize(
    "groups",
    [7, {"administrators": True}, [["administrators"]], [7, None], ["g" * 300], ["\ud800"], True, [{"name": "x"}]],
    ids=ascii,
)
def test_strange_groups_give_nothing_and_keep_nobody_out(provider: ForgingProvider, groups: Any) -> None:
    assert arrive(provider, "bearer", groups=groups).system_roles == []


@pytest.mark.parametrize("groups", [[], [""], ["", " "], ""], ids=repr)
def test_empty_settings_give_nobody_anything(provider: ForgingProvider, groups: Any, settings: Any) -> None:
    settings.OIDC_CURATOR_GROUPS = []
    settings.OIDC_ADMINISTRATOR_GROUPS = []
    assert arrive(provider, "bearer", groups=groups).system_roles == []
    presented.forget()
    settings.OIDC_CURATOR_GROUPS = [""]
    settings.OIDC_ADMINISTRATOR_GROUPS = ["", " "]
    assert arrive(provider, "bearer", groups=groups).system_roles == []
    presented.forget()
    settings.OIDC_ADMINISTRATOR_GROUPS = ["administrators"]
    assert arrive(provider, "bearer", groups=["administrators"]).system_roles == ["administrator"]


def test_claim_of_another_name_is_not_read(provider: ForgingProvider, settings: Any) -> None:
    settings.OIDC_GROUPS_CLAIM = "roles"
    assert arrive(provider, "bearer", groups=["administrators"]).system_roles == []
    assert arrive(provider, "bearer", roles=["administrators"]).system_roles == ["administrator"]


@both_ways
def test_many_groups(provider: ForgingProvider, way: str, settings: Any) -> None:
    """A large directory names hundreds; a role must not hang on where in the list its group stands."""
    many = [f"group-{number}" for number in range(400)]
    assert arrive(provider, way, groups=many).system_roles == []
    assert arrive(provider, way, groups=[*many, "administrators"]).system_roles == ["administrator"]
    settings.OIDC_CURATOR_GROUPS = ["zz-curators"]
    assert arrive(provider, way, groups=["zz-curators", *many]).system_roles == ["curator"]
    assert arrive(provider, way, groups=many[:2]).study_groups == sorted(many[:2])


def test_groups_of_userinfo_count_when_the_id_token_has_none(provider: ForgingProvider) -> None:
    provider.change_userinfo = lambda claims: {**claims, "groups": ["curators"]}
    assert arrive(provider, "code flow").system_roles == ["curator"]
