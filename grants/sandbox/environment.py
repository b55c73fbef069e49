"""The environment variables by which unchanged AWS clients find the sandbox."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

S3_CONTROL_HOST = "s3-control.sandbox.internal"
"""Clients of S3 Control put the account's number before the host name, which no name of this machine would allow:
this one goes through HTTP_PROXY to the sandbox, which knows it."""
DIRECT = "127.0.0.1,localhost"


def client_environment(url: str, *, region: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Give what boto3, the AWS CLI and the Access Grants plugin need to speak to the sandbox at `url`.

    `credentials` are named as in AWS's answers (AccessKeyId, SecretAccessKey, SessionToken) or as in `root.json`.
    """
    known = {name.replace("_", "").lower(): value for name, value in credentials.items() if isinstance(value, str)}
    variables = {
        "AWS_ENDPOINT_URL": url,
        # Named beside the general one, so that what a shell may still have from elsewhere is overwritten.
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ENDPOINT_URL_S3_CONTROL": f"http://{S3_CONTROL_HOST}",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": known["accesskeyid"],
        "AWS_SECRET_ACCESS_KEY": known["secretaccesskey"],
        "HTTP_PROXY": url,
        "http_proxy": url,
        "NO_PROXY": DIRECT,
        "no_proxy": DIRECT,
    }
    if token := known.get("sessiontoken"):
        variables["AWS_SESSION_TOKEN"] = token
    return variables


def written(variables: Mapping[str, str]) -> str:
    """Write the variables as lines for a shell's `.` command; a session token of other credentials is taken away."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    if "AWS_SESSION_TOKEN" not in variables:
        lines.append("unset AWS_SESSION_TOKEN")
    return "\n".join(lines) + "\n"


def root_credentials(directory: Path) -> dict[str, str]:
    """Read the keys of the account's root: access_key_id and secret_access_key."""
    return dict(json.loads((directory / "root.json").read_text()))
