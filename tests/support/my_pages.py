"""The page `/my/` in a browser: a person with a prefix, a bucket that lets browsers in, a session."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from cellenium_admin.core import prefixes
from cellenium_admin.core.models import User
from grants.sandbox.embedded import EmbeddedSandbox
from tests.builders.people import person
from tests.support.sandbox import Aws, allow, trusting

MIB = 1024**2
# Requests of the page go on to AWS; two cores may have other things to do.
expect.set_options(timeout=30_000)
LOCAL = "django.contrib.auth.backends.ModelBackend"


@dataclass
class Store:
    """The bucket the product keeps files in, as root of its account sees it."""

    bucket: str
    s3: Any

    def content(self, key: str) -> bytes:
        """Give what lies there now."""
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def unfinished(self) -> list[dict[str, Any]]:
        """Give the multipart uploads that S3 holds open."""
        return list(self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ()))

    def parts(self) -> list[dict[str, Any]]:
        """Give the parts of the one upload that is open."""
        (one,) = self.unfinished()
        found = self.s3.list_parts(Bucket=self.bucket, Key=one["Key"], UploadId=one["UploadId"])
        return list(found.get("Parts", ()))


def open_to_browsers(aws: Aws, bucket: str, origin: str) -> None:
    """Let pages of an origin put objects, as `access up` does with CELLENIUM_ALLOWED_ORIGIN."""
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3000}
    aws("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def service_environment(aws: Aws, sandbox: EmbeddedSandbox) -> dict[str, str]:
    """Give the environment of a server that runs as an IAM user of its own: root could not assume a role."""
    service = aws.make_user(allow(["s3:*", "sts:AssumeRole", "sts:SetSourceIdentity", "iam:*"]))
    own = {"AWS_ACCESS_KEY_ID": service["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": service["SecretAccessKey"]}
    return {**sandbox.environment(), **own}


@pytest.fixture
def store(
    sandbox: EmbeddedSandbox, aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch, live_server: Any
) -> Store:
    """A bucket of this test, the role behind credentials, and a server that speaks to both."""
    for name, value in service_environment(aws, sandbox).items():
        monkeypatch.setenv(name, value)
    bucket = aws.make_bucket(versioned=True)
    open_to_browsers(aws, bucket, live_server.url)
    settings.H5AD_STORE = f"s3://{bucket}"
    account = f"arn:aws:iam::{aws.account}:root"
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    settings.IMPORTER_ROLE_ARN = aws.make_role(trusting(account), allow("s3:*", resources), MaxSessionDuration=43_200)
    return Store(bucket, aws("s3"))


@pytest.fixture
def uploader() -> User:
    """A member with a prefix, as after the first login at the provider."""
    user = person("uploader")
    user.upload_prefix = prefixes.prefix_for(user.email)
    user.save()
    return user


@pytest.fixture
def desk(page: Page, uploader: User, live_server: Any) -> Page:
    """The uploader's browser, logged in; not one error in its console."""
    log_in(page, uploader, live_server.url)
    return page


@pytest.fixture
def rough_desk(browser: Browser, uploader: User, live_server: Any) -> Iterator[Page]:
    """The same for tests in which requests fail on purpose, which Chromium counts among the errors of its console."""
    with browser.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        log_in(page, uploader, live_server.url)
        yield page
        assert not errors, errors


def log_in(page: Page, user: User, origin: str) -> None:
    """Give a browser a session of somebody, and let it leave pages that ask whether it may."""
    client = Client()
    client.force_login(user, backend=LOCAL)
    name = configured.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": origin}])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    page.on("dialog", lambda dialog: dialog.accept())
    # Choosers are caught from here on: the first would else open before Chromium knows that somebody waits for it.
    page.on("filechooser", lambda chooser: None)


def open_section(page: Page, name: str) -> None:
    """Go to one section of the page, as somebody does who comes anew."""
    page.goto("about:blank")
    page.goto(f"/my/#{name}")
    expect(page.locator(f"#{name}-heading")).to_be_visible()
    expect(page.locator("#usage")).to_be_visible()  # the last thing that is fetched


def copied(page: Page) -> str:
    """Give what is on the clipboard."""
    return str(page.evaluate("() => navigator.clipboard.readText()"))
