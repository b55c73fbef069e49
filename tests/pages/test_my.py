"""What the server says at `/`, `/my/` and `/my/renewed/`: who comes in, what the page may load, what it holds."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from cellenium_admin.core.content_security import content_security_policy, store_origins
from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import provider
from cellenium_admin.core.oidc.errors import ProviderUnavailableError
from cellenium_admin.core.storage.multipart import MultipartStore
from tests.builders.people import person
from tests.support.my_pages import LOCAL

MODULES = Path(str(finders.find("cellenium/my/main.js"))).parent


@pytest.fixture
def uploader(db: None) -> User:
    return person("uploader", upload_prefix="input/uploader@example.org/")


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


def logged_in(client: Client, user: User) -> Client:
    client.force_login(user, backend=LOCAL)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/my/", "/my/renewed/"])
def test_strangers_are_led_to_the_login_and_back(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")
    assert client.post(path).status_code in {302, 405}


@pytest.mark.django_db
def test_the_root_leads_everybody_to_their_work(client: Client) -> None:
    assert client.get("/")["Location"] == "/my/"
    assert logged_in(client, person("uploader")).get("/")["Location"] == "/my/"
    assert logged_in(client, person("curator", "curator")).get("/")["Location"] == "/admin/"
    assert "no-store" in client.get("/")["Cache-Control"]


def test_the_page_is_kept_by_no_cache_and_holds_no_markup_of_others(client: Client, uploader: User) -> None:
    uploader.display_name = uploader.study_groups = "</script><script>alert(1)</script>"
    uploader.study_groups = [uploader.display_name]
    uploader.save()
    response = logged_in(client, uploader).get("/my/")
    assert "no-store" in response["Cache-Control"]
    text = response.content.decode()
    assert "alert(1)</script>" not in text
    assert "input/uploader@example.org/" in text
    scripts = re.findall(r"<script[^>]*>", text)
    assert [script for script in scripts if "src=" not in script] == [
        '<script id="page-config" type="application/json">'
    ]
    assert not re.search(r"\son\w+=|style=|javascript:", text)


def test_the_configuration_names_the_api_and_nothing_secret(client: Client, uploader: User, settings: Any) -> None:
    settings.CREDENTIALS_SECONDS, settings.CREDENTIALS_MAX_SECONDS = 7200, 3600
    text = logged_in(client, uploader).get("/my/").content.decode()
    (found,) = re.findall(r'id="page-config" type="application/json">(.*?)</script>', text)
    assert json.loads(found) == {
        "api": "/api/v1/",
        "csrfCookie": "cellenium_csrf",
        "user": str(uploader.pk),
        "loginUrl": "/login/?next=/my/",
        "renewUrl": "",
        "studyUrl": "/api/v1/studies/{id}",
        "credentials": {"shortest": 900, "longest": 3600, "usual": 3600},
        "tokenMaxDays": settings.TOKEN_MAX_DAYS,
    }
    assert client.cookies["cellenium_csrf"].value


@pytest.mark.django_db
def test_staff_find_the_way_to_the_admin_and_back(client: Client) -> None:
    curator = person("curator", "curator")
    assert 'href="/admin/"' in logged_in(client, curator).get("/my/").content.decode()
    assert 'href="/my/"' in client.get("/admin/").content.decode()
    assert 'href="/admin/"' not in logged_in(client, person("uploader")).get("/my/").content.decode()


def test_the_client_is_offered_where_it_was_built(
    client: Client, uploader: User, settings: Any, tmp_path: Path
) -> None:
    name = "cellenium/cellenium_access.pyz"
    built = finders.find(name) is not None
    assert (name in logged_in(client, uploader).get("/my/").content.decode()) == built
    (tmp_path / "cellenium").mkdir()
    (tmp_path / name).write_bytes(b"a program")
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, tmp_path]
    finders.get_finder.cache_clear()
    try:
        assert f'href="/static/{name}"' in client.get("/my/").content.decode()
    finally:
        finders.get_finder.cache_clear()


@pytest.mark.parametrize(
    ("store", "region", "endpoint", "expected"),
    [
        ("/var/h5ad", "eu-central-1", "", []),
        ("s3://studies/part", "eu-central-1", "http://127.0.0.1:9000/", ["http://127.0.0.1:9000"]),
        ("s3://studies", "eu-central-1", "", ["https://studies.s3.eu-central-1.amazonaws.com"]),
        ("s3://my.studies", "eu-central-1", "", ["https://s3.eu-central-1.amazonaws.com"]),
        ("s3://studies", "cn-north-1", "", ["https://studies.s3.cn-north-1.amazonaws.com.cn"]),
        (
            "s3://studies",
            "us-east-1",
            "",
            ["https://studies.s3.us-east-1.amazonaws.com", "https://studies.s3.amazonaws.com"],
        ),
    ],
)
def test_browsers_may_send_parts_to_the_store_alone(
    store: str, region: str, endpoint: str, expected: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.H5AD_STORE = store
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    assert store_origins() == expected
    policy = directives(content_security_policy("/my/"))
    assert policy["connect-src"] == ["'self'", *expected]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert (policy["default-src"], policy["frame-ancestors"]) == (["'none'"], ["'none'"])


@pytest.mark.parametrize("bucket", ["studies", "my.studies"])
@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "cn-north-1"])
def test_signed_addresses_are_within_the_policy(
    bucket: str, region: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore is the reference: what it signs is what the page must be able to send to."""
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": region}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_REGION", raising=False)
    settings.H5AD_STORE = f"s3://{bucket}"
    (signed,) = MultipartStore().sign("input/a", "u", [(1, "x" * 44, 5)], 60)
    assert "/".join(signed.url.split("/")[:3]) in store_origins()


