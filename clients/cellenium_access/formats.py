"""Credentials in the forms that shells, programs and configuration files take."""

import json
import re
import shlex
from typing import Callable, Dict

from cellenium_access.kept_credentials import Credentials
from cellenium_access.talk import USAGE, StopError

# What would let the AWS CLI prefer something else to the credentials we give it.
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
IN_THE_WAY = (*PROFILES, "AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_SECURITY_TOKEN")
PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def variables(found: Credentials) -> Dict[str, str]:
    """Give credentials as environment variables."""
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def as_env(found: Credentials) -> str:
    """Write NAME=value lines."""
    return "\n".join(f"{name}={value}" for name, value in variables(found).items())


def as_shell(found: Credentials) -> str:
    """Write what `eval` or `.` takes; nothing in it ends the shell."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables(found).items()]
    return "\n".join([f"unset {' '.join(IN_THE_WAY)}", *exports])


def as_powershell(found: Credentials) -> str:
    """Write what PowerShell takes; a quote is doubled there."""
    lines = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in IN_THE_WAY]
    return "\n".join(lines + ["$Env:%s = '%s'" % (n, v.replace("'", "''")) for n, v in variables(found).items()])


def as_process(found: Credentials) -> str:
    """Write what `credential_process` of the AWS CLI and SDKs takes."""
    return json.dumps({"Version": 1, **found})


def as_ini(found: Credentials) -> str:
    """Write a section for ~/.aws/credentials."""
    lines = [f"{name.lower()} = {value}" for name, value in variables(found).items()]
    return "\n".join(["[cellenium]", *lines])


FORMATS: Dict[str, Callable[[Credentials], str]] = {
    "env": as_env,
    "shell": as_shell,
    "powershell": as_powershell,
    "json": lambda found: json.dumps(found, indent=2),
    "credential-process": as_process,
    "aws-credentials": as_ini,
    "profile": as_process,
}


def section(name: str, command: str, region: str, more: str = "") -> str:
    """Write a section for ~/.aws/config whose credentials a command fetches again whenever they are over.

    Raises StopError for a name that would begin another section, or that stands for no section of its own.
    """
    if not PROFILE_NAME.fullmatch(name) or name == "default":
        raise StopError(
            f"{name!r} is no name for a profile of its own: give letters, digits and . _ @ -, and not `default`, which "
            "the program itself would find its own credentials under.",
            USAGE,
        )
    if any(one in text for text in (command, region, more.replace("\n", "")) for one in "\r\n"):
        raise StopError("There is a line break in the path or the Region: a profile cannot hold it.", USAGE)
    return f"[profile {name}]\nregion = {region}\n{more}credential_process = {command}"
