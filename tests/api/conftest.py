"""People who call the API."""

import os

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.models import User
from tests.builders.people import caller, person


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing here reach an account by accident; tests that need AWS start the sandbox."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


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
