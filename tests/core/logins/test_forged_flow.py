"""Lies about the flow itself: state, nonce, code, verifier, userinfo; each beside the honest flow it imitates."""

from typing import Any

import pytest

from cellenium_admin.core.models import User
from tests.support.forging_provider import Answer, ForgingProvider
from tests.support.visitors import Known, Visitor, refused_events

pytestmark = pytest.mark.django_db(transaction=True)


def ascii_start(value: Any) -> str:
    return ascii(value)[:20]


@pytest.fixture
def visitor(provider: ForgingProvider) -> Visitor:
    return Visitor(provider)


def assert_nothing_happened() -> None:
    assert not User.objects.exists()
    assert [event.outcome for event in refused_events()] == ["refused"]


def test_honest_flow_makes_the_account_and_binds_its_prefix(visitor: Visitor) -> None:
    assert visitor.log_in().was_let_in()
    account = visitor.account
    assert (account.oidc_issuer, account.oidc_subject) == (visitor.provider.issuer, "subject-of-uploader")
    assert (account.email, account.upload_prefix) == ("uploader@example.org", "input/uploader@example.org/")
    assert account.system_roles == []
    assert not refused_events()


def test_what_is_sent_to_the_provider(visitor: Visitor) -> None:
    wish, again = visitor.set_out(), visitor.set_out()
    assert {"openid", "email"} <= set(wish["scope"].split())
    assert wish["redirect_uri"] == "http://testserver/oidc/callback/"
    for name in ("state", "nonce", "code_challenge"):
        assert len(wish[name]) >= 32
        assert wish[name] != again[name]
    assert "code_verifier" not in wish


def test_state_of_nobody(visitor: Visitor) -> None:
    brought = visitor.provider.approve(visitor.set_out())
    visitor.come_back({**brought, "state": "x" * 32})
    assert visitor.was_refused()
    assert_nothing_happened()
    assert visitor.log_in().was_let_in()


def test_state_of_another_session(visitor: Visitor) -> None:
    """Login CSRF: a stranger would have the victim logged in as them."""
    stranger = Visitor(visitor.provider)
    brought = visitor.provider.approve(stranger.set_out())
    visitor.set_out()
    visitor.come_back(brought)
    assert visitor.was_refused()
    assert_nothing_happened()
    assert visitor.provider.asked("/token") == 0


def test_state_without_any_session(visitor: Visitor) -> None:
    brought = visitor.provider.approve(Visitor(visitor.provider).set_out())
    visitor.come_back(brought)
    assert visitor.was_refused()
    assert_nothing_happened()


def test_state_used_twice(visitor: Visitor) -> None:
    wish = visitor.set_out()
    visitor.provider.answers["/token"] = Answer.of({"error": "server_error"}, 500)
    visitor.come_back(visitor.provider.approve(wish))
    assert visitor.was_refused()
    del visitor.provider.answers["/token"]
    visitor.come_back(visitor.provider.approve(wish))
    assert visitor.was_refused()
    assert not User.objects.exists()
    assert refused_events()[-1].details["code"] == "unknown_state"


def test_state_is_missing(visitor: Visitor) -> None:
    brought = visitor.provider.approve(visitor.set_out())
    visitor.come_back({"code": brought["code"]})
    assert visitor.was_refused()
    assert not User.objects.exists()


def test_two_tabs_log_in_one_after_the_other(visitor: Visitor) -> None:
    first, second = visitor.set_out(), visitor.set_out()
    visitor.come_back(visitor.provider.approve(first))
    assert visitor.was_let_in()
    visitor.come_back(visitor.provider.approve(second))
    assert visitor.was_let_in()


@pytest.mark.parametrize(
    "change",
    [{"nonce": None}, {"nonce": "another"}, {"nonce": ""}, {"nonce": ["x"]}, {"nonce": True}, {"nonce": "\ud800"}],
    ids=["missing", "another", "empty", "list", "true", "surrogate"],
)
def test_nonce(visitor: Visitor, change: dict[str, Any]) -> None:
    def lie(claims: dict[str, Any]) -> str:
        changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
        return visitor.provider.token(changed)

    visitor.provider.make_id_token = lie
    assert visitor.log_in().was_refused()
    assert_nothing_happened()
    visitor.provider.make_id_token = visitor.provider.token
    assert visitor.log_in().was_let_in()


