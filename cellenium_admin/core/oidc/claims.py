"""Who somebody is, taken out of claims that were verified before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

MOST_GROUPS, MOST_GROUP_CHARACTERS, MOST_NAME = 1000, 200, 200


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the provider vouches for them; `groups` is empty where it names none."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    groups: tuple[str, ...] = ()
    # When the provider said so, in seconds since 1970; None for a moment ago.
    issued_at: int | None = None


def identity_of(issuer: str, *sources: Mapping[str, Any]) -> Identity:
    """Read an identity from verified claims, each fact from the first source that tells it.

    Whether the address is verified is asked of the source the address comes from, and only the JSON value `true`
    says yes.
    """
    told = next((claims for claims in sources if "email" in claims), {})
    return Identity(
        issuer=issuer,
        subject=str(sources[0]["sub"]),
        email=told["email"] if isinstance(told.get("email"), str) else "",
        email_verified=told.get("email_verified") is True,
        name=_name(sources),
        groups=_groups(sources),
    )


def _name(sources: tuple[Mapping[str, Any], ...]) -> str:
    found = next((claims["name"] for claims in sources if isinstance(claims.get("name"), str)), "")
    return "".join(one for one in found if one.isprintable())[:MOST_NAME]


def _groups(sources: tuple[Mapping[str, Any], ...]) -> tuple[str, ...]:
    """Read the groups; whatever is no list of names, or one name, is no group."""
    name = settings.OIDC_GROUPS_CLAIM
    found: Any = next((claims[name] for claims in sources if name in claims), [])
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    names = {one for one in listed if isinstance(one, str) and one.strip() and len(one) <= MOST_GROUP_CHARACTERS}
    return tuple(sorted(one for one in names if one.isprintable())[:MOST_GROUPS])
