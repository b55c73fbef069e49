"""The local AWS for pages that change something in it, with a location and a principal that are there already."""

import secrets
from typing import Any

import pytest
from django.test import Client

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from grants.aws.gateway import Aws
from grants.models import Location, Principal
from grants.services import locations, principals
from tests.api.conftest import no_aws
from tests.builders.people import person
from tests.grants.services.conftest import Stack, stack
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment, gateway
from tests.support.pages import browser, carried_out
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "aws_environment", "gateway", "no_aws", "put_right", "sandbox", "stack"]
SYSTEM = Actor.system("test")


@pytest.fixture(autouse=True)
def a_deployment_of_its_own(settings: Any) -> None:
    settings.DEPLOYMENT = f"test-{secrets.token_hex(4)}"
    settings.OPERATION_RETRY_SECONDS = 0.0
    settings.PROPAGATION_SECONDS = 0


@pytest.fixture
def curator() -> User:
    return person("curator", "curator")


@pytest.fixture
def client(curator: User) -> Client:
    return browser(curator)


@pytest.fixture
def location(stack: Stack, gateway: Aws) -> Location:
    made, operation = locations.register(scope=stack.scope, role_arn=stack.role_arn, actor=SYSTEM)
    return carried_out(made, operation, gateway)


@pytest.fixture
def principal(stack: Stack, gateway: Aws) -> Principal:
    made, operation = principals.create_user(name=stack.aws.name("uploader"), actor=SYSTEM)
    return carried_out(made, operation, gateway)