def test_nonce_replayed(visitor: Visitor) -> None:
    """An ID token stolen from one login is put into another."""
    kept: list[str] = []

    def keep(claims: dict[str, Any]) -> str:
        kept.append(visitor.provider.token(claims))
        return kept[0]

    visitor.provider.make_id_token = keep
    assert visitor.log_in().was_let_in()
    thief = Visitor(visitor.provider)
    assert thief.log_in().was_refused()
    assert len(kept) == 2
    assert len(refused_events()) == 1


def test_code_used_twice(visitor: Visitor) -> None:
    brought = visitor.provider.approve(visitor.set_out())
    visitor.come_back(brought)
    assert visitor.was_let_in()
    thief = Visitor(visitor.provider)
    thief.come_back({"code": brought["code"], "state": thief.set_out()["state"]})
    assert thief.was_refused()
    assert len(refused_events()) == 1


def test_code_of_another_has_the_wrong_verifier(visitor: Visitor) -> None:
    """Code injection: what PKCE is for."""
    code = visitor.provider.approve(visitor.set_out())["code"]
    thief = Visitor(visitor.provider)
    thief.come_back({"code": code, "state": thief.set_out()["state"]})
    assert thief.was_refused()
    assert_nothing_happened()
    assert len(visitor.provider.requests[-1][1]["code_verifier"]) >= 43


def test_code_is_only_shown_to_the_provider_with_a_verifier_and_no_query(visitor: Visitor) -> None:
    visitor.log_in()
    (sent,) = [parameters for path, parameters in visitor.provider.requests if path == "/token"]
    assert sent["grant_type"] == "authorization_code"
    assert 43 <= len(sent["code_verifier"]) <= 128


@pytest.mark.parametrize("error", ["access_denied", "server_error", "<script>alert(1)</script>", "x" * 5000, "\0"])
def test_provider_says_no(visitor: Visitor, error: str) -> None:
    state = visitor.set_out()["state"]
    visitor.come_back({"error": error, "error_description": "<b>no</b>", "state": state})
    assert visitor.was_refused()
    assert_nothing_happened()
    page = visitor.client.get(visitor.answer["Location"]) if visitor.answer.status_code == 302 else visitor.answer
    assert b"<script>alert" not in page.content
    assert b"<b>no" not in page.content
    visitor.come_back({**visitor.provider.approve({**visitor.set_out(), "state": state})})
    assert visitor.was_refused()


def test_an_error_that_a_stranger_sends_does_not_log_anybody_out(visitor: Visitor) -> None:
    visitor.log_in()
    visitor.come_back({"error": "access_denied", "state": "of nobody"})
    assert visitor.is_in


@pytest.mark.parametrize("brought", [{}, {"code": ""}, {"state": ""}, {"code": "x"}, {"code": "x", "state": ""}])
def test_empty_callback_is_refused(visitor: Visitor, brought: dict[str, str]) -> None:
    visitor.set_out()
    visitor.come_back(brought)
    assert visitor.was_refused()
    assert visitor.provider.asked("/token") == 0


@pytest.mark.parametrize("name", ["code", "state"])
@pytest.mark.parametrize("value", ["\0", "x" * 20_000, "\u20ac", "' or 1=1 --", "{}", "__class__"], ids=ascii_start)
def test_strange_code_and_state(visitor: Visitor, name: str, value: str) -> None:
    brought = visitor.provider.approve(visitor.set_out())
    visitor.come_back({**brought, name: value})
    assert visitor.was_refused()
    assert_nothing_happened()


def test_callback_takes_no_post(visitor: Visitor) -> None:
    brought = visitor.provider.approve(visitor.set_out())
    assert visitor.client.post("/oidc/callback/", brought).status_code == 405
    assert not visitor.is_in


def test_login_begins_at_no_other_host(visitor: Visitor) -> None:
    """Where the provider sends the code must not follow a header that anybody may write."""
    assert visitor.client.get("/oidc/authenticate/", headers={"Host": "example.org"}).status_code == 400
    answer = visitor.client.get("/oidc/authenticate/", headers={"X-Forwarded-Host": "example.org"})
    assert "example.org" not in answer["Location"]


def test_userinfo_that_is_signed_is_not_read_as_json(visitor: Visitor) -> None:
    token = visitor.provider.token()
    visitor.provider.answers["/userinfo"] = Answer(token.encode(), headers={"Content-Type": "application/jwt"})
    assert visitor.log_in().was_refused()
    assert not User.objects.exists()


