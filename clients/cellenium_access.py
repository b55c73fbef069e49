"""Temporary credentials for a prefix of a bucket under S3 Access Grants: one file, Python 3.9 and botocore.

For whoever was given an IAM user or role and a grant. Credentials and Region are found as the AWS CLI finds them.
Exit codes: 0 done, 1 AWS says no, 2 wrong usage, 3 no credentials or no Region.
"""

import argparse
import contextlib
import hashlib
import json
import os
import secrets
import shlex
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import botocore.session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

REFUSED, USAGE, NOT_CONFIGURED = 1, 2, 3
PERMISSIONS = ("READ", "WRITE", "READWRITE")
SHORTEST, LONGEST = 900, 43200
# What would let the AWS CLI prefer something else to the credentials we give it.
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
IN_THE_WAY = (*PROFILES, "AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_SECURITY_TOKEN")
# These say that there is nothing to find, not that AWS could not be asked.
NO_INSTANCE = {"AccessDenied", "AccessGrantsInstanceNotExistsError", "NoSuchBucket"}
# Windows knows neither links of this kind nor numbers of users.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
OWN_ID = os.getuid() if hasattr(os, "getuid") else None
Credentials = Dict[str, str]


class StopError(Exception):
    """The program ends here, with a sentence and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Aws:
    """The caller's own AWS."""

    def __init__(self) -> None:
        self.session = botocore.session.get_session()
        self.region = os.environ.get("AWS_REGION") or self.session.get_config_variable("region")

    def client(self, service: str) -> Any:
        if not self.region:
            raise StopError("Name the Region: set AWS_REGION, or `region` in your profile.", NOT_CONFIGURED)
        return self.session.create_client(service, region_name=self.region)

    def key_id(self) -> str:
        found = self.session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return str(found.get_frozen_credentials().access_key)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command."""
    words = sys.argv[1:] if arguments is None else arguments
    here = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:here])
    options.words = words[here + 1 :]
    choose_profile(options)
    try:
        code: int = options.run(Aws(), options)
    except StopError as error:
        return say(str(error), error.code)
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound) as error:
        return say(f"{error} Configure your key: aws configure --profile NAME, then set AWS_PROFILE.", NOT_CONFIGURED)
    except NoRegionError:
        return say("Name the Region: set AWS_REGION, or `region` in your profile.", NOT_CONFIGURED)
    except ClientError as error:
        said = error.response.get("Error", {})
        return say(f"AWS says no: {said.get('Code')}: {said.get('Message')}", REFUSED)
    except BotoCoreError as error:
        return say(f"AWS cannot be reached: {error}", REFUSED)
    return code


def parser() -> argparse.ArgumentParser:
    """Declare the commands."""
    top = argparse.ArgumentParser(prog="cellenium_access.py", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    grants = commands.add_parser("grants", help="what was granted to you")
    grants.add_argument("--target", help="only what has to do with this path, s3://bucket/...")
    grants.add_argument("--json", action="store_true")
    grants.set_defaults(run=show_grants)
    give = commands.add_parser("credentials", help="temporary credentials for a path")
    _wishes(give)
    give.add_argument("--format", choices=sorted(FORMATS), default="shell")
    give.add_argument("--name", help="of the profile that --format profile writes")
    give.set_defaults(run=show_credentials)
    run = commands.add_parser("exec", help="run a command with them: exec TARGET [options] -- CMD ...")
    _wishes(run)
    run.set_defaults(run=execute)
    who = commands.add_parser("whoami", help="whom AWS takes you for")
    who.set_defaults(run=whoami)
    for command in (grants, give, run, who):
        command.add_argument("--account-id", help="of the bucket's owner; found by itself otherwise")
        source = command.add_mutually_exclusive_group()
        source.add_argument("--profile", help="whose key is used, instead of AWS_PROFILE")
        source.add_argument("--no-profile", action="store_true", help="use no profile, whatever AWS_PROFILE says")
    return top


def choose_profile(options: argparse.Namespace) -> None:
    """Let the chosen profile count. A profile that this program serves names its own, or it would call itself."""
    for name in PROFILES:
        # Set to nothing it means no profile to people, and one without a name to botocore.
        if options.profile or options.no_profile or os.environ.get(name) == "":
            os.environ.pop(name, None)
    if options.profile:
        os.environ["AWS_PROFILE"] = options.profile


def _wishes(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", type=path, help="s3://bucket/prefix/* or s3://bucket/key")
    command.add_argument("--permission", choices=PERMISSIONS, default="READ")
    command.add_argument("--duration", type=duration, default=3600, metavar="1h|3600", help="15 minutes to 12 hours")
    command.add_argument("--privilege", choices=("default", "minimal"), default="default")
    command.add_argument("--no-cache", action="store_true", help="ask AWS each time")
    command.add_argument("--min-remaining", type=duration_or_zero, default=900, metavar="SECONDS")


def path(text: str) -> str:
    """Read an S3 path that names a bucket."""
    if not text.startswith("s3://") or not text[5:].split("/", maxsplit=1)[0]:
        raise argparse.ArgumentTypeError(f"{text} is no S3 path: write s3://bucket/prefix/*")
    return text


def duration(text: str) -> int:
    """Read `90m`, `1h` or seconds."""
    seconds = duration_or_zero(text)
    if not SHORTEST <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text}: give 15m to 12h")
    return seconds


def duration_or_zero(text: str) -> int:
    """Read a time without bounds."""
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    digits = text[:-1] if factor else text
    if not digits.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: give 90m, 1h or seconds")
    return int(digits) * (factor or 1)


def show_grants(aws: Aws, options: argparse.Namespace) -> int:
    """List one's own grants, all pages."""
    found = list(own_grants(aws, account_of(aws, options.account_id, options.target), options.target))
    if options.json:
        print(json.dumps(found))
    elif not found:
        return say("Nothing was granted to you here. Ask whoever keeps the bucket.", 0)
    else:
        for grant in found:
            print(f"{grant['Permission']:<9} {printable(grant['GrantScope'])}")
    return 0


