"""Whoever is deactivated is out at once, whichever way they come."""

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from cellenium_admin.core.services import users
from tests.builders.people import token_of
from tests.support.forging_provider import ForgingProvider
from tests.support.visitors import ME, Known, Visitor, bearer, refused_events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visitor(provider: ForgingProvider) -> Visitor:
    visitor = Visitor(provider).log_in()
    assert visitor.is_in
    return visitor


def deactivate(visitor: Visitor) -> User:
    account = visitor.account
    users.deactivate(user=account, actor=Actor.system("test"), reason="left")
    return account


def test_open_session_ends(visitor: Visitor) -> None:
    deactivate(visitor)
    assert visitor.client.get(ME).status_code == 401
    assert visitor.client.get("/admin/").status_code == 302
    assert visitor.client.get("/my/").status_code == 302
    assert visitor.client.get("/login/").status_code == 200


def test_open_session_of_staff_ends_in_the_admin(provider: ForgingProvider) -> None:
    visitor = Visitor(provider.be("administrator", groups=["administrators"])).log_in()
    assert visitor.client.get("/admin/").status_code == 200
    deactivate(visitor)
    assert visitor.client.get("/admin/").status_code == 302


def test_login_is_refused(visitor: Visitor) -> None:
    account = deactivate(visitor)
    known = Known.now()
    again = Visitor(visitor.provider).log_in()
    assert again.was_refused()
    assert Known.now() == known
    (event,) = refused_events()
    assert (event.action, event.details["code"]) == ("user.login_failed", "inactive")
    assert event.details["subject"] == account.oidc_subject


def test_login_is_refused_in_the_session_that_was_open(visitor: Visitor) -> None:
    deactivate(visitor)
    visitor.log_in()
    assert visitor.client.get(ME).status_code == 401
    assert refused_events()[-1].details["code"] == "inactive"


def test_login_does_not_activate_nor_give_roles(visitor: Visitor) -> None:
    account = deactivate(visitor)
    visitor.provider.be("uploader", groups=["administrators"])
    Visitor(visitor.provider).log_in()
    bearer(visitor.provider.token())
    account.refresh_from_db()
    assert (account.is_active, account.system_roles) == (False, [])


def test_bearer_is_refused(visitor: Visitor) -> None:
    token = visitor.provider.token()
    assert bearer(token).status_code == 200
    deactivate(visitor)
    assert bearer(token).status_code in {401, 403}
    (event,) = refused_events()
    assert (event.action, event.details["code"]) == ("user.login_failed", "inactive")


def test_api_token_is_refused(visitor: Visitor) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of(visitor.account)}")
    assert client.get(ME).status_code == 200
    deactivate(visitor)
    assert client.get(ME).status_code == 401
