"""Whom and where the gateway speaks for: as botocore finds it, or a sentence that says what to set."""

import logging
import os
from pathlib import Path

import pytest

from grants.aws import calls, factory
from grants.aws.errors import AwsRefusedError, AwsUnknownOutcomeError
from grants.aws.factory import connect, connect_anew
from grants.aws.gateway import Aws
from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws as Sandbox


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Take all configuration away; gives where botocore looks for files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def test_it_knows_account_and_region(gateway: Aws, sandbox: EmbeddedSandbox) -> None:
    assert (gateway.account, gateway.region, gateway.partition) == (sandbox.account, sandbox.region, "aws")
    assert gateway.instance_arn == f"arn:aws:s3:{sandbox.region}:{sandbox.account}:access-grants/default"


def test_without_a_region_it_says_what_to_set(bare: Path) -> None:
    with pytest.raises(AwsRefusedError, match=r"AWS_REGION.*AWS_PROFILE") as refused:
        connect()
    assert refused.value.code == "NoRegion"


def test_without_credentials_it_says_what_to_set(bare: Path) -> None:
    with pytest.raises(AwsRefusedError, match="AWS_PROFILE") as refused:
        connect(region="eu-central-1")
    assert refused.value.code == "NoCredentials"


def test_a_profile_that_is_not_there(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    for region in (None, "eu-central-1"):
        with pytest.raises(AwsRefusedError, match="AWS_PROFILE") as refused:
            connect(region=region)
        assert refused.value.code == "NoProfile"


def test_a_configuration_that_cannot_be_read(bare: Path) -> None:
    (bare / "config").write_text("this is not a configuration\n")
    with pytest.raises(AwsRefusedError, match=r"~/\.aws/config") as refused:
        connect()
    assert refused.value.code == "InvalidConfiguration"


@pytest.mark.parametrize(("region", "address"), [("not a region", ""), ("eu-central-1", "no address")])
def test_a_region_or_an_address_that_is_none(
    bare: Path, monkeypatch: pytest.MonkeyPatch, region: str, address: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(AwsRefusedError) as refused:
        connect(region=region)
    assert refused.value.code == "InvalidConfiguration"
    assert (address or region) in refused.value.message


def test_region_and_keys_of_a_profile(bare: Path, sandbox: EmbeddedSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    root = sandbox.root
    (bare / "credentials").write_text(
        f"[lab]\naws_access_key_id = {root['access_key_id']}\naws_secret_access_key = {root['secret_access_key']}\n"
    )
    (bare / "config").write_text(f"[profile lab]\nregion = {sandbox.region}\nendpoint_url = {sandbox.endpoint_url}\n")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    found = connect()
    assert (found.account, found.region) == (sandbox.account, sandbox.region)
    assert found.caller_arn.endswith(":root")


def test_one_connection_serves_until_the_configuration_changes(
    aws_environment: None, aws: Sandbox, bare_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = connect()
    assert connect() is one
    assert connect(region="eu-central-1") is not one
    user = aws.make_user()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", user["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", user["SecretAccessKey"])
    two = connect()
    assert two is not one
    assert two.caller_arn == user["Arn"]
    (bare_files / "credentials").write_text("[default]\n")
    assert connect() is not two
    assert user["SecretAccessKey"] not in repr(factory._connections)


@pytest.fixture
def bare_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def test_connections_do_not_pile_up(gateway: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "connect_anew", lambda *, region: gateway)
    for number in range(2 * factory._MOST_CONNECTIONS):
        monkeypatch.setenv("AWS_SDK_UA_APP_ID", f"test-{number}")
        connect()
    assert len(factory._connections) <= factory._MOST_CONNECTIONS


def test_keys_aws_does_not_know(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    with pytest.raises(AwsRefusedError):
        connect_anew()


def test_a_wrong_secret_is_refused_without_telling_it(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canarysecret")
    with pytest.raises(AwsRefusedError) as refused:
        connect_anew()
    assert refused.value.code == "SignatureDoesNotMatch"
    assert "canarysecret" not in str(refused.value)
    assert "check the secret key" in refused.value.message


def test_nobody_at_home(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(AwsUnknownOutcomeError, match="EndpointConnectionError"):
        connect_anew(region="eu-central-1")


def test_botocore_writes_down_nothing_it_sends_or_gets(
    gateway: Aws, aws: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("botocore", "botocore.parsers", "botocore.endpoint", "botocore.auth", "botocore.hooks"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    name = aws.name("user")
    gateway.iam.create_user(name, "/", {})
    key, _ = gateway.iam.create_key(name)
    out, err = capfd.readouterr()
    assert key.secret.reveal() not in out + err


@pytest.mark.parametrize(
    ("method", "operation"),
    [
        ("create_access_grant", "CreateAccessGrant"),
        ("deactivate_mfa_device", "DeactivateMFADevice"),
        ("list_ssh_public_keys", "ListSSHPublicKeys"),
    ],
)
def test_operations_have_awss_names(method: str, operation: str) -> None:
    assert calls.camel(method) == operation
