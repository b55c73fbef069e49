"""A stack of a bucket of its own, wanted with all parts for uploads."""

from typing import Any

import pytest

from grants.aws.gateway import Aws
from grants.services.stack_desired import Stack, desired
from tests.support.sandbox import Aws as Sandbox

ORIGIN = "https://cellenium.example.org"


@pytest.fixture
def wanted(aws: Sandbox, gateway: Aws, settings: Any) -> Stack:
    settings.UPLOADER_GROUP = aws.name("group")
    settings.ALLOWED_ORIGIN = ORIGIN
    return desired(gateway, bucket=aws.name("data"))
