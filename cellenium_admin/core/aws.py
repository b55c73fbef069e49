"""How this project speaks to AWS: region, endpoints and credentials from botocore's own chain, patience from here."""

import os
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

CONNECT_SECONDS = 5
READ_SECONDS = 30
MOST_ATTEMPTS = 4
# The parsed descriptions of AWS's services: large, and the same for everybody. Each session would parse its own, which
# costs half a second and 30 MB for every client of S3. A loader knows nothing of credentials, Regions or connections.
_DESCRIPTIONS = botocore.session.get_session().get_component("data_loader")


def session() -> boto3.Session:
    """Make a session; a new one each time, since threads may not share one, nor may the two sides of a fork."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _DESCRIPTIONS)
    made = boto3.Session(botocore_session=core)
    # Each session adds boto3's own directory to the one loader.
    _DESCRIPTIONS.search_paths[:] = dict.fromkeys(_DESCRIPTIONS.search_paths)
    return made


def client(
    service: str,
    *,
    region: str | None = None,
    attempts: int = MOST_ATTEMPTS,
    credentials: Mapping[str, str] | None = None,
) -> Any:
    """Make a client of an AWS service; keep it as long as one piece of work lasts, within one process.

    `attempts` is 1 where who calls retries, and writes down each; `credentials` are the arguments boto3 takes for
    others than our own.
    """
    make: Any = session().client
    chosen = s3_config(attempts) if service == "s3" else config(attempts)
    return make(service, region_name=region, config=chosen, **(credentials or {}))


def presigning_client(service: str) -> Any:
    """Make a client that signs addresses for others: of S3 by the bucket's own name in the Region.

    The global name answers for young buckets with a redirect, which a browser that asks beforehand does not follow.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    style = "path" if configured_s3_endpoint() else "virtual"
    make: Any = session().client
    return make(service, config=config(signature_version="s3v4", s3={"addressing_style": style}))


def config(attempts: int = MOST_ATTEMPTS, **more: Any) -> Config:
    """Give timeouts and a bounded number of attempts."""
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        **more,
    )


def s3_config(attempts: int = MOST_ATTEMPTS) -> Config:
    """Give the same for S3; a server that is not AWS's own knows its buckets by path, not by host name."""
    style = {"addressing_style": "path"} if configured_s3_endpoint() else None
    return config(attempts, signature_version="s3v4", s3=style)


def configured_region() -> str | None:
    """Find the Region botocore will use: environment first, then the profile."""
    found: str | None = os.environ.get("AWS_REGION") or session().region_name
    return found


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
