"""The header an AWS load balancer signs: believed from the configured balancers only, and from nobody by its name.

Source: docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html, "User claims
encoding and signature verification": ES256, key by Region and `kid`, `signer` must be the expected ARN, parts padded.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from cellenium_admin.core.services import users
from tests.support import forged_jws
from tests.support.forged_jws import Key, ec_key, hmac_signer, jws, rsa_key
from tests.support.forging_provider import CLIENT, Answer, ForgingProvider
from tests.support.visitors import ME, Known, Visitor, refused_events

pytestmark = pytest.mark.django_db(transaction=True)
REGION, ACCOUNT = "eu-central-1", "123456789012"
KID = "0f6bfa5b-3a3b-4b7e-9d2c-6a54f4a2f001"
Change = dict[str, Any]


def balancer(region: str = REGION, account: str = ACCOUNT, name: str = "cellenium") -> str:
    return f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/50dc6c495c0c9188"


@pytest.fixture
def behind(provider: ForgingProvider, settings: Any) -> ForgingProvider:
    """The product behind a load balancer whose public key lies at the provider's own server."""
    settings.LOAD_BALANCER_SIGNERS = [balancer()]
    settings.LOAD_BALANCER_KEYS_URL = f"{provider.issuer}/lb-keys"
    provider.lb_keys[KID] = ec_key("balancer").pem
    return provider


def data(
    provider: ForgingProvider,
    *,
    header: Change | None = None,
    claims: Change | None = None,
    key: Key | None = None,
    signer: forged_jws.Signer | None = None,
    padded: bool = True,
) -> str:
    """Write the header as a load balancer does, with changes; None leaves a member out."""
    made = {
        "typ": "JWT",
        "kid": KID,
        "alg": "ES256",
        "iss": provider.issuer,
        "client": CLIENT,
        "signer": balancer(),
        "exp": int(time.time()) + 120,
        **(header or {}),
    }
    told = {**provider.user, "exp": int(time.time()) + 120, "iss": provider.issuer, **(claims or {})}
    shown = [{name: value for name, value in part.items() if value is not None} for part in (made, told)]
    return jws(shown[0], shown[1], signer or (key or ec_key("balancer")).signer(), padded=padded)


def ask(header: str, **more: str) -> Any:
    return APIClient(raise_request_exception=False).get(ME, headers={"x-amzn-oidc-data": header, **more})


LIES: dict[str, Callable[[ForgingProvider], str]] = {
    "unsigned": lambda p: data(p, signer=forged_jws.unsigned),
    "alg none": lambda p: data(p, header={"alg": "none"}, signer=forged_jws.unsigned),
    "signature of zeros": lambda p: data(p, signer=forged_jws.zeros(64)),
    "signed by a stranger": lambda p: data(p, key=ec_key("stranger")),
    "RS256": lambda p: data(p, header={"alg": "RS256"}, key=rsa_key("signing")),
    "RS256 by the provider itself": lambda p: data(p, header={"alg": "RS256", "kid": p.key.kid}, key=p.key),
    "HS256 with the public key": lambda p: data(p, header={"alg": "HS256"}, signer=hmac_signer(p.lb_keys[KID])),
    "unknown kid": lambda p: data(p, header={"kid": "11111111-3a3b-4b7e-9d2c-6a54f4a2f001"}),
    "no kid": lambda p: data(p, header={"kid": None}),
    "kid is a path": lambda p: data(p, header={"kid": f"../lb-keys/{KID}"}),
    "kid with a query": lambda p: data(p, header={"kid": f"{KID}?x=1"}),
    "kid is a list": lambda p: data(p, header={"kid": [KID]}),
    "kid is an address": lambda p: data(p, header={"kid": f"@{p.issuer}/lb-keys/{KID}"}),
    "no signer": lambda p: data(p, header={"signer": None}),
    "signer is a list": lambda p: data(p, header={"signer": [balancer()]}),
    "signer of another account": lambda p: data(p, header={"signer": balancer(account="210987654321")}),
    "signer of another Region": lambda p: data(p, header={"signer": balancer(region="us-east-1")}),
    "signer of another name": lambda p: data(p, header={"signer": balancer(name="cellenium2")}),
    "signer in the claims only": lambda p: data(p, header={"signer": None}, claims={"signer": balancer()}),
    "expired header": lambda p: data(p, header={"exp": int(time.time()) - 60}),
    "no exp in the header": lambda p: data(p, header={"exp": None}),
    "exp of the header is text": lambda p: data(p, header={"exp": "tomorrow"}),
    "exp of the header is endless": lambda p: data(p, header={"exp": float("inf")}),
    "expired claims": lambda p: data(p, claims={"exp": int(time.time()) - 60}),
    "iss of another provider": lambda p: data(p, header={"iss": "https://accounts.example.org"}),
    "no iss": lambda p: data(p, header={"iss": None}, claims={"iss": None}),
    "iss of the claims of another provider": lambda p: data(p, claims={"iss": "https://accounts.example.org"}),
    "client of another": lambda p: data(p, header={"client": "another"}),
    "no client": lambda p: data(p, header={"client": None}),
    "no sub": lambda p: data(p, claims={"sub": None}),
    "sub with a NUL": lambda p: data(p, claims={"sub": "x\0"}),
    "no e-mail": lambda p: data(p, claims={"email": None}),
    "unverified e-mail": lambda p: data(p, claims={"email_verified": False}),
    "e-mail verified in words": lambda p: data(p, claims={"email_verified": "no"}),
    "crit nobody knows": lambda p: data(p, header={"crit": ["x"], "x": 1}),
    "two parts": lambda p: data(p).rpartition(".")[0],
    "rubbish": lambda p: "rubbish",
    "a list for claims": lambda p: jws(
        {"alg": "ES256", "kid": KID, "signer": balancer()}, [], ec_key("balancer").signer()
    ),
    "a token of the provider": lambda p: p.token(),
}