def own_grants(aws: Aws, account: str, target: Optional[str] = None) -> Iterator[Dict[str, str]]:
    """Give one's own grants; with a target those whose scope covers it or lies below it."""
    pages = aws.client("s3control").get_paginator("list_caller_access_grants").paginate(AccountId=account)
    for page in pages:
        for grant in page.get("CallerAccessGrantsList", []):
            if target is None or related(grant["GrantScope"], target):
                yield {"Permission": grant["Permission"], "GrantScope": grant["GrantScope"]}


def related(scope: str, target: str) -> bool:
    """Tell whether one path begins as the other does."""
    one, other = scope.rstrip("*"), target.rstrip("*")
    return one.startswith(other) or other.startswith(one)


def show_credentials(aws: Aws, options: argparse.Namespace) -> int:
    """Print credentials; what is printed is the only copy."""
    if options.format == "profile":
        print(profile(aws, options))
        return 0
    found = credentials(aws, options)
    print(FORMATS[options.format](found))
    sys.stdout.flush()
    return say(f"Good until {found['Expiration']}.", 0)


def execute(aws: Aws, options: argparse.Namespace) -> int:
    """Run a command that finds the credentials in its environment, and end with its exit code."""
    if not options.words:
        raise StopError("Say what to run: exec TARGET -- aws s3 ls s3://bucket/prefix/", USAGE)
    found = credentials(aws, options)
    kept = {name: value for name, value in os.environ.items() if name not in IN_THE_WAY}
    region = {"AWS_REGION": aws.region or "", "AWS_DEFAULT_REGION": aws.region or ""}
    try:
        return subprocess.call(options.words, env={**kept, **region, **variables(found)})
    except OSError as error:
        raise StopError(f"{options.words[0]} cannot be run: {error.strerror}.", USAGE) from None


def whoami(aws: Aws, options: argparse.Namespace) -> int:
    """Print whom AWS takes the caller for."""
    del options
    found = aws.client("sts").get_caller_identity()
    print(f"{found['Arn']} ({found['UserId']}) in {found['Account']}")
    return 0


def credentials(aws: Aws, options: argparse.Namespace) -> Credentials:
    """Give credentials out of the cache while they last, else from AWS."""
    account = account_of(aws, options.account_id, options.target)
    wish = (aws.key_id(), aws.region or "", account, options.target, options.permission, options.privilege)
    place = cache_file((*wish, str(options.duration)))
    if not options.no_cache:
        kept = read_cache(place, options.min_remaining)
        if kept is not None:
            return kept
    found = ask(aws, account, options)
    if not options.no_cache:
        write_cache(place, found)
    return found


