"""Upload prefixes of e-mail addresses."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellenium_admin.core.prefixes import encode_email, prefix_for

ADDRESSES = st.one_of(
    st.text(min_size=1, max_size=400),
    st.text(alphabet="aA._@-/%éß漢 1", min_size=1, max_size=12),
    st.text(alphabet="ab_@.", min_size=195, max_size=205),
).filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text))


def same(address: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower())


@pytest.mark.parametrize(
    ("email", "encoded"),
    [
        ("uploader@example.org", "uploader@example.org"),
        ("Jo.Doe-1@Example.ORG", "jo.doe-1@example.org"),
        ("a_b@x.de", "a_5fb@x.de"),
        ("a+b@x.de", "a_2bb@x.de"),
        ("a/b@x.de", "a_2fb@x.de"),
        ("jörg@x.de", "j_c3_b6rg@x.de"),
        ("漢@x.de", "_e6_bc_a2@x.de"),
        ("%2e@x.de", "_252e@x.de"),
        (".", "_2e"),
        ("..", "_2e_2e"),
        ("..a", "..a"),
    ],
)
def test_what_an_address_becomes(email: str, encoded: str) -> None:
    assert encode_email(email) == encoded
    assert prefix_for(email) == f"input/{encoded}/"


def test_case_and_composition_make_no_difference() -> None:
    assert encode_email("J\u00d6RG@x.de") == encode_email("jo\u0308rg@x.de")


def test_addresses_that_cellenium_confused_stay_apart() -> None:
    assert len({encode_email(email) for email in ("a.b@x.de", "ab@xd.e", "a_b@x.de", "a-b@x.de", "漢@x.de")}) == 5


@pytest.mark.parametrize("length", [200, 201, 254, 5000])
def test_long_addresses_keep_a_readable_head_and_a_digest(length: int) -> None:
    address = "someone.with.a.long.name" + "x" * (length - 36) + "@example.org"
    encoded = encode_email(address)
    assert len(encoded) <= 200
    assert encoded.startswith("someone.with.a.long.name")
    assert (encoded == address) == (length == 200)
    assert re.fullmatch(r"[a-z0-9.@_-]+", encoded)
    assert encode_email(address[:-1]) != encoded


def test_an_escape_is_never_cut_in_two() -> None:
    for shift in range(3):
        head = encode_email("a" * (170 + shift) + "_" * 50 + "@x.de").rpartition("__")[0]
        assert re.fullmatch(r"(?:[a-z0-9.@-]|_[0-9a-f]{2})*", head)


def test_an_empty_address_has_no_prefix() -> None:
    with pytest.raises(ValueError, match="e-mail"):
        encode_email("")


@given(ADDRESSES, ADDRESSES)
@example("a" * 230, "a" * 172 + "__" + "a" * 26)
@example("_5f", "_")
def test_different_addresses_never_share_a_prefix(one: str, other: str) -> None:
    assert (prefix_for(one) == prefix_for(other)) == (same(one) == same(other))


@given(ADDRESSES, ADDRESSES)
def test_no_prefix_lies_within_another(one: str, other: str) -> None:
    if same(one) != same(other):
        assert not prefix_for(one).startswith(prefix_for(other))


@given(ADDRESSES)
def test_every_prefix_is_one_plain_folder(address: str) -> None:
    encoded = encode_email(address)
    assert re.fullmatch(r"[a-z0-9.@_-]{1,200}", encoded)
    assert encoded.strip(".")
    assert encode_email(address) == encoded
