"""Lies about who it is: e-mails unverified, missing, malformed, alike or taken; each beside an honest person."""

from collections.abc import Sequence
from typing import Any

import pytest

from cellenium_admin.core.models import AuditEvent, User
from tests.support.forging_provider import ForgingProvider
from tests.support.visitors import Known, Visitor, bearer, refused_events

pytestmark = pytest.mark.django_db(transaction=True)
both_ways = pytest.mark.parametrize("way", ["code flow", "bearer"])


def mostly_bearer(values: Sequence[Any]) -> list[tuple[str, Any]]:
    """Give each value to the quicker way, and the first two to the other: what both do with it is one piece of code."""
    return [*(("bearer", value) for value in values), *(("code flow", value) for value in values[:2])]


def short(value: Any) -> str:
    return ascii(value)[:30]


UNVERIFIED = [False, None, "true", "True", "false", "", 1, 0, [True], {"verified": True}]
NO_ADDRESS = [
    None,
    "",
    " ",
    "uploader",
    "@example.org",
    "uploader@",
    "uploader@example.org\n",
    "uploader@example.org\0",
    "up loader@example.org",
    "Uploader <uploader@example.org>",
    "u" * 260 + "@example.org",
    ["uploader@example.org"],
    {"value": "uploader@example.org"},
    7,
    True,
]
ALIKE = [
    "upload.er@example.org",
    "uploader+x@example.org",
    "uploader_@example.org",
    "uploader@example.org.example.com",
    "upl\u043eader@example.org",
    "uploader@ex\u00e4mple.org",
    "uploader@example.org@example.org",
    "uploader@example.org,curator@example.org",
    "uploader/..@example.org",
    "*@example.org",
    "${aws:username}@example.org",
]
SAME = ["Uploader@Example.ORG", "UPLOADER@EXAMPLE.ORG", "uploader@example.org"]


def arrive(provider: ForgingProvider, way: str) -> bool:
    """Come as the person the provider tells of; true when let in, by an answer that says so."""
    if way == "bearer":
        answer = bearer(provider.token(provider.claims()))
        assert answer.status_code in {200, 401, 403}, answer.content
        return answer.status_code == 200
    visitor = Visitor(provider).log_in()
    assert visitor.was_let_in() != visitor.was_refused()
    return visitor.was_let_in()


@pytest.mark.parametrize(("way", "verified"), mostly_bearer(UNVERIFIED), ids=repr)
def test_unverified_email(provider: ForgingProvider, way: str, verified: Any) -> None:
    provider.be("uploader", email_verified=verified)
    assert not arrive(provider, way)
    assert not User.objects.exists()
    (event,) = refused_events()
    assert event.details["code"] == "email_unverified"
    assert event.details["issuer"] == provider.issuer
    assert event.details["subject"] == "subject-of-uploader"
    provider.be("uploader", email_verified=True)
    assert arrive(provider, way)


@both_ways
def test_unverified_email_passes_where_the_setting_says_so(provider: ForgingProvider, way: str, settings: Any) -> None:
    settings.OIDC_REQUIRE_VERIFIED_EMAIL = False
    provider.be("uploader", email_verified=None)
    assert arrive(provider, way)
    assert User.objects.get().upload_prefix == "input/uploader@example.org/"


@pytest.mark.parametrize(("way", "email"), mostly_bearer(NO_ADDRESS), ids=short)
def test_no_email_that_could_be_one(provider: ForgingProvider, way: str, email: Any) -> None:
    provider.be("uploader", email=email)
    assert not arrive(provider, way)
    assert not User.objects.exists()
    (event,) = refused_events()
    assert event.details["code"].startswith("email_")
    provider.be("uploader")
    assert arrive(provider, way)


@pytest.mark.parametrize(("way", "email"), mostly_bearer(ALIKE), ids=ascii)
def test_addresses_that_look_alike_are_different_people(provider: ForgingProvider, way: str, email: str) -> None:
    assert arrive(provider, way)
    provider.be("stranger", email=email)
    if arrive(provider, way):
        first, second = User.objects.order_by("created_at")
        assert first.upload_prefix != second.upload_prefix
        assert not second.upload_prefix.startswith(first.upload_prefix)
    assert User.objects.get(oidc_subject="subject-of-uploader").upload_prefix == "input/uploader@example.org/"


