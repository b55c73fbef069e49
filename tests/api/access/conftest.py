"""The API of access, before the sandbox: a stack to register, callers of each role."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.models import User
from tests.builders.people import caller
from tests.grants.conftest import fast
from tests.grants.services.conftest import stack
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment, gateway
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "aws_environment", "fast", "gateway", "put_right", "sandbox", "stack"]


class Client:
    """A caller of the API whose answers are checked for their status, and whose tags are remembered."""

    def __init__(self, user: User) -> None:
        self.user, self.http = user, caller(user)
        self.last: Any = None

    def get(self, path: str, *, status: int = 200) -> Any:
        return self._checked(self.http.get(f"/api/v1/{path}"), status)

    def post(self, path: str, body: Any = None, *, status: int = 201, **headers: str) -> Any:
        return self._send("post", path, body, status, headers)

    def change(self, path: str, body: Any = None, *, about: str = "", method: str = "post", status: int = 200) -> Any:
        """Change what was read a moment ago at `about`, by default the path without its last part."""
        about = about or (path if method == "patch" else path.rpartition("/")[0])
        tag = self.http.get(f"/api/v1/{about}")["ETag"]
        return self._send(method, path, body, status, {"If-Match": tag})

    def _send(self, method: str, path: str, body: Any, status: int, headers: dict[str, str]) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._checked(getattr(self.http, method)(f"/api/v1/{path}", body or {}, headers=named), status)

    def _checked(self, response: Any, status: int) -> Any:
        self.last = response
        assert response.status_code == status, response.content
        return response.json()


@pytest.fixture
def curation(curator: User) -> Client:
    return Client(curator)


@pytest.fixture
def administration(administrator: User) -> Client:
    return Client(administrator)


@pytest.fixture
def membership(member: User) -> Client:
    return Client(member)


@pytest.fixture
def http(anonymous: APIClient) -> APIClient:
    return anonymous