def test_header_of_the_balancer_logs_in(behind: ForgingProvider) -> None:
    answer = ask(data(behind))
    assert answer.status_code == 200, answer.content
    account = User.objects.get()
    assert (account.oidc_issuer, account.oidc_subject) == (behind.issuer, "subject-of-uploader")
    assert account.upload_prefix == "input/uploader@example.org/"
    assert ask(data(behind, padded=False)).status_code == 200
    assert User.objects.count() == 1


def test_header_as_aws_documents_it(behind: ForgingProvider) -> None:
    """Its expiry and issuer stand in the header; the claims are what the provider's userinfo says, and no more."""
    assert ask(data(behind, claims={"exp": None, "iss": None})).status_code == 200
    assert ask(data(behind, claims={"email_verified": "true"})).status_code == 200  # as Cognito writes it


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_lies(behind: ForgingProvider, lie: Callable[[ForgingProvider], str]) -> None:
    known = Known.now()
    answer = ask(lie(behind))
    assert answer.status_code in {401, 403}, answer.content
    assert Known.now() == known
    (event,) = refused_events()
    assert event.details["method"] == "load_balancer"
    assert event.details["code"]
    assert all(path == f"/lb-keys/{KID}" or path.startswith("/lb-keys/11") for path, _ in behind.requests)
    assert ask(data(behind)).status_code == 200


def test_header_is_nothing_while_the_feature_is_off(behind: ForgingProvider, settings: Any) -> None:
    settings.LOAD_BALANCER_SIGNERS = []
    known = Known.now()
    assert ask(data(behind)).status_code == 401
    assert Known.now() == known
    assert not behind.requests
    assert not refused_events()
    visitor = Visitor(behind).log_in()
    assert visitor.client.get(ME, headers={"x-amzn-oidc-data": "rubbish"}).json()["email"] == "uploader@example.org"
    settings.LOAD_BALANCER_SIGNERS = [balancer()]
    assert ask(data(behind)).status_code == 200


@pytest.mark.parametrize(
    "claim",
    [
        {"x-amzn-oidc-identity": "subject-of-uploader"},
        {"x-amzn-oidc-accesstoken": "x"},
        {"Remote-User": "uploader@example.org"},
        {"X-Forwarded-User": "uploader@example.org"},
        {"X-Forwarded-Email": "uploader@example.org"},
        {"X-Remote-User": "uploader@example.org"},
        {"X-Auth-Request-Email": "uploader@example.org"},
        {"Cookie": "cellenium_session=uploader@example.org"},
    ],
    ids=lambda claim: next(iter(claim)),
)
def test_header_that_merely_claims_is_nothing(behind: ForgingProvider, claim: dict[str, str]) -> None:
    Visitor(behind).log_in()
    known = Known.now()
    client = APIClient(raise_request_exception=False)
    assert client.get(ME, headers=claim).status_code == 401
    assert client.get("/admin/", headers=claim).status_code == 302
    assert Known.now() == known


