"""Temporary credentials for one's own prefix, from the server."""

import argparse
import re
from datetime import datetime, timezone
from typing import Any, Dict, Tuple

from cellenium_access import kept_credentials, logins
from cellenium_access.kept_credentials import Credentials
from cellenium_access.server import Server
from cellenium_access.talk import REFUSED, StopError, say

PURPOSES = ("upload", "read")
# What comes from the server goes into shells and configuration files: nothing there may end a line or a word.
SHAPES = {
    "access_key_id": re.compile(r"[!-~]{1,256}"),
    "secret_access_key": re.compile(r"[!-~]{1,256}"),
    "session_token": re.compile(r"[!-~]{1,16384}"),
    "region": re.compile(r"[a-z0-9-]{1,64}"),
    "endpoint_url": re.compile(r"https?://[!-~]{1,512}"),
    "bucket": re.compile(r"[A-Za-z0-9._-]{1,255}"),
    "prefix": re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,1024}"),
}


def credentials(options: argparse.Namespace) -> Tuple[Credentials, Dict[str, str]]:
    """Give credentials out of the cache while they last, else from the server, and variables that go with them."""
    login = logins.current(options.server)
    wish = (login.server, login.token, options.purpose, options.prefix or "", str(options.duration))
    place, extras_place = kept_credentials.place_of(wish), kept_credentials.place_of((*wish, "surroundings"))
    if not options.no_cache:
        kept, extras = kept_credentials.read(place, kept_credentials.least(options)), _kept_extras(extras_place)
        if kept is not None and extras is not None:
            return kept, extras
    answer = _ask(Server(login), options)
    found, extras = _credentials(answer), _extras(answer)
    if not options.no_cache:
        kept_credentials.write(place, found)
        kept_credentials.write(extras_place, extras)
    return found, extras


def _ask(server: Server, options: argparse.Namespace) -> Dict[str, Any]:
    wish: Dict[str, Any] = {"purpose": options.purpose}
    if options.prefix:
        wish["prefix"] = options.prefix
    if options.duration is not None:
        wish["duration"] = options.duration
    answer: Dict[str, Any] = server.post("credentials", wish)
    if answer.get("capped_by"):
        say(f"AWS gives {answer.get('duration')} s at most, for the server itself runs with temporary credentials.")
    return answer


def _credentials(answer: Dict[str, Any]) -> Credentials:
    try:
        until = datetime.fromisoformat(str(answer["expires_at"]).replace("Z", "+00:00")).astimezone(timezone.utc)
        _check(answer, until)
        return {
            "AccessKeyId": answer["access_key_id"],
            "SecretAccessKey": answer["secret_access_key"],
            "SessionToken": answer["session_token"],
            "Expiration": until.strftime(kept_credentials.FORM),
        }
    except (KeyError, ValueError, TypeError, OverflowError):
        raise StopError(
            "The server's answer holds no credentials: is the client as new as the server?", REFUSED
        ) from None


def _check(answer: Dict[str, Any], until: datetime) -> None:
    """See that each value has its shape; raises KeyError, TypeError, ValueError."""
    if until > datetime.now(timezone.utc) + kept_credentials.LONGEST:
        raise ValueError("no session lasts so long")
    for name, shape in SHAPES.items():
        if name == "endpoint_url" and answer.get(name) is None:
            continue
        if not shape.fullmatch(answer[name]):
            raise ValueError(name)


def _extras(answer: Dict[str, Any]) -> Dict[str, str]:
    """Give what a program needs beside them: Region, endpoint where S3 is not AWS's own, and where one's files go."""
    extras = {"AWS_REGION": str(answer["region"]), "AWS_DEFAULT_REGION": str(answer["region"])}
    if answer.get("endpoint_url"):
        extras["AWS_ENDPOINT_URL_S3"] = str(answer["endpoint_url"])
    extras["CELLENIUM_PREFIX"] = f"s3://{answer['bucket']}/{answer['prefix']}"
    return extras


def _kept_extras(place: Any) -> Any:
    found = kept_credentials.keeping.read(place)
    if found is None or not all(isinstance(value, str) for value in found.values()) or "AWS_REGION" not in found:
        return None
    return found