def test_address_of_one_source_is_not_verified_by_the_other(visitor: Visitor) -> None:
    """The ID token's address is unverified; userinfo has verified another one."""
    visitor.provider.be("uploader", email="administrator@example.org", email_verified=None)
    visitor.provider.change_userinfo = lambda claims: {
        **claims,
        "email": "uploader@example.org",
        "email_verified": True,
    }
    assert visitor.log_in().was_refused()
    assert_nothing_happened()


def test_answer_of_another_issuer(visitor: Visitor) -> None:
    """Mix-up: the `iss` beside the code is another provider's (RFC 9207)."""
    visitor.come_back({**visitor.provider.approve(visitor.set_out()), "iss": "https://accounts.example.org"})
    assert visitor.was_refused()
    assert_nothing_happened()
    assert visitor.provider.asked("/token") == 0
    visitor.come_back({**visitor.provider.approve(visitor.set_out()), "iss": visitor.provider.issuer})
    assert visitor.was_let_in()


@pytest.mark.parametrize(
    "change",
    [{"sub": "subject-of-administrator"}, {"sub": None}, {"sub": ""}, {"sub": ["subject-of-uploader"]}],
    ids=["another", "missing", "empty", "list"],
)
def test_userinfo_is_about_somebody_else(visitor: Visitor, change: dict[str, Any]) -> None:
    visitor.provider.change_userinfo = lambda claims: {
        name: value for name, value in {**claims, **change}.items() if value is not None
    }
    assert visitor.log_in().was_refused()
    assert_nothing_happened()
    visitor.provider.change_userinfo = lambda claims: claims
    assert visitor.log_in().was_let_in()


@pytest.mark.parametrize(
    "said", ["", "another", 7, ["x"], "\ud800"], ids=["empty", "another", "number", "list", "half"]
)
def test_access_token_is_another(visitor: Visitor, said: Any) -> None:
    """The ID token says which access token it came with (`at_hash`, OpenID Connect Core 1.0, 3.1.3.6)."""
    visitor.provider.make_id_token = lambda claims: visitor.provider.token({**claims, "at_hash": said})
    assert visitor.log_in().was_refused()
    assert_nothing_happened()
    assert visitor.provider.asked("/userinfo") == 0
    visitor.provider.make_id_token = visitor.provider.token
    visitor.provider.tells_at_hash = True
    assert visitor.log_in().was_let_in()


@pytest.mark.parametrize(
    "access", ["\ud800", "x\r\nX-Evil: 1", "\0", "\u20ac", 7, ["x"], "x" * 100_000], ids=ascii_start
)
def test_access_token_is_strange(visitor: Visitor, access: Any) -> None:
    wish = visitor.set_out()
    id_token = visitor.provider.token(visitor.provider.claims(nonce=wish["nonce"], at_hash="x"))
    visitor.provider.answers["/token"] = Answer.of({"access_token": access, "id_token": id_token})
    visitor.come_back(visitor.provider.approve(wish))
    assert visitor.was_refused() or not isinstance(access, str)
    wish = visitor.set_out()
    id_token = visitor.provider.token(visitor.provider.claims(nonce=wish["nonce"]))
    visitor.provider.answers["/token"] = Answer.of({"access_token": access, "id_token": id_token})
    visitor.come_back(visitor.provider.approve(wish))
    assert visitor.was_refused() or not isinstance(access, str)


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"7", b"not json", b"", b'{"sub": ', b"\xff\xfe", b"<html></html>", b"[" * 100_000]
)
@pytest.mark.parametrize("path", ["/token", "/userinfo"])
def test_endpoint_answers_rubbish(visitor: Visitor, path: str, body: bytes) -> None:
    visitor.provider.answers[path] = Answer(body)
    known = Known.now()
    assert visitor.log_in().was_refused()
    assert Known.now() == known
    assert not User.objects.exists()
    del visitor.provider.answers[path]
    assert visitor.log_in().was_let_in()


@pytest.mark.parametrize("tokens", [{}, {"id_token": None}, {"id_token": ""}, {"id_token": 7}, {"id_token": ["x"]}])
def test_token_endpoint_gives_no_id_token(visitor: Visitor, tokens: dict[str, Any]) -> None:
    visitor.provider.answers["/token"] = Answer.of({"access_token": "x", "token_type": "Bearer", **tokens})
    assert visitor.log_in().was_refused()
    assert_nothing_happened()