def test_remote_user_of_the_server_is_nothing(behind: ForgingProvider) -> None:
    """A gateway's variable of that name, which Django's RemoteUserMiddleware would believe."""
    Visitor(behind).log_in()
    account = User.objects.get()
    answer = APIClient(raise_request_exception=False, REMOTE_USER=account.username).get(ME)
    assert answer.status_code == 401


def test_identity_header_beside_a_good_one_is_not_read(behind: ForgingProvider) -> None:
    answer = ask(data(behind), **{"x-amzn-oidc-identity": "subject-of-administrator"})
    assert answer.json()["email"] == "uploader@example.org"


def test_header_does_not_help_a_bad_token(behind: ForgingProvider) -> None:
    bad = behind.token(behind.claims(aud="another"))
    assert ask(data(behind), Authorization=f"Bearer {bad}").status_code == 401


def test_header_of_one_is_not_the_session_of_another(behind: ForgingProvider) -> None:
    """Whoever the balancer vouches for now is who asks, not whose cookie is still in the browser."""
    visitor = Visitor(behind).log_in()
    header = data(behind, claims={"sub": "subject-of-neighbour", "email": "neighbour@example.org"})
    answer = visitor.client.get(ME, headers={"x-amzn-oidc-data": header})
    assert answer.status_code in {200, 401, 403}
    if answer.status_code == 200:
        assert answer.json()["email"] == "neighbour@example.org"


def test_post_by_header_needs_no_less_than_by_session(behind: ForgingProvider) -> None:
    """The browser adds what makes the balancer add the header: a foreign page must not post in one's name."""
    client = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    body = {"name": "x", "scopes": ["read"], "days": 1}
    answer = client.post("/api/v1/tokens", body, headers={"x-amzn-oidc-data": data(behind)})
    assert answer.status_code == 403, answer.content
    assert b"CSRF" in answer.content
    client.get("/my/", headers={"x-amzn-oidc-data": data(behind)})
    token = client.cookies["cellenium_csrf"].value
    again = client.post("/api/v1/tokens", body, headers={"x-amzn-oidc-data": data(behind), "X-CSRFToken": token})
    assert again.status_code == 201, again.content


def test_deactivated_person_is_refused(behind: ForgingProvider) -> None:
    header = data(behind)
    assert ask(header).status_code == 200
    users.deactivate(user=User.objects.get(), actor=Actor.system("test"), reason="left")
    assert ask(header).status_code in {401, 403}
    assert ask(data(behind)).status_code in {401, 403}
    assert refused_events()[0].details["code"] == "inactive"
    assert refused_events()[0].details["method"] == "load_balancer"


def test_pages_tell_of_the_refusal(behind: ForgingProvider) -> None:
    client = APIClient(raise_request_exception=False)
    answer = client.get("/my/", headers={"x-amzn-oidc-data": data(behind, key=ec_key("stranger"))})
    assert answer.status_code == 403
    assert b"wrong_signature" in answer.content
    assert client.get("/my/", headers={"x-amzn-oidc-data": data(behind)}).status_code == 200


def test_key_server_is_asked_once(behind: ForgingProvider) -> None:
    for _ in range(3):
        assert ask(data(behind)).status_code == 200
    assert behind.asked(f"/lb-keys/{KID}") == 1


@pytest.mark.parametrize("rubbish", [b"", b"no key", rsa_key("signing").pem, ec_key("wide", "P-384").pem])
def test_key_server_gives_rubbish(behind: ForgingProvider, rubbish: bytes) -> None:
    behind.answers[f"/lb-keys/{KID}"] = Answer(rubbish)
    assert ask(data(behind)).status_code in {401, 403, 503}
    assert not User.objects.exists()


def test_key_server_is_away(behind: ForgingProvider) -> None:
    behind.answers[f"/lb-keys/{KID}"] = Answer(status=500)
    assert ask(data(behind)).status_code in {401, 403, 503}
    del behind.answers[f"/lb-keys/{KID}"]
    assert not User.objects.exists()
