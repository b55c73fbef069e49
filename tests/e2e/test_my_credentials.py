"""Temporary credentials and API tokens on the page `/my/`, in Chromium; boto3 then uses the credentials."""

import configparser
import re
import shlex
import subprocess
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from django.utils import timezone
from playwright.sync_api import Page, expect

from cellenium_admin.core.models import ApiToken, User
from grants.models import Issuance
from tests.e2e.conftest import screenshot
from tests.support.my_pages import Store, copied, desk, open_section, rough_desk, store, uploader
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "desk", "rough_desk", "sandbox", "store", "uploader"]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SECRET = re.compile(r"AWS_SECRET_ACCESS_KEY='([^'•]{20,})'")


def get_credentials(page: Page, purpose: str = "Upload") -> None:
    open_section(page, "credentials")
    page.get_by_role("radio", name=re.compile(f"^{purpose}")).check()
    page.get_by_role("button", name="Get credentials").click()
    expect(page.get_by_role("timer", name="Time left")).to_be_visible()


def s3_of(variables: dict[str, str]) -> Any:
    return boto3.client(
        "s3",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        region_name=variables["AWS_DEFAULT_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL_S3"],
    )


def in_a_shell(text: str) -> dict[str, str]:
    """Give the variables a shell has after it has read the text."""
    answer = subprocess.run(["sh", "-c", f"{text}\nenv"], env={}, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in answer.stdout.splitlines())


def test_copied_credentials_work_and_are_gone_after_a_reload(desk: Page, store: Store, uploader: User) -> None:
    get_credentials(desk)
    secret_is_hidden = SECRET.search(desk.content()) is None
    desk.get_by_role("button", name="Copy credentials").click()
    expect(desk.get_by_role("button", name="Copied credentials")).to_be_visible()
    text = copied(desk)
    assert secret_is_hidden
    s3 = s3_of(in_a_shell(text))
    key = f"{uploader.upload_prefix}by-hand.h5ad"
    s3.put_object(Bucket=store.bucket, Key=key, Body=b"by hand")
    assert store.content(key) == b"by hand"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=store.bucket, Key="input/neighbour@example.org/x.h5ad", Body=b"no")
    desk.get_by_role("button", name="Show secrets").click()
    secret = SECRET.search(text)
    assert secret
    expect(desk.get_by_text(secret.group(1))).to_be_visible()
    desk.reload()
    expect(desk.get_by_role("list", name="Live sessions").get_by_text("Upload", exact=True)).to_be_visible()
    kept = desk.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, location.href])")
    for place in (desk.content(), kept):
        assert secret.group(1) not in place
    expect(desk.get_by_role("timer")).to_have_count(0)


def test_every_text_holds_the_same_credentials(desk: Page, store: Store, uploader: User) -> None:
    """The library reads the credentials file, PowerShell's lines follow its rules, the commands name the real place."""
    get_credentials(desk, "Read")
    copy = desk.get_by_role("button", name="Copy credentials")
    copy.click()
    variables = in_a_shell(copied(desk))
    desk.get_by_role("tab", name="PowerShell").click()
    copy = desk.get_by_role("button", name=re.compile("Cop(y|ied) credentials"))
    copy.click()
    lines = dict(re.findall(r"^\$Env:(\w+) = '(.*)'$", copied(desk), re.MULTILINE))
    assert lines == {name: variables[name] for name in lines}
    assert len(lines) == 5
    desk.get_by_role("tab", name="Credentials file").click()
    copy.click()
    parser = configparser.ConfigParser()
    parser.read_string(copied(desk))
    profile = parser["cellenium"]
    assert profile["aws_secret_access_key"] == variables["AWS_SECRET_ACCESS_KEY"]
    assert profile["aws_session_token"] == variables["AWS_SESSION_TOKEN"]
    desk.get_by_role("button", name="Copy AWS CLI commands").click()
    first = shlex.split(copied(desk).splitlines()[0])
    assert first[:3] == ["aws", "s3", "cp"]
    assert first[3] == f"s3://{store.bucket}/{uploader.upload_prefix}my-study.h5ad"
    assert first[-2:] == ["--endpoint-url", variables["AWS_ENDPOINT_URL_S3"]]


def test_a_session_is_cut(desk: Page, store: Store) -> None:
    get_credentials(desk)
    sessions = desk.get_by_role("list", name="Live sessions")
    sessions.get_by_role("button", name="Cut").click()
    desk.get_by_role("button", name="Cut the session", exact=True).click()
    expect(desk.get_by_text("Give a reason")).to_be_visible()
    desk.get_by_label("Reason").fill("the laptop was lost")
    desk.get_by_role("button", name="Cut the session", exact=True).click()
    expect(desk.get_by_text("No credentials of yours are in force.")).to_be_visible()
    expect(desk.get_by_role("timer")).to_have_count(0)
    assert Issuance.objects.get().cut_at is not None


def test_refusals_are_shown_with_their_detail(rough_desk: Page, store: Store, settings: Any) -> None:
    settings.CREDENTIALS_PER_HOUR = 1
    get_credentials(rough_desk)
    rough_desk.get_by_role("button", name="Get credentials").click()
    alert = rough_desk.locator("#credentials-form").get_by_role("alert")
    expect(alert).to_contain_text("hour")
    expect(alert).to_contain_text("Try again in")
    expect(rough_desk.get_by_role("timer")).to_have_count(0)


def test_a_token_is_made_shown_once_and_revoked(rough_desk: Page, uploader: User, live_server: Any) -> None:
    open_section(rough_desk, "tokens")
    rough_desk.get_by_role("button", name="Make a token").click()
    expect(rough_desk.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(rough_desk.get_by_label("Name")).to_be_focused()
    rough_desk.keyboard.type("laptop")
    rough_desk.get_by_label("Days").fill("7")
    rough_desk.keyboard.press("Enter")
    shown = rough_desk.get_by_label("API token", exact=True)
    token = shown.inner_text()
    assert token.startswith("cea_")
    rough_desk.get_by_role("button", name="Copy token").click()
    assert copied(rough_desk) == token
    expect(rough_desk.get_by_label("Command", exact=True)).to_have_text(re.compile(re.escape(live_server.url)))
    row = ApiToken.objects.get(user=uploader)
    assert (row.name, row.scopes, (row.expires_at - timezone.now()).days) == ("laptop", ["read", "upload"], 6)
    screenshot(rough_desk, "my-token")
    rough_desk.reload()
    expect(rough_desk.get_by_role("button", name="Revoke laptop")).to_be_visible()
    assert token not in rough_desk.content()
    rough_desk.get_by_role("button", name="Revoke laptop").click()
    rough_desk.get_by_role("button", name="Revoke the token").click()
    expect(rough_desk.get_by_text("You have no token in force.")).to_be_visible()
    row.refresh_from_db()
    assert row.revoked_at is not None
