"""The curator's half: a stack, a principal, a grant, a read with it, and the same read after it was taken back.

All of it as whoever runs the service would do it, with the command line and with the rights of the service itself.
"""

import json
from typing import Any

from cellenium_admin.demo.client import DemoError
from cellenium_admin.demo.house import House
from cellenium_admin.demo.people import manage
from cellenium_admin.demo.tour import say, told
from grants.sandbox.seeds import BUCKET, UPLOAD_PREFIX

READER = "demo-reader"


def tour_of_grants(house: House, uri: str) -> None:
    """Show the life of a grant, told step by step. Raises DemoError where AWS does not answer as it must."""
    credentials = _make_reader()
    grant = json.loads(
        manage(
            *("access", "create", "grant", READER, f"s3://{BUCKET}/", f"{UPLOAD_PREFIX}*"),
            *("--permission", "READ", "--expires", "1d", "--reason", "the demo", "--output", "json"),
        )
    )
    say(f"      {READER} may {grant['permission']} {grant['scope']} until {grant['expires'][:16]}")
    reader = _session(house, credentials, grant["scope"])
    key = uri.removeprefix(f"s3://{BUCKET}/")
    say(f"      {READER} reads {_read(reader, key)} bytes of {uri} with credentials from GetDataAccess")
    manage("access", "delete", "grant", grant["id"], "--cut", "all", "--yes", "--reason", "the demo")
    say("      the grant is revoked and live sessions are cut")
    _refused(reader, key)
    manage("access", "delete", "user", READER, "--yes", "--reason", "the demo")
    told("access", "reconcile")
    say("      reconcile: AWS and the database are the same")


def _make_reader() -> dict[str, str]:
    """Make the principal; what a demo that was killed in the middle has left goes first."""
    known = json.loads(manage("access", "list", "user", "--output", "json"))
    if any(user["name"] == READER for user in known):
        manage("access", "delete", "user", READER, "--yes", "--reason", "left by an earlier demo")
    made: dict[str, str] = json.loads(manage("access", "create", "user", READER, "--key-format", "json"))
    say(f"      {READER} is an IAM user with the key {made['AccessKeyId']}; its secret was shown once")
    return made


def _session(house: House, credentials: dict[str, str], target: str) -> Any:
    control = house.aws.client("s3control", credentials)
    answer = control.get_data_access(AccountId=house.aws.account, Target=target, Permission="READ")
    return house.aws.client("s3", answer["Credentials"])


def _read(s3: Any, key: str) -> int:
    return len(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def _refused(s3: Any, key: str) -> None:
    try:
        _read(s3, key)
    except s3.exceptions.ClientError as error:
        say(f"      the next read with the same credentials: {error.response['Error']['Code']}")
    else:
        raise DemoError("The session still reads after it was cut: look at .demo/aws/sandbox.log.")