@pytest.mark.parametrize(("way", "email"), mostly_bearer(SAME))
def test_same_prefix_with_another_subject(provider: ForgingProvider, way: str, email: str) -> None:
    assert arrive(provider, way)
    known = Known.now()
    provider.be("stranger", email=email)
    assert not arrive(provider, way)
    assert Known.now() == known
    event = next(event for event in refused_events() if event.action == "user.prefix_refused")
    assert event.details["code"] == "prefix_taken"
    assert event.details["subject"] == "subject-of-stranger"
    provider.be("uploader")
    assert arrive(provider, way)


@both_ways
def test_composed_and_decomposed_letters_are_one_address(provider: ForgingProvider, way: str) -> None:
    provider.be("uploader", email="upl\u00f6ader@example.org")
    first = arrive(provider, way)
    provider.be("stranger", email="uplo\u0308ader@example.org")
    assert not arrive(provider, way)
    assert User.objects.count() == first


@both_ways
def test_same_subject_of_another_issuer(
    provider: ForgingProvider, way: str, forging_server: Any, settings: Any
) -> None:
    assert arrive(provider, way)
    known = Known.now()
    second = forging_server.provider()
    settings.OIDC_ISSUER = second.issuer
    assert not arrive(second, way)
    assert Known.now() == known
    assert "user.prefix_refused" in {event.action for event in refused_events()}
    second.be("uploader", email="neighbour@example.org")
    assert arrive(second, way)
    assert User.objects.filter(oidc_subject="subject-of-uploader").count() == 2


@both_ways
def test_account_made_by_hand_is_not_taken_over_by_its_address(provider: ForgingProvider, way: str) -> None:
    """The e-mail is a label: an administrator's local account is nobody's who merely has the same address."""
    held = User(username="administrator@example.org", email="administrator@example.org")
    held.system_roles = ["administrator"]
    held.upload_prefix = "input/administrator@example.org/"
    held.save()
    known = Known.now()
    provider.be("administrator")
    assert not arrive(provider, way)
    assert Known.now() == known
    assert refused_events()[-1].details["code"] == "prefix_taken"


@both_ways
def test_local_account_without_prefix_gives_its_name_to_nobody(provider: ForgingProvider, way: str) -> None:
    held = User(username="administrator@example.org", email="administrator@example.org", system_roles=["administrator"])
    held.set_unusable_password()
    held.save()
    provider.be("administrator")
    arrive(provider, way)
    held.refresh_from_db()
    assert (held.oidc_subject, held.upload_prefix) == ("", None)
    assert not User.objects.filter(oidc_issuer=provider.issuer, system_roles__contains=["administrator"]).exists()


@both_ways
def test_changed_email_keeps_its_prefix(provider: ForgingProvider, way: str) -> None:
    assert arrive(provider, way)
    provider.be("uploader", email="neighbour@example.org")
    assert arrive(provider, way)
    account = User.objects.get()
    assert (account.email, account.upload_prefix) == ("neighbour@example.org", "input/uploader@example.org/")
    event = AuditEvent.objects.get(action="user.email_changed")
    assert event.before["email"] == "uploader@example.org"
    assert event.after["email"] == "neighbour@example.org"


@both_ways
def test_address_given_up_is_not_free_for_the_next(provider: ForgingProvider, way: str) -> None:
    assert arrive(provider, way)
    provider.be("uploader", email="neighbour@example.org")
    assert arrive(provider, way)
    provider.be("stranger", email="uploader@example.org")
    assert not arrive(provider, way)
    provider.be("stranger", email="neighbour@example.org")
    if arrive(provider, way):
        assert User.objects.get(oidc_subject="subject-of-stranger").upload_prefix == "input/neighbour@example.org/"
    assert User.objects.get(oidc_subject="subject-of-uploader").upload_prefix == "input/uploader@example.org/"


@pytest.mark.parametrize(
    ("way", "name"), mostly_bearer([None, "", "n" * 5000, "na\0me", "\ud800", 7, ["x"]]), ids=short
)
def test_a_strange_name_keeps_nobody_out(provider: ForgingProvider, way: str, name: Any) -> None:
    provider.be("uploader", name=name)
    assert arrive(provider, way)
    assert len(User.objects.get().display_name) <= 200


@both_ways
def test_longest_address_has_room(provider: ForgingProvider, way: str) -> None:
    provider.be("uploader", email="u" * 64 + "@" + ".".join(["e" * 60] * 3) + ".org")
    assert arrive(provider, way)
    assert len(User.objects.get().upload_prefix) <= 255
