"""Settings of the login that cannot be meant stop the start, with the variable's name and what to do."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from cellenium_admin.core.oidc import checks

BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/cellenium/50dc6c495c0c9188"
GOOD: Mapping[str, Any] = {
    "OIDC_ISSUER": "https://accounts.example.org/realms/lab",
    "OIDC_CLIENT_ID": "cellenium",
    "OIDC_ALGORITHMS": ["RS256", "ES256"],
    "LOAD_BALANCER_SIGNERS": [BALANCER],
}


@pytest.fixture(autouse=True)
def good(settings: Any) -> None:
    for name, value in GOOD.items():
        setattr(settings, name, value)


@pytest.mark.parametrize(
    "change",
    [
        {"OIDC_ALGORITHMS": ["ES256"]},
        {"OIDC_ISSUER": "http://127.0.0.1:9400"},
        {"OIDC_ISSUER": "", "LOAD_BALANCER_SIGNERS": [], "OIDC_CLIENT_ID": ""},
        {"LOAD_BALANCER_SIGNERS": [BALANCER.replace("aws:", "aws-cn:").replace("eu-central-1", "cn-north-1")]},
        {"OIDC_LEEWAY_SECONDS": 0},
    ],
    ids=str,
)
def test_settings_that_can_be_meant(settings: Any, change: Mapping[str, Any]) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    checks.refuse_faults()
    assert not run_checks()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ALGORITHMS", []),
        ("OIDC_ALGORITHMS", ["RS256", "HS256"]),
        ("OIDC_ALGORITHMS", ["none"]),
        ("OIDC_ALGORITHMS", ["rs256"]),
        ("OIDC_ISSUER", "http://accounts.example.org"),
        ("OIDC_ISSUER", "accounts.example.org"),
        ("OIDC_ISSUER", "https://accounts.example.org/?x=1"),
        ("OIDC_ISSUER", "http://[::1"),
        ("OIDC_CLIENT_ID", ""),
        ("OIDC_AUDIENCES", ["cellenium", ""]),
        ("OIDC_SCOPES", "email profile"),
        ("OIDC_TIMEOUT_SECONDS", 0),
        ("OIDC_LEEWAY_SECONDS", -1),
        ("OIDC_LEEWAY_SECONDS", 86_400),
        ("LOAD_BALANCER_SIGNERS", ["cellenium"]),
        ("LOAD_BALANCER_SIGNERS", [BALANCER, "*"]),
        ("LOAD_BALANCER_SIGNERS", [f"{BALANCER} "]),
        ("LOAD_BALANCER_SIGNERS", [BALANCER.replace("elasticloadbalancing", "s3")]),
        ("LOAD_BALANCER_SIGNERS", [BALANCER.replace("eu-central-1", "example.org/")]),
        ("LOAD_BALANCER_KEYS_URL", "http://keys.example.org"),
    ],
)
def test_settings_that_cannot(settings: Any, name: str, value: Any) -> None:
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=f"CELLENIUM_{name}"):
        checks.refuse_faults()
    (found,) = run_checks()
    assert f"CELLENIUM_{name}" in found.msg
    assert found.hint


def test_load_balancer_without_a_provider(settings: Any) -> None:
    settings.OIDC_ISSUER = ""
    with pytest.raises(ImproperlyConfigured, match="CELLENIUM_LOAD_BALANCER_SIGNERS"):
        checks.refuse_faults()
