"""Settings of the login that cannot be meant, told before anybody logs in; connected when the `core` app is ready."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from cellenium_admin.core.oidc.provider import is_usable
from cellenium_admin.core.oidc.tokens import KEY_KINDS

# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
LOAD_BALANCER = re.compile(
    r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/[A-Za-z0-9-]+/[0-9a-f]+"
)


@register
def check_login(**_: Any) -> list[CheckMessage]:
    """Tell what is wrong with the settings of the login, each with what to do."""
    return [Error(text, hint=hint, id=f"cellenium.login.{name}") for name, text, hint in _faults()]


def refuse_faults() -> None:
    """Stop the start of any process whose settings of the login cannot be meant. Raises ImproperlyConfigured."""
    if faults := list(_faults()):
        raise ImproperlyConfigured(" ".join(f"{text} {hint}" for _, text, hint in faults))


def _faults() -> Iterator[tuple[str, str, str]]:
    yield from _algorithms()
    yield from _provider()
    yield from _load_balancers()
    for name in ("OIDC_REFRESH_SECONDS", "OIDC_TIMEOUT_SECONDS", "OIDC_KEYS_SECONDS"):
        if getattr(settings, name) < 1:
            yield name, f"CELLENIUM_{name} is {getattr(settings, name)}.", "Give one second or more."
    if not 0 <= settings.OIDC_LEEWAY_SECONDS <= 300:
        detail = f"CELLENIUM_OIDC_LEEWAY_SECONDS is {settings.OIDC_LEEWAY_SECONDS}."
        yield "OIDC_LEEWAY_SECONDS", detail, "Give 0 to 300 seconds: an expired token is taken for so long."


def _algorithms() -> Iterator[tuple[str, str, str]]:
    given = settings.OIDC_ALGORITHMS
    if not given or not set(given) <= set(KEY_KINDS):
        text = f"CELLENIUM_OIDC_ALGORITHMS is {','.join(given)!r}."
        yield "OIDC_ALGORITHMS", text, f"Give one or more of {', '.join(KEY_KINDS)}; others are not taken."


def _provider() -> Iterator[tuple[str, str, str]]:
    issuer = settings.OIDC_ISSUER
    if not issuer:
        return
    parts = urlsplit(issuer) if is_usable(issuer) else None
    if parts is None or parts.query or parts.fragment:
        text = f"CELLENIUM_OIDC_ISSUER is {issuer!r}."
        yield "OIDC_ISSUER", text, "Give an address that begins with https:// and has no question mark or hash."
    if not settings.OIDC_CLIENT_ID:
        text = "CELLENIUM_OIDC_CLIENT_ID is not set, and CELLENIUM_OIDC_ISSUER is."
        yield "OIDC_CLIENT_ID", text, "Give the name under which the provider knows this server."
    if "" in settings.OIDC_AUDIENCES:
        yield "OIDC_AUDIENCES", "CELLENIUM_OIDC_AUDIENCES names an empty audience.", "Take the comma out."
    if "openid" not in settings.OIDC_SCOPES.split():
        text = f"CELLENIUM_OIDC_SCOPES is {settings.OIDC_SCOPES!r}."
        yield "OIDC_SCOPES", text, "Put openid into it: without it no provider sends an ID token."


def _load_balancers() -> Iterator[tuple[str, str, str]]:
    signers = settings.LOAD_BALANCER_SIGNERS
    wrong = [signer for signer in signers if not LOAD_BALANCER.fullmatch(signer)]
    if wrong:
        text = f"CELLENIUM_LOAD_BALANCER_SIGNERS names {', '.join(map(repr, wrong))}."
        yield "LOAD_BALANCER_SIGNERS", text, "Give ARNs of application load balancers, separated by commas."
    if signers and not settings.OIDC_ISSUER:
        text = "CELLENIUM_LOAD_BALANCER_SIGNERS is set, and CELLENIUM_OIDC_ISSUER is not."
        yield "LOAD_BALANCER_ISSUER", text, "Give the provider the load balancer asks, and its client id there."
    if settings.LOAD_BALANCER_KEYS_URL and not is_usable(settings.LOAD_BALANCER_KEYS_URL):
        text = f"CELLENIUM_LOAD_BALANCER_KEYS_URL is {settings.LOAD_BALANCER_KEYS_URL!r}."
        yield "LOAD_BALANCER_KEYS_URL", text, "Give an address that begins with https://, or none."
