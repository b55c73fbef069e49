"""Every lie that can stand in a token, by both ways it gets in: refused and in the trail; its honest twin passes."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.models import User
from tests.core.logins.forgeries import FORGERIES, Forgery
from tests.support.forged_jws import ec_key, rsa_key
from tests.support.forging_provider import ForgingProvider, ForgingServer
from tests.support.providers import trust
from tests.support.visitors import ME, Known, Visitor, bearer, refused_events

pytestmark = pytest.mark.django_db(transaction=True)
cases = pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)


@pytest.fixture
def honest(forging_server: ForgingServer, provider: ForgingProvider, settings: Any) -> Any:
    """Trust a provider nobody has asked for keys yet: of one that has just been asked, new keys are not seen."""

    def change() -> ForgingProvider:
        fresh = forging_server.provider()
        trust(settings, fresh)
        return fresh

    return change


@cases
def test_code_flow(provider: ForgingProvider, forgery: Forgery, honest: Any) -> None:
    known = Known.now()
    provider.make_id_token = lambda claims: forgery.lie(provider, claims)
    assert Visitor(provider).log_in().was_refused()
    assert Known.now() == known
    (event,) = refused_events()
    assert event.details["code"]
    assert event.details["detail"]
    assert provider.asked("/thief") == 0
    other = honest()
    other.make_id_token = lambda claims: forgery.twin(other, claims)
    visitor = Visitor(other).log_in()
    assert visitor.was_let_in(), refused_events()[-1].details
    assert visitor.account.oidc_issuer == other.issuer


@cases
def test_bearer(provider: ForgingProvider, forgery: Forgery, honest: Any) -> None:
    known = Known.now()
    token = forgery.lie(provider, provider.claims())
    answer = bearer(token)
    assert answer.status_code == 401, answer.content
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert Known.now() == known
    (event,) = refused_events()
    assert event.details["code"]
    assert token not in f"{event.details} {answer.content!r}"
    assert provider.asked("/thief") == 0
    other = honest()
    answer = bearer(forgery.twin(other, other.claims()))
    assert answer.status_code == 200, answer.content
    assert answer.json()["email"] == "uploader@example.org"


def test_setting_cannot_let_other_algorithms_in(provider: ForgingProvider, settings: Any) -> None:
    settings.OIDC_ALGORITHMS = ["none", "HS256", "RS512", "RS256"]
    lies = [forgery for forgery in FORGERIES if forgery.name.startswith(("alg none", "HS256", "RS512"))]
    assert len(lies) == 6
    for forgery in lies:
        assert bearer(forgery.lie(provider, provider.claims())).status_code == 401
    assert bearer(provider.token()).status_code == 200


def test_missing_kid_is_excused_by_its_setting_alone(provider: ForgingProvider, settings: Any) -> None:
    """A token without `kid` is tried with each key; a wrong or a strange one is still refused."""
    settings.OIDC_REQUIRE_KID = False
    provider.keys = [rsa_key("other").jwk, ec_key("curve").jwk, provider.key.jwk]
    assert bearer(provider.token(kid=None)).status_code == 200
    assert bearer(provider.token(key=ec_key("curve"), kid=None)).status_code == 200
    assert bearer(provider.token(key=rsa_key("thief"), kid=None)).status_code == 401
    assert bearer(provider.token(kid="other")).status_code == 401
    assert bearer(provider.token(provider.claims(aud="another"), kid=None)).status_code == 401


def test_token_of_one_audience_of_several(provider: ForgingProvider, settings: Any) -> None:
    settings.OIDC_AUDIENCES = ["cellenium-api", "cellenium-lab"]
    assert bearer(provider.token(provider.claims(aud="cellenium-lab", azp="cellenium"))).status_code == 200
    assert bearer(provider.token(provider.claims(aud="cellenium"))).status_code == 401
    settings.OIDC_AUDIENCES = []
    assert bearer(provider.token(provider.claims(aud="cellenium"))).status_code == 200
    assert bearer(provider.token(provider.claims(aud="cellenium-lab"))).status_code == 401


def test_token_is_asked_for_the_right_way(provider: ForgingProvider) -> None:
    """Only `Authorization: Bearer` counts: not the query, not another scheme, not the body."""
    token = provider.token()
    client = APIClient(raise_request_exception=False)
    assert client.get(ME, {"access_token": token}).status_code in {401, 422, 400}
    for scheme in ("Token", "JWT", "Basic", "OAuth"):
        assert client.get(ME, headers={"Authorization": f"{scheme} {token}"}).status_code == 401
    assert client.get(ME, headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_bad_token_is_not_helped_by_a_session(provider: ForgingProvider) -> None:
    visitor = Visitor(provider).log_in()
    bad = provider.token(provider.claims(aud="another"))
    assert visitor.client.get(ME, headers={"Authorization": f"Bearer {bad}"}).status_code == 401


@pytest.mark.parametrize("nonce", ["x", "", 7, False])
def test_answer_of_a_login_is_no_token_of_the_api(provider: ForgingProvider, nonce: Any) -> None:
    """ID tokens lie in browsers and stand in addresses of logouts: whoever finds one gets in nowhere."""
    assert bearer(provider.token(provider.claims(nonce=nonce))).status_code == 401
    assert not User.objects.exists()
    assert len(refused_events()) == 1
    assert bearer(provider.token()).status_code == 200
