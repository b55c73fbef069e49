"""A provider that lies on demand, for every test of logins, and a server that has seen nobody yet."""

import pytest

from cellenium_admin.core.oidc import load_balancer, presented
from cellenium_admin.core.oidc import provider as providers
from tests.support.providers import forging_server, provider

__all__ = ["forging_server", "provider"]


@pytest.fixture(autouse=True)
def as_a_new_process() -> None:
    """Forget what earlier tests have shown: keys, and refusals that would not be recorded again so soon."""
    for module in (load_balancer, presented, providers):
        module.forget()
