"""Sessions: where a login leads, that keys change, how long one lasts, how it ends, and who may post."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from cellenium_admin.core.models import ApiToken, AuditEvent, User
from tests.builders.people import token_of
from tests.support.forging_provider import SECRET, Answer, ForgingProvider
from tests.support.visitors import ME, Visitor, bearer

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = {"name": "laptop", "scopes": ["read"], "days": 1}
ELSEWHERE = [
    "https://example.org/",
    "//example.org/",
    "///example.org",
    "http:example.org",
    "https:///example.org",
    "\\\\example.org",
    "/\\example.org",
    "/\t/example.org",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://testserver@example.org/",
    "https://testserver.example.org/",
    " https://example.org",
    "\x01https://example.org",
]


@pytest.fixture
def visitor(provider: ForgingProvider) -> Visitor:
    return Visitor(provider)


@pytest.mark.parametrize("where", ["/api/v1/docs", "/api/v1/me?x=1", "/my/?tab=keys"])
def test_next(visitor: Visitor, where: str) -> None:
    assert visitor.log_in(next=where).was_let_in()
    assert visitor.answer["Location"] == where


@pytest.mark.parametrize("where", ELSEWHERE, ids=ascii)
def test_next_leads_nowhere_else(visitor: Visitor, where: str) -> None:
    assert visitor.log_in(next=where).was_let_in()
    assert visitor.answer["Location"] == "/my/"
    page = Client().get("/login/", {"next": where})
    assert page.status_code == 200
    hidden = page.context_data["next"]
    assert hidden == ""


@pytest.mark.parametrize("where", ELSEWHERE, ids=ascii)
def test_pages_lead_nowhere_else_once_logged_in(visitor: Visitor, where: str) -> None:
    visitor.log_in()
    assert visitor.client.get("/login/", {"next": where})["Location"] == "/my/"
    assert "example.org/" not in visitor.client.post(f"/logout/?{urlencode({'next': where})}")["Location"]


def test_first_page_is_the_admin_for_staff_and_ones_own_for_others(provider: ForgingProvider) -> None:
    assert Visitor(provider).log_in().answer["Location"] == "/my/"
    assert Visitor(provider.be("curator", groups=["curators"])).log_in().answer["Location"] == "/admin/"


def test_session_key_changes_at_login(visitor: Visitor) -> None:
    """Fixation: whoever planted the key does not have the session afterwards."""
    brought = visitor.provider.approve(visitor.set_out())
    planted = visitor.client.session.session_key
    assert planted
    visitor.come_back(brought)
    assert visitor.was_let_in()
    assert visitor.client.session.session_key != planted
    thief = Client()
    thief.cookies["cellenium_session"] = planted
    assert thief.get(ME).status_code == 401


def test_session_of_another_person_is_not_carried_on(visitor: Visitor) -> None:
    visitor.log_in()
    session = visitor.client.session
    session["of the first"] = 1
    session.save()
    visitor.provider.be("neighbour")
    assert visitor.log_in().was_let_in()
    assert visitor.account.email == "neighbour@example.org"
    assert "of the first" not in visitor.client.session


def test_cookie_is_kept_from_scripts_and_foreign_pages(visitor: Visitor) -> None:
    visitor.log_in()
    cookie = visitor.client.cookies["cellenium_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_no_token_of_the_provider_is_in_the_session_or_the_page(visitor: Visitor) -> None:
    made: list[str] = []
    honest = visitor.provider.token
    visitor.provider.make_id_token = lambda claims: made.append(honest(claims)) or made[-1]
    visitor.log_in()
    assert made
    assert made[0] not in str(dict(visitor.client.session))
    assert made[0] not in visitor.client.get("/my/").content.decode()
    assert made[0] not in str(list(AuditEvent.objects.values_list("details", "after")))


def test_login_is_in_the_trail(visitor: Visitor) -> None:
    visitor.log_in()
    event = AuditEvent.objects.get(action="user.logged_in")
    assert event.object_id == str(visitor.account.pk)
    assert event.details["method"] == "oidc"
    assert event.details["issuer"] == visitor.provider.issuer
    assert event.details["subject"] == "subject-of-uploader"


def test_logout_ends_the_session_here_and_at_the_provider(visitor: Visitor) -> None:
    visitor.log_in()
    assert visitor.client.get("/logout/").status_code == 405
    assert visitor.is_in
    key = visitor.client.session.session_key
    answer = visitor.client.post("/logout/")
    address = urlsplit(answer["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{visitor.provider.issuer}/logout"
    asked = parse_qs(address.query)
    assert asked["client_id"] == ["cellenium"]
    assert urlsplit(asked["post_logout_redirect_uri"][0]).netloc == "testserver"
    assert not visitor.is_in
    thief = Client()
    thief.cookies["cellenium_session"] = key
    assert thief.get(ME).status_code == 401
    assert AuditEvent.objects.filter(action="user.logged_out").count() == 1


def test_logout_of_a_local_account_stays_here(provider: ForgingProvider) -> None:
    user = User(username="administrator@example.org", email="administrator@example.org")
    user.set_password("correct horse battery")
    user.save()
    client = Client()
    answer = client.post("/login/", {"username": user.username, "password": "correct horse battery"})
    assert answer.status_code == 302
    assert client.get(ME).status_code == 200
    assert client.post("/logout/")["Location"].startswith("/")
    assert client.get(ME).status_code == 401


def test_password_form_is_closed_by_its_setting(provider: ForgingProvider, settings: Any) -> None:
    user = User(username="administrator@example.org", system_roles=["administrator"])
    user.set_password("correct horse battery")
    user.save()
    form = {"username": user.username, "password": "correct horse battery"}
    for path in ("/login/", "/admin/login/"):
        settings.PASSWORD_LOGIN = False
        client = Client()
        client.post(path, form)
        assert client.get(ME).status_code == 401, path
        settings.PASSWORD_LOGIN = True
        client.post("/login/", form)
        assert client.get(ME).status_code == 200


def test_account_of_the_provider_has_no_password(visitor: Visitor) -> None:
    visitor.log_in()
    for password in ("", "!", visitor.account.password):
        client = Client()
        client.post("/login/", {"username": visitor.account.username, "password": password})
        assert client.get(ME).status_code == 401


def test_session_asks_the_provider_again_after_a_while(visitor: Visitor, settings: Any) -> None:
    settings.OIDC_REFRESH_SECONDS = 900
    visitor.log_in()
    assert visitor.client.get("/my/").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=800)):
        assert visitor.client.get("/my/").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=1000)):
        answer = visitor.client.get("/my/?tab=keys")
        assert answer.status_code == 302
        answer = visitor.client.get(answer["Location"]) if answer["Location"].startswith("/") else answer
        wish = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
        visitor.come_back(visitor.provider.approve(wish))
        assert visitor.was_let_in()
        assert visitor.answer["Location"] == "/my/?tab=keys"
        assert visitor.client.get("/my/").status_code == 200


def test_session_that_was_not_refreshed_opens_no_api(visitor: Visitor, settings: Any) -> None:
    """A program in a page is not redirected: it is told that the session has ended."""
    visitor.log_in()
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.OIDC_REFRESH_SECONDS + 60)):
        answer = visitor.client.get(ME)
        assert answer.status_code in {401, 403}
        assert visitor.client.post("/api/v1/tokens", TOKEN, "application/json").status_code in {401, 403}
    assert not ApiToken.objects.exists()


def test_refresh_that_is_refused_ends_the_session(visitor: Visitor, settings: Any) -> None:
    visitor.log_in()
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.OIDC_REFRESH_SECONDS + 60)):
        state = visitor.set_out()["state"]
        visitor.come_back({"error": "login_required", "state": state})
        assert not visitor.is_in


def test_refresh_takes_roles_away(visitor: Visitor, settings: Any) -> None:
    visitor.provider.be("administrator", groups=["administrators"])
    assert visitor.log_in().client.get("/admin/").status_code == 200
    visitor.provider.be("administrator", groups=[])
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.OIDC_REFRESH_SECONDS + 60)):
        visitor.log_in()
        assert visitor.is_in
        assert visitor.client.get("/admin/").status_code == 302


def test_local_session_is_not_sent_to_the_provider(provider: ForgingProvider, settings: Any) -> None:
    user = User(username="administrator@example.org", system_roles=["administrator"])
    user.set_password("correct horse battery")
    user.save()
    client = Client()
    client.post("/login/", {"username": user.username, "password": "correct horse battery"})
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.OIDC_REFRESH_SECONDS + 60)):
        assert client.get("/admin/").status_code == 200


def test_posting_by_session_needs_the_token_of_the_page(provider: ForgingProvider) -> None:
    visitor = Visitor(provider, Client(enforce_csrf_checks=True, raise_request_exception=False)).log_in()
    assert visitor.is_in
    client = visitor.client
    assert client.post("/api/v1/tokens", TOKEN, "application/json").status_code == 403
    forged = {"X-CSRFToken": "x" * 32, "Origin": "https://example.org"}
    assert client.post("/api/v1/tokens", TOKEN, "application/json", headers=forged).status_code == 403
    assert client.post("/logout/").status_code == 403
    assert visitor.is_in
    assert not ApiToken.objects.exists()
    client.get("/my/")
    token = client.cookies["cellenium_csrf"].value
    answer = client.post("/api/v1/tokens", TOKEN, "application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["token"].startswith("cea_")


def test_only_a_session_makes_tokens(visitor: Visitor) -> None:
    """A token, of ours or of the provider, makes no tokens: whoever steals one does not keep it alive."""
    visitor.log_in()
    for token in (visitor.provider.token(), token_of(visitor.account)):
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert client.get(ME).status_code == 200
        assert client.post("/api/v1/tokens", TOKEN).status_code == 403
    assert ApiToken.objects.count() == 1


def test_nothing_secret_is_logged(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    brought = visitor.provider.approve(visitor.set_out())
    made: list[str] = []
    honest = visitor.provider.token
    visitor.provider.make_id_token = lambda claims: made.append(honest(claims)) or made[-1]
    visitor.come_back(brought)
    assert visitor.was_let_in()
    bearer(made[0])
    visitor.provider.answers["/token"] = Answer.of({"error": "invalid_grant"}, 400)
    visitor.log_in()
    verifiers = [parameters["code_verifier"] for path, parameters in visitor.provider.requests if path == "/token"]
    for secret in (*verifiers, SECRET, made[0]):
        assert secret not in caplog.text


def test_logging_in_by_password_needs_the_token_of_the_page(provider: ForgingProvider) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/login/", {"username": "x", "password": "y"}).status_code == 403


@pytest.mark.parametrize("path", ["/login/", "/login/refused/", "/oidc/authenticate/", "/oidc/callback/"])
def test_pages_are_kept_by_no_cache_and_framed_by_nobody(provider: ForgingProvider, path: str) -> None:
    answer = Client().get(path)
    assert "no-store" in answer["Cache-Control"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"
