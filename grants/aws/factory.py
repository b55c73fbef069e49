"""How the edges get AWS: by botocore's own chain of credentials and Region."""

import hashlib
import os
from pathlib import Path

from botocore.exceptions import BotoCoreError

from cellenium_admin.core import aws
from grants.aws.access_grants import Boto3AccessGrants
from grants.aws.buckets import Boto3Buckets
from grants.aws.calls import Caller
from grants.aws.errors import AwsRefusedError, translate
from grants.aws.gateway import Aws
from grants.aws.iam import Boto3Iam
from grants.aws.queues import Boto3Queues
from grants.aws.sts import Boto3Sts

_ENVIRONMENT = ("AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
_MOST_CONNECTIONS = 8
_connections: dict[str, Aws] = {}


def connect(*, region: str | None = None) -> Aws:
    """Give AWS for the account of our own credentials; each process connects once for each Region and configuration.

    Clients take a tenth of a second each to make and may be shared by threads, not by the two sides of a fork.
    Raises what `connect_anew` raises.
    """
    key = _configuration(region)
    found = _connections.get(key)
    if found is None:
        # Without a lock: threads that come at once connect twice, and none waits for another's slow answer.
        found = connect_anew(region=region)
        if len(_connections) >= _MOST_CONNECTIONS:
            _connections.clear()
        _connections[key] = found
    return found


def connect_anew(*, region: str | None = None) -> Aws:
    """Make the clients and ask AWS whom it takes us for.

    Raises AwsRefusedError when no credentials or no Region are configured, or AWS does not take them, and AwsError
    when it cannot be asked.
    """
    here = region or _configured_region()
    if not here:
        raise AwsRefusedError("connect", "NoRegion", "Name the Region: set AWS_REGION, or the region of AWS_PROFILE.")
    sts = Boto3Sts(Caller("sts", region=here), here)
    us = sts.caller()
    return Aws(
        account=us.account,
        region=here,
        access_grants=Boto3AccessGrants(Caller("s3control", region=here), us.account),
        iam=Boto3Iam(Caller("iam", region=here)),
        sts=sts,
        buckets=Boto3Buckets(Caller("s3", region=here), here, account=us.account),
        queues=Boto3Queues(Caller("sqs", region=here)),
        partition=us.arn.split(":")[1],
        caller_arn=us.arn,
    )


def _configured_region() -> str | None:
    try:
        return aws.configured_region()
    except BotoCoreError as error:
        failure = translate("connect", error)
    raise failure


def _configuration(region: str | None) -> str:
    """Give a digest of all that decides who we are and where: keys are changed, in variables or files."""
    variables = sorted(item for item in os.environ.items() if item[0].upper().startswith(_ENVIRONMENT))
    paths = (Path(os.environ.get(name, usual)).expanduser() for name, usual in _FILES.items())
    changed = [path.stat().st_mtime_ns if path.is_file() else 0 for path in paths]
    return hashlib.sha256(repr((os.getpid(), region, variables, changed)).encode()).hexdigest()
