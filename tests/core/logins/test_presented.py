"""Tokens that come with each request: the newest word of the provider counts, and refusals do not fill the trail."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.oidc import strangers, views
from cellenium_admin.core.tasks import sweep_sessions
from tests.support.forging_provider import ForgingProvider
from tests.support.visitors import ME, Visitor, bearer, refused_events

pytestmark = pytest.mark.django_db(transaction=True)


def roles() -> list[str]:
    return User.objects.get(email="uploader@example.org").system_roles


def issued(provider: ForgingProvider, seconds_ago: int, **claims: Any) -> str:
    return provider.token(provider.claims(iat=int(time.time()) - seconds_ago, **claims))


def test_clock_of_the_provider_ahead_of_ours_hides_no_login(provider: ForgingProvider) -> None:
    assert bearer(issued(provider, -20, groups=["administrators"])).status_code == 200
    Visitor(provider.be("uploader", groups=[])).log_in()
    assert roles() == []


def test_older_token_brings_no_role_back(provider: ForgingProvider) -> None:
    """Whoever was an administrator an hour ago and is none any more still has the token of then."""
    old = issued(provider, 200, groups=["administrators"])
    assert bearer(old).status_code == 200
    assert roles() == ["administrator"]
    assert bearer(issued(provider, 100, groups=[])).status_code == 200
    assert roles() == []
    assert bearer(issued(provider, 150, groups=["administrators"])).status_code == 200
    assert roles() == []
    assert bearer(issued(provider, 50, groups=["curators"])).status_code == 200
    assert roles() == ["curator"]


def test_login_in_a_browser_is_newer_than_a_token_of_before(provider: ForgingProvider) -> None:
    old = issued(provider, 100, groups=["administrators"])
    Visitor(provider).log_in()
    assert bearer(old).json()["roles"] == ["member"]
    assert roles() == []


def test_refresh_of_a_session_is_newer_than_a_token_of_before(provider: ForgingProvider) -> None:
    visitor = Visitor(provider).log_in()
    User.objects.update(last_login=None)
    visitor.log_in()
    assert bearer(issued(provider, 100, groups=["administrators"])).status_code == 200
    assert roles() == []


@pytest.mark.parametrize("iat", [0, -5, -(10**12), 1.5])
def test_strange_moment_of_issue(provider: ForgingProvider, iat: Any) -> None:
    assert bearer(provider.token(provider.claims(iat=iat))).status_code == 200


def test_id_token_of_a_browser_login_opens_no_api(provider: ForgingProvider) -> None:
    """It stands in an address when somebody logs out, and the browser keeps addresses."""
    made: list[str] = []
    honest = provider.token
    provider.make_id_token = lambda claims: made.append(honest(claims)) or made[-1]
    visitor = Visitor(provider).log_in()
    assert visitor.is_in
    assert made[0] in visitor.client.post("/logout/")["Location"]
    assert bearer(made[0]).status_code == 401
    assert refused_events()[-1].details["code"] == "login_token"
    of_old_keycloak = provider.token(provider.claims(nonce="n", typ="Bearer"))
    assert bearer(of_old_keycloak).status_code == 200


def test_the_same_refusal_is_one_event_a_minute(provider: ForgingProvider) -> None:
    for _ in range(5):
        assert bearer("eyJ.no.token").status_code == 401
    assert len(refused_events()) == 1
    assert bearer(provider.token(provider.claims(aud="another"))).status_code == 401
    assert [event.details["code"] for event in refused_events()] == ["malformed_token", "wrong_audience"]


def test_strangers_at_the_callback_do_not_fill_the_trail(provider: ForgingProvider) -> None:
    for number in range(strangers.MOST_ALIKE["oidc"] + 5):
        assert Client().get("/oidc/callback/", {"code": "x", "state": str(number)}).status_code == 302
    assert len(refused_events()) == strangers.MOST_ALIKE["oidc"]


def test_all_strangers_together_have_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers.forget()
    taken = [
        strangers.is_noteworthy(source=f"2001:db8::{number:x}", method="bearer", code="malformed_token")
        for number in range(strangers.MOST_TOGETHER + 100)
    ]
    assert sum(taken) == strangers.MOST_TOGETHER
    monkeypatch.setattr(strangers, "SECONDS", 0.0)
    assert strangers.is_noteworthy(source="2001:db8::1", method="bearer", code="malformed_token")


def test_many_requests_with_one_token_write_nothing(
    provider: ForgingProvider, django_assert_max_num_queries: Any
) -> None:
    token = provider.token()
    assert bearer(token).status_code == 200
    events = AuditEvent.objects.count()
    with django_assert_max_num_queries(2):
        assert bearer(token).status_code == 200
    assert AuditEvent.objects.count() == events


def test_member_who_asks_for_the_admin_lands_on_their_own_page(provider: ForgingProvider) -> None:
    """The admin sends whoever it is closed to on to the login, which sends whoever is logged in on to the admin."""
    visitor = Visitor(provider).log_in()
    answer = visitor.client.get("/admin/", follow=True)
    assert [status for _, status in answer.redirect_chain] == [302] * len(answer.redirect_chain)
    assert answer.redirect_chain[-1][0] == "/my/"
    assert visitor.client.get(ME).status_code == 200


def test_logout_takes_the_cookies_of_a_load_balancer(provider: ForgingProvider) -> None:
    visitor = Visitor(provider).log_in()
    visitor.client.cookies["AWSELBAuthSessionCookie-0"] = "x"
    answer = visitor.client.post("/logout/")
    assert answer.cookies["AWSELBAuthSessionCookie-0"]["max-age"] == 0


def test_the_same_person_refused_again_and_again_is_one_event_a_minute(provider: ForgingProvider) -> None:
    Visitor(provider).log_in()
    User.objects.update(is_active=False)
    tokens = [provider.token(provider.claims(jti=str(number))) for number in range(4)]
    assert [bearer(token).status_code for token in tokens] == [401] * 4
    assert [event.details["code"] for event in refused_events()] == ["inactive"]
    provider.be("stranger", email="uploader@example.org")
    assert [bearer(provider.token()).status_code for _ in range(3)] == [401] * 3
    assert [event.action for event in refused_events()[1:]] == ["user.prefix_refused", "user.login_failed"]


def test_passwords_for_nobody_do_not_fill_the_trail(provider: ForgingProvider) -> None:
    most = strangers.MOST_ALIKE["password"]
    for number in range(most + 3):
        Client().post("/login/", {"username": f"nobody-{number}", "password": "x"})
    (kind,) = {event.details["code"] for event in refused_events()}
    assert (kind, len(refused_events())) == ("unknown_account", most)


def test_logout_at_cognito_is_asked_for_in_its_words(
    provider: ForgingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(provider).log_in()
    monkeypatch.setattr(views, "COGNITO", provider.issuer[:12])
    asked = parse_qs(urlsplit(visitor.client.post("/logout/")["Location"]).query)
    assert asked == {"client_id": ["cellenium"], "logout_uri": ["http://testserver/login/"]}


def test_session_of_somebody_who_only_began_ends_soon_and_of_who_came_in_does_not(provider: ForgingProvider) -> None:
    stranger = Visitor(provider)
    stranger.set_out()
    assert stranger.client.session.get_expiry_age() == views.LOGIN_SECONDS
    came_in = Visitor(provider).log_in()
    assert came_in.client.session.get_expiry_age() > views.LOGIN_SECONDS
    with time_machine.travel(timezone.now() + timedelta(seconds=views.LOGIN_SECONDS + 1)):
        sweep_sessions()
    assert list(Session.objects.values_list("pk", flat=True)) == [came_in.client.session.session_key]


def test_password_login_after_a_begun_one_has_its_whole_time(provider: ForgingProvider) -> None:
    user = User(username="administrator@example.org")
    user.set_password("correct horse battery")
    user.save()
    visitor = Visitor(provider)
    visitor.set_out()
    visitor.client.post("/login/", {"username": user.username, "password": "correct horse battery"})
    assert visitor.is_in
    assert visitor.client.session.get_expiry_age() > views.LOGIN_SECONDS
