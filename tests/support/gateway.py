"""The product's gateway to AWS, speaking to the sandbox of this worker by environment variables alone."""

import pytest

from grants.aws.factory import connect
from grants.aws.gateway import Aws
from grants.sandbox.embedded import EmbeddedSandbox


@pytest.fixture
def aws_environment(sandbox: EmbeddedSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process speak to the sandbox, as the root of its account."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def gateway(aws_environment: None) -> Aws:
    """Give the sandbox's account as the product sees it."""
    return connect()
