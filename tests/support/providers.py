"""OpenID providers over HTTP as fixtures: two real ones in processes of their own, and one that lies on demand."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from cellenium_admin.embedded import ServerProcess
from cellenium_admin.embedded.ports import free_port
from tests.support.forging_provider import CLIENT, SECRET, ForgingProvider, ForgingServer
from tests.support.second_provider import PEOPLE

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Provider:
    """A real provider: where it is, and whether its ID tokens name their key."""

    issuer: str
    kid: bool = True


def trust(settings: Any, provider: Provider | ForgingProvider) -> None:
    """Let the product take this provider's word, with every other setting as it is delivered."""
    settings.OIDC_ISSUER = provider.issuer
    settings.OIDC_CLIENT_ID = CLIENT
    settings.OIDC_CLIENT_SECRET = SECRET
    settings.OIDC_AUDIENCES = [CLIENT]
    settings.OIDC_REQUIRE_KID = provider.kid if isinstance(provider, Provider) else True
    settings.OIDC_CURATOR_GROUPS = ["curators"]
    settings.OIDC_ADMINISTRATOR_GROUPS = ["administrators"]


@pytest.fixture(scope="session")
def forging_server() -> Iterator[ForgingServer]:
    with ForgingServer().running() as server:
        yield server


@pytest.fixture
def provider(forging_server: ForgingServer, settings: Any) -> ForgingProvider:
    """A provider of this test alone, which the product trusts."""
    made = forging_server.provider()
    trust(settings, made)
    return made


@pytest.fixture(scope="session")
def mock_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """oidc-provider-mock: people log in with one click; its ID tokens name no key."""
    port = free_port()
    people = [json.dumps(claims(name, groups)) for name, groups in PEOPLE.items()]
    users = [argument for one in people for argument in ("--user-claims", one)]
    arguments = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *users]
    yield from serving(arguments, f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("mock"), kid=False)


@pytest.fixture(scope="session")
def oauth_toolkit(tmp_path_factory: pytest.TempPathFactory, live_server: Any) -> Iterator[Provider]:
    """django-oauth-toolkit: people log in with a password; PKCE is required, `iss` comes back with the code."""
    port, directory = free_port(), tmp_path_factory.mktemp("oauth-toolkit")
    arguments = [sys.executable, "-m", "tests.support.second_provider", str(directory), str(port), live_server.url]
    yield from serving(arguments, f"http://127.0.0.1:{port}", directory, kid=True)


def claims(name: str, groups: list[str]) -> dict[str, Any]:
    """Give what a provider tells of a person."""
    return {"sub": name, "email": f"{name}@example.org", "email_verified": True, "name": name, "groups": groups}


def serving(arguments: list[str], issuer: str, directory: Path, *, kid: bool) -> Iterator[Provider]:
    """Run a provider until the fixture ends."""

    def ready() -> bool:
        try:
            with urlopen(f"{issuer}/.well-known/openid-configuration", timeout=5) as answer:
                return bool(json.load(answer)["issuer"] == issuer)
        except OSError:
            return False

    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1", "OAUTHLIB_INSECURE_TRANSPORT": "1"}
    process = ServerProcess(arguments, log=directory / "provider.log", env=environment, cwd=ROOT, ready=ready)
    process.start()
    try:
        yield Provider(issuer, kid=kid)
    finally:
        process.stop()
