"""Several at once: one account, one prefix, one holder, whoever is first."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connections

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.oidc import presented
from cellenium_admin.core.oidc.claims import Identity
from cellenium_admin.core.services import logins
from tests.support.forging_provider import ForgingProvider
from tests.support.visitors import Visitor, bearer, refused_events

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 6


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    def closing(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(closing, calls))


def test_first_logins_of_one_person_make_one_account(provider: ForgingProvider) -> None:
    tokens = [provider.token(provider.claims(jti=str(number))) for number in range(AT_ONCE)]
    answers = together([lambda token=token: bearer(token).status_code for token in tokens])
    assert answers == [200] * AT_ONCE
    assert User.objects.count() == 1
    assert AuditEvent.objects.filter(action="user.created").count() == 1


def test_whoever_is_overtaken_looks_again(provider: ForgingProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account was not there when it was looked for, and is when it is to be made: it is one's own."""
    assert bearer(provider.token()).status_code == 200
    looks: list[bool] = []

    def look(identity: Identity, find: Any = logins._find) -> User | None:
        looks.append(True)
        return None if len(looks) == 1 else find(identity)

    monkeypatch.setattr(logins, "_find", look)
    presented.forget()
    assert bearer(provider.token()).status_code == 200
    assert len(looks) == 2
    assert not refused_events()


def test_one_of_several_with_the_same_address_gets_the_prefix(provider: ForgingProvider) -> None:
    tokens = [provider.token(provider.claims(sub=f"subject-{number}")) for number in range(AT_ONCE)]
    answers = together([lambda token=token: bearer(token).status_code for token in tokens])
    assert Counter(answers) == {200: 1, 401: AT_ONCE - 1}
    assert User.objects.get().upload_prefix == "input/uploader@example.org/"
    assert sum(event.action == "user.prefix_refused" for event in refused_events()) == AT_ONCE - 1


def test_logins_of_one_person_with_different_groups_leave_one_of_them(provider: ForgingProvider) -> None:
    assert bearer(provider.token()).status_code == 200
    groups = [["administrators"], ["curators"], []] * 2
    tokens = [provider.token(provider.claims(groups=given)) for given in groups]
    assert together([lambda token=token: bearer(token).status_code for token in tokens]) == [200] * 6
    account = User.objects.get()
    roles = {"administrators": ["administrator"], "curators": ["curator"]}
    assert account.system_roles == [role for group in account.study_groups for role in roles[group]]


def test_administrators_are_told_of_a_refused_prefix(provider: ForgingProvider, settings: Any) -> None:
    """By mail, in the log, and on their first page."""
    settings.ADMINS = [("Administrator", "administrator@example.org")]
    assert Visitor(provider).log_in().is_in
    provider.be("stranger", email="uploader@example.org")
    visitor = Visitor(provider).log_in()
    assert visitor.was_refused()
    page = visitor.client.get("/login/refused/").content.decode()
    assert "prefix" in page
    assert "administrator" in page
    assert "subject-of-uploader" not in page
    (message,) = mail.outbox
    assert message.to == ["administrator@example.org"]
    assert "input/uploader@example.org/" in message.body
    provider.be("administrator", groups=["administrators"])
    first_page = Visitor(provider).log_in().client.get("/admin/").content.decode()
    assert "prefix" in first_page.lower()
    assert "subject-of-stranger" in first_page or "stranger" in first_page or "uploader@example.org" in first_page