def test_forms_and_frames_lead_to_the_login_provider(client: Client, uploader: User, settings: Any) -> None:
    """Chromium holds the redirect of a logout against `form-action`, that of a renewal against `frame-src`."""
    settings.OIDC_ISSUER = "https://login.example.org/realm"
    policy = directives(logged_in(client, uploader).get("/my/")["Content-Security-Policy"])
    assert policy["form-action"] == policy["frame-src"] == ["'self'", "https://login.example.org"]
    assert directives(content_security_policy("/admin/"))["form-action"] == ["'self'", "https://login.example.org"]


def test_a_provider_at_several_addresses_is_let_in(
    client: Client, uploader: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amazon Cognito has its issuer at one host and its pages at another."""
    settings.OIDC_ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/pool"
    uploader.oidc_issuer, uploader.oidc_subject = settings.OIDC_ISSUER, "subject"
    uploader.save()
    found = provider.Discovery(
        settings.OIDC_ISSUER, "https://auth.example.org/a", "", "", "", "https://auth.example.org/logout; script-src *"
    )
    monkeypatch.setattr(provider.Provider, "discovery", property(lambda _self: found))
    policy = directives(logged_in(client, uploader).get("/my/")["Content-Security-Policy"])
    assert policy["frame-src"] == [
        "'self'",
        "https://cognito-idp.eu-central-1.amazonaws.com",
        "https://auth.example.org",
    ]
    assert policy["script-src"] == ["'self'"]

    def away(_self: object) -> provider.Discovery:
        raise ProviderUnavailableError("The provider does not answer.")

    monkeypatch.setattr(provider.Provider, "discovery", property(away))
    assert client.get("/my/").status_code == 200


def test_the_renewed_page_may_be_framed_by_ours_alone(client: Client, uploader: User) -> None:
    response = logged_in(client, uploader).get("/my/renewed/")
    policy = directives(response["Content-Security-Policy"])
    assert (policy["default-src"], policy["frame-ancestors"]) == (["'none'"], ["'self'"])
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "no-store" in response["Cache-Control"]
    assert client.get("/my/")["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("module", sorted(MODULES.glob("*.js")), ids=lambda path: path.name)
def test_modules_make_no_markup_and_keep_no_secret(module: Path) -> None:
    """Text is set as text; storage is for which file an upload began with, in one module."""
    text = module.read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.style\b", text)
    assert ("localStorage" in text) == (module.name == "memory.js")
    assert not re.search(r"sessionStorage|indexedDB|document\.cookie\s*=", text)
    for name in re.findall(r'from "(.+?)"', text):
        assert (MODULES / name).is_file(), name
