"""Where AWS clients get their settings from."""

import os
from pathlib import Path

import pytest

from cellenium_admin.core import aws


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_without_an_endpoint_it_is_aws_itself() -> None:
    client = aws.client("s3", region="eu-central-1")
    assert client.meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    assert not (client.meta.config.s3 or {}).get("addressing_style")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_a_configured_endpoint_is_addressed_by_path(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://store.internal:9000")
    client = aws.client("s3", region="eu-central-1")
    assert client.meta.endpoint_url == "http://store.internal:9000"
    assert client.meta.config.s3["addressing_style"] == "path"
    assert client.meta.config.signature_version == "s3v4"


@pytest.mark.parametrize(
    "text",
    [
        "[default]\nendpoint_url = http://store.internal:9000\n",
        "[default]\nservices = lab\n[services lab]\ns3 =\n  endpoint_url = http://store.internal:9000\n",
    ],
)
def test_an_endpoint_of_the_profile_counts_as_well(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    client = aws.client("s3", region="eu-central-1")
    assert client.meta.endpoint_url == "http://store.internal:9000"
    assert client.meta.config.s3["addressing_style"] == "path"


def test_ignored_endpoints_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.internal:9000")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert aws.configured_s3_endpoint() is None
    assert "amazonaws.com" in aws.client("s3", region="eu-central-1").meta.endpoint_url


def test_region_and_credentials_come_from_the_chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[lab]\naws_access_key_id = one\naws_secret_access_key = two\n")
    (tmp_path / "config").write_text("[profile lab]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    session = aws.session()
    assert session.region_name == "eu-west-3"
    assert session.get_credentials().access_key == "one"


@pytest.mark.parametrize("service", ["s3", "sts"])
def test_patience_is_bounded(service: str) -> None:
    config = aws.client(service, region="eu-central-1").meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}


def test_sessions_are_not_shared() -> None:
    assert aws.session() is not aws.session()
