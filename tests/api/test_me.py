"""GET /me."""

from typing import Any

from rest_framework.test import APIClient

from cellenium_admin.core.models import User
from tests.builders.people import caller, person


def test_me_by_token(db: None, django_assert_num_queries: Any) -> None:
    user = person("ada", "curator", study_groups=["lab"], upload_prefix="input/ada/", display_name="Ada")
    client = caller(user, ["read"])
    with django_assert_num_queries(1):
        body = client.get("/api/v1/me").json()
    token = body.pop("token")
    assert body == {
        "id": str(user.pk),
        "username": "ada@example.org",
        "email": "ada@example.org",
        "display_name": "Ada",
        "kind": "user",
        "roles": ["member", "curator"],
        "study_groups": ["lab"],
        "upload_prefix": "input/ada/",
    }
    assert set(token) == {"name", "key", "scopes", "expires_at"}
    assert token["scopes"] == ["read"]


def test_me_by_session(anonymous: APIClient, member: User) -> None:
    anonymous.force_login(member)
    body = anonymous.get("/api/v1/me").json()
    assert body["token"] is None
    assert body["roles"] == ["member"]


def test_description_is_for_members(anonymous: APIClient, api: APIClient) -> None:
    assert anonymous.get("/api/v1/schema").status_code == 401
    assert api.get("/api/v1/schema").status_code == 200
    assert anonymous.get("/api/v1/docs")["Location"] == "/login/?next=/api/v1/docs"
    assert api.get("/api/v1/docs").status_code == 200


def test_docs_load_nothing_from_elsewhere(api: APIClient) -> None:
    page = api.get("/api/v1/docs").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page
    script = api.get("/api/v1/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content


def test_schema_as_json_and_as_yaml(api: APIClient) -> None:
    document = api.get("/api/v1/schema", headers={"Accept": "application/json"}).json()
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/me" in document["paths"]
    assert api.get("/api/v1/schema")["Content-Type"].startswith("application/vnd.oai.openapi")