def ask(aws: Aws, account: str, options: argparse.Namespace) -> Credentials:
    """Ask AWS; a refusal tells what was granted instead."""
    more = {}
    if options.privilege == "minimal" and not options.target.endswith("*"):
        more["TargetType"] = "Object"
    try:
        answer = aws.client("s3control").get_data_access(
            AccountId=account,
            Target=options.target,
            Permission=options.permission,
            DurationSeconds=options.duration,
            Privilege=options.privilege.capitalize(),
            **more,
        )["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise StopError(refusal(aws, account, options, error), REFUSED) from None
    return {
        "AccessKeyId": answer["AccessKeyId"],
        "SecretAccessKey": answer["SecretAccessKey"],
        "SessionToken": answer["SessionToken"],
        "Expiration": answer["Expiration"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def refusal(aws: Aws, account: str, options: argparse.Namespace, error: ClientError) -> str:
    """Say what to type instead."""
    lines = [f"AWS says no: {error.response['Error']['Message']}"]
    with contextlib.suppress(ClientError):
        near = list(own_grants(aws, account, options.target)) or list(own_grants(aws, account))
        if not near:
            lines.append("Nothing is granted to you (any more): it may have expired. Ask whoever keeps the bucket.")
        for grant in near[:5]:
            lines += [f"You have --permission {grant['Permission']} {shlex.quote(grant['GrantScope'])}"]
    return "\n".join(lines)


def account_of(aws: Aws, given: Optional[str], target: Optional[str]) -> str:
    """Find the account whose grants are meant: the owner of the path's instance, else the caller's own."""
    if given:
        return given
    own = str(aws.client("sts").get_caller_identity()["Account"])
    if not target:
        return own
    try:
        prefix = target.rstrip("*")
        found = aws.client("s3control").get_access_grants_instance_for_prefix(AccountId=own, S3Prefix=prefix)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_INSTANCE:
            raise
        return own
    return str(found["AccessGrantsInstanceArn"].split(":")[4])


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


def profile(aws: Aws, options: argparse.Namespace) -> str:
    """Write a section for ~/.aws/config whose credentials this program fetches again whenever they are over."""
    account = account_of(aws, options.account_id, options.target)
    words = [sys.executable, str(Path(__file__).resolve()), "credentials", options.target]
    words += ["--permission", options.permission, "--duration", str(options.duration), "--privilege", options.privilege]
    words += ["--account-id", account, "--format", "credential-process"]
    source = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    words += ["--profile", source] if source else ["--no-profile"]
    command = " ".join(map(shlex.quote, words))
    name = options.name or profile_name(options)
    return f"[profile {name}]\nregion = {aws.region or ''}\ncredential_process = {command}"


def profile_name(options: argparse.Namespace) -> str:
    """Name a profile after its path and permission: two for one bucket must not have one name."""
    plain = "".join(one if one.isalnum() or one in ".-" else "-" for one in options.target[5:].rstrip("/*"))
    return plain if options.permission == "READ" else f"{plain}-{options.permission.lower()}"


FORMATS: Dict[str, Callable[[Credentials], str]] = {
    "env": as_env,
    "shell": as_shell,
    "powershell": as_powershell,
    "json": lambda found: json.dumps(found, indent=2),
    "credential-process": as_process,
    "profile": as_process,
}


def cache_file(wish: Tuple[str, ...]) -> Path:
    """Name the file of one wish, in a directory of one's own."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cellenium-access"
    return base / (hashlib.sha256("\0".join(wish).encode()).hexdigest() + ".json")


def read_cache(place: Path, remaining: int) -> Optional[Credentials]:
    """Give what is kept, if it is ours alone and lasts long enough."""
    try:
        handle = os.open(place, os.O_RDONLY | NO_FOLLOW)
    except OSError:
        return None
    with os.fdopen(handle, encoding="utf-8") as stream:
        facts = os.fstat(stream.fileno())
        if OWN_ID is not None and (facts.st_uid != OWN_ID or facts.st_mode & 0o077):
            return None
        try:
            found = json.load(stream)
            until = datetime.strptime(found["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        except (ValueError, KeyError, TypeError):
            return None
    soon = datetime.now(timezone.utc) + timedelta(seconds=remaining)
    return found if until > soon else None


def write_cache(place: Path, found: Credentials) -> None:
    """Keep credentials in a file that was never readable for others; what cannot be kept is only told."""
    try:
        own_directory(place.parent)
        new = place.with_name(f".{secrets.token_hex(8)}")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(found, stream)
        new.replace(place)
    except OSError as error:
        say(f"The credentials are not kept in {place.parent}: {error}", 0)


def own_directory(directory: Path) -> None:
    """Make the directory, or see that it is ours; raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.is_symlink() or OWN_ID not in (None, directory.stat().st_uid):
        raise OSError("it belongs to somebody else")
    directory.chmod(0o700)


def printable(text: str) -> str:
    """Write control characters out: what stands in AWS shall not steer a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def say(text: str, code: int) -> int:
    """Tell a person something beside the output."""
    print(printable(text) if "\n" not in text else "\n".join(map(printable, text.split("\n"))), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
