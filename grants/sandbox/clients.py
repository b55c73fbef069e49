"""boto3 clients of a sandbox made from its variables, whatever the environment of this process says."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def make_client(service: str, variables: Mapping[str, str], config: Config | None = None) -> Any:
    """Give a client that tries once; `variables` are those of `client_environment`, `config` goes before ours."""
    of_control = service == "s3control"
    proxies = Config(proxies={"http": variables["HTTP_PROXY"]} if of_control else {})
    make: Any = boto3.Session().client
    return make(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL_S3_CONTROL" if of_control else "AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
        config=_CONFIG.merge(proxies).merge(config or Config()),
    )
