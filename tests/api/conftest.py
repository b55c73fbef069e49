"""People who call the API."""

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.models import User
from tests.builders.people import caller, person


@pytest.fixture
def member(db: None) -> User:
    return person("member")


@pytest.fixture
def curator(db: None) -> User:
    return person("curator", "curator")


@pytest.fixture
def administrator(db: None) -> User:
    return person("administrator", "administrator")


@pytest.fixture
def api(member: User) -> APIClient:
    """A plain member's client."""
    return caller(member)


@pytest.fixture
def anonymous(db: None) -> APIClient:
    return APIClient(raise_request_exception=False)
