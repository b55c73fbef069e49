"""The sandbox, the product's gateway to it, and people."""

import secrets

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from tests.builders.people import person
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment, gateway
from tests.support.sandbox import aws, sandbox

__all__ = ["actor", "aws", "aws_environment", "curator", "fast", "gateway", "put_right", "sandbox"]


@pytest.fixture
def curator(db: None) -> User:
    return person("curator", "curator")


@pytest.fixture
def actor(curator: User) -> Actor:
    return Actor.of(curator)


@pytest.fixture(autouse=True)
def fast(settings: pytest.FixtureRequest) -> None:
    """Let attempts follow one another at once: what is tested is the order of things, not patience.

    The name of the installation is another one each time, so that what other tests have left is somebody else's.
    """
    settings.DEPLOYMENT = f"test-{secrets.token_hex(5)}"
    settings.OPERATION_RETRY_SECONDS = 0.0
    settings.PROPAGATION_SECONDS = 0
