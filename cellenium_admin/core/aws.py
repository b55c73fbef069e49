"""How this project speaks to AWS: region, endpoints and credentials from botocore's own chain, patience from here."""

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

CONNECT_SECONDS = 5
READ_SECONDS = 30
MOST_ATTEMPTS = 4


def session() -> boto3.Session:
    """Make a session; a new one each time, since threads may not share one, nor may the two sides of a fork."""
    return boto3.Session(botocore_session=botocore.session.get_session())


def client(service: str, *, region: str | None = None) -> Any:
    """Make a client of an AWS service; keep it as long as one piece of work lasts, within one process."""
    make: Any = session().client
    return make(service, region_name=region, config=s3_config() if service == "s3" else config())


def config(**more: Any) -> Config:
    """Give timeouts and a bounded number of attempts."""
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": MOST_ATTEMPTS},
        **more,
    )


def s3_config() -> Config:
    """Give the same for S3; a server that is not AWS's own knows its buckets by path, not by host name."""
    return config(signature_version="s3v4", s3={"addressing_style": "path"} if configured_s3_endpoint() else None)


def configured_s3_endpoint() -> str | None:
    """Find the endpoint botocore will use instead of AWS's own: environment first, then the profile, as it does."""
    core = botocore.session.get_session()
    if core.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if named:
        return named
    profile = core.get_scoped_config()
    services = core.full_config.get("services", {}).get(profile.get("services"), {})
    found: str | None = services.get("s3", {}).get("endpoint_url") or profile.get("endpoint_url")
    return found
