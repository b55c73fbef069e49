"""Binding an account to another person of the provider: they come in, whoever had it has nothing of it any more."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from cellenium_admin.core.models import ApiToken, AuditEvent, User
from tests.builders.people import token_of
from tests.support.forging_provider import ForgingProvider
from tests.support.visitors import ME, Visitor

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery"


def link(username: str, subject: str, *more: str) -> None:
    out = io.StringIO()
    call_command("users", "link", username, "--subject", subject, "--reason", "asked by mail", *more, stdout=out)


def refused_newcomer(provider: ForgingProvider) -> Visitor:
    provider.be("stranger", email="uploader@example.org")
    newcomer = Visitor(provider).log_in()
    assert newcomer.was_refused()
    return newcomer


def test_the_same_person_under_a_new_subject_gets_the_account(provider: ForgingProvider) -> None:
    before = Visitor(provider).log_in().account
    newcomer = refused_newcomer(provider)
    link("uploader@example.org", "subject-of-stranger", "--issuer", provider.issuer)
    assert newcomer.log_in().was_let_in()
    assert newcomer.account.pk == before.pk
    assert newcomer.account.upload_prefix == "input/uploader@example.org/"
    event = AuditEvent.objects.get(action="user.identity_linked")
    assert event.before == {"oidc_issuer": provider.issuer, "oidc_subject": "subject-of-uploader"}
    assert event.after == {"oidc_issuer": provider.issuer, "oidc_subject": "subject-of-stranger"}
    assert event.reason == "asked by mail"


def test_whoever_had_the_account_has_nothing_of_it(provider: ForgingProvider) -> None:
    former = Visitor(provider).log_in()
    of_provider, of_ours = provider.token(), token_of(former.account)
    clients = [APIClient(), APIClient()]
    for client, token in zip(clients, (of_provider, of_ours), strict=True):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert client.get(ME).status_code == 200
    link("uploader@example.org", "subject-of-stranger", "--issuer", provider.issuer)
    assert former.client.get(ME).status_code == 401
    assert [client.get(ME).status_code for client in clients] == [401, 401]
    assert ApiToken.objects.get().revoked_at is not None
    assert AuditEvent.objects.get(action="api_token.revoked").reason == "asked by mail"


def test_a_password_goes_too(provider: ForgingProvider) -> None:
    user = User(username="uploader@example.org", email="uploader@example.org")
    user.set_password(PASSWORD)
    user.save()
    local = Client()
    local.post("/login/", {"username": user.username, "password": PASSWORD})
    assert local.get(ME).status_code == 200
    link("uploader@example.org", "subject-of-uploader", "--issuer", provider.issuer)
    assert local.get(ME).status_code == 401
    assert Client().post("/login/", {"username": user.username, "password": PASSWORD}).status_code == 200
    assert Visitor(provider).log_in().account.pk == user.pk


def test_linking_again_to_the_same_changes_nothing(provider: ForgingProvider) -> None:
    visitor = Visitor(provider).log_in()
    link("uploader@example.org", "subject-of-uploader", "--issuer", provider.issuer)
    assert visitor.is_in
    assert not AuditEvent.objects.filter(action="user.identity_linked").exists()


@pytest.mark.parametrize(
    ("username", "subject", "issuer", "said"),
    [
        ("uploader@example.org", "subject-of-neighbour", "", "bound to"),
        ("importer", "someone", "", "service account"),
        ("uploader@example.org", "s" * 256, "", "subject"),
        ("uploader@example.org", "with\0nul", "", "subject"),
        ("uploader@example.org", "someone", "i" * 256, "issuer"),
        ("stranger@example.org", "someone", "", "no account"),
    ],
)
def test_refusals(provider: ForgingProvider, username: str, subject: str, issuer: str, said: str) -> None:
    Visitor(provider).log_in()
    Visitor(provider.be("neighbour")).log_in()
    User(username="importer", kind=User.Kind.SERVICE).save()
    known = sorted(User.objects.values_list("username", "oidc_issuer", "oidc_subject"))
    with pytest.raises(CommandError, match=said):
        link(username, subject, "--issuer", issuer or provider.issuer)
    assert sorted(User.objects.values_list("username", "oidc_issuer", "oidc_subject")) == known


def test_notice_on_the_first_page_ends_with_the_link(provider: ForgingProvider) -> None:
    Visitor(provider).log_in()
    refused_newcomer(provider)
    curator = Visitor(provider.be("curator", groups=["curators"])).log_in()
    administrator = Visitor(provider.be("administrator", groups=["administrators"])).log_in()

    def told(visitor: Visitor) -> bool:
        return "subject-of-stranger" in visitor.client.get("/admin/").content.decode()

    assert told(administrator)
    assert not told(curator)
    link("uploader@example.org", "subject-of-stranger", "--issuer", provider.issuer)
    assert not told(administrator)
