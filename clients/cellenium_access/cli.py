"""The command line: what can be said, and how it ends.

There are two ways to credentials. With a login at a server, `credentials` and `exec` without a path give what opens
one's own prefix there. With an access key and a grant, `credentials s3://bucket/prefix/*` asks AWS itself.
Exit codes: 0 done, 1 the server or AWS says no, 2 wrong usage, 3 not logged in or no keys or no Region.
"""

import argparse
import contextlib
import getpass
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from cellenium_access import formats, logins, own_prefix, uploading
from cellenium_access.formats import FORMATS, IN_THE_WAY
from cellenium_access.kept_credentials import Credentials
from cellenium_access.server import Server
from cellenium_access.talk import DONE, INTERRUPTED, NOT_CONFIGURED, REFUSED, USAGE, StopError, printable, say
from cellenium_access.times import duration, duration_or_zero

PERMISSIONS = ("READ", "WRITE", "READWRITE")
# Ours must be found in the child, and whatever sends its requests elsewhere must not.
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command."""
    words = sys.argv[1:] if arguments is None else arguments
    here = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:here])
    options.words = words[here + 1 :]
    try:
        with aws_errors():
            code: int = options.run(options)
    except StopError as error:
        return say(str(error), error.code)
    except KeyboardInterrupt:
        return say("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has ended; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return REFUSED
    return code


@contextlib.contextmanager
def aws_errors() -> Any:
    """Turn what botocore raises into sentences; without botocore there is nothing to turn."""
    try:
        from botocore import exceptions as aws
    except ImportError:
        yield
        return
    try:
        yield
    except (
        aws.NoCredentialsError,
        aws.PartialCredentialsError,
        aws.CredentialRetrievalError,
        aws.ProfileNotFound,
    ) as error:
        how = "Configure your key: aws configure --profile NAME, then set AWS_PROFILE."
        raise StopError(f"{error} {how}", NOT_CONFIGURED) from None
    except aws.NoRegionError:
        raise StopError("Name the Region: set AWS_REGION, or `region` in your profile.", NOT_CONFIGURED) from None
    except aws.ClientError as error:
        said = error.response.get("Error", {})
        raise StopError(f"AWS says no: {said.get('Code')}: {said.get('Message')}", REFUSED) from None
    except aws.BotoCoreError as error:
        raise StopError(f"AWS cannot be reached: {error}", REFUSED) from None


def parser() -> argparse.ArgumentParser:
    """Declare the commands."""
    top = argparse.ArgumentParser(
        prog="cellenium_access", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)
    _add_server_commands(commands)
    give = commands.add_parser("credentials", help="temporary credentials, for one's own prefix or under a grant")
    _wishes(give)
    give.add_argument("--format", choices=sorted(FORMATS), default="shell")
    give.add_argument("--name", help="of the profile that --format profile writes")
    give.set_defaults(run=show_credentials)
    run = commands.add_parser("exec", help="run a command with them: exec [TARGET] [options] -- CMD ...")
    _wishes(run)
    run.set_defaults(run=execute)
    grants = commands.add_parser("grants", help="what S3 Access Grants has granted to your access key")
    grants.add_argument("--target", help="only what has to do with this path, s3://bucket/...")
    grants.add_argument("--json", action="store_true")
    _aws_options(grants)
    grants.set_defaults(run=_by_grant("show_grants"))
    return top


def _add_server_commands(commands: Any) -> None:
    login = commands.add_parser("login", help="keep a token of a server, made there on the page /my/")
    login.add_argument("server", metavar="URL")
    login.add_argument("--token-stdin", action="store_true", help="read the token from standard input")
    login.set_defaults(run=log_in)
    logout = commands.add_parser("logout", help="forget the token; revoke it on the page /my/ as well")
    logout.add_argument("server", metavar="URL", nargs="?")
    logout.set_defaults(run=log_out)
    who = commands.add_parser("whoami", help="who the server, or AWS, takes you for")
    who.add_argument("--aws", action="store_true", help="ask AWS with your own keys")
    _server_option(who)
    _aws_options(who)
    who.set_defaults(run=whoami)
    upload = commands.add_parser("upload", help="upload .h5ad files to one's own prefix; goes on after interruptions")
    upload.add_argument("files", metavar="FILE", nargs="+")
    upload.add_argument("--wait", action="store_true", help="wait for the import and say what was found")
    _server_option(upload)
    upload.set_defaults(run=uploading.upload)


def _wishes(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", type=path, nargs="?", help="s3://bucket/prefix/*, of a grant; else one's own prefix")
    command.add_argument("--duration", type=duration, metavar="1h|3600", help="15 minutes to 12 hours")
    command.add_argument("--no-cache", action="store_true", help="ask each time")
    command.add_argument(
        "--min-remaining", type=duration_or_zero, metavar="SECONDS", help="use kept ones that last as long"
    )
    own = command.add_argument_group("one's own prefix")
    own.add_argument("--purpose", choices=own_prefix.PURPOSES, default="upload")
    own.add_argument("--prefix", help="a part of one's own prefix")
    _server_option(own)
    granted = command.add_argument_group("a grant")
    granted.add_argument("--permission", choices=PERMISSIONS, default="READ")
    granted.add_argument("--privilege", choices=("default", "minimal"), default="default")
    _aws_options(granted)


def _server_option(command: Any) -> None:
    command.add_argument("--server", metavar="URL", help="instead of the one logged in to last")


def _aws_options(command: Any) -> None:
    command.add_argument("--account-id", help="of the bucket's owner; found by itself otherwise")
    source = command.add_mutually_exclusive_group()
    source.add_argument("--profile", help="whose key is used, instead of AWS_PROFILE and of keys in the environment")
    source.add_argument("--no-profile", action="store_true", help="use no profile, whatever AWS_PROFILE says")


def path(text: str) -> str:
    """Read an S3 path that names a bucket."""
    if not text.startswith("s3://") or not text[5:].split("/", maxsplit=1)[0]:
        raise argparse.ArgumentTypeError(f"{text} is no S3 path: write s3://bucket/prefix/*")
    return text


def log_in(options: argparse.Namespace) -> int:
    """Take a token, see that the server knows it, keep it."""
    server = logins.checked_server(options.server)
    if not options.token_stdin and not sys.stdin.isatty():
        raise StopError("There is no terminal to ask at: give the token on standard input, --token-stdin.", USAGE)
    prompt = f"Token for {server} (made on {server}/my/; it is not shown): "
    text = sys.stdin.readline(8192) if options.token_stdin else getpass.getpass(prompt)
    login = logins.Login(server, logins.checked_token(text))
    me = Server(login).get("me")
    if "upload" not in (me.get("token") or {}).get("scopes", []):
        say("This token lacks the scope `upload`: it can show who you are, and no more.")
    logins.keep(login)
    return say(f"Logged in to {server} as {me.get('email') or me.get('username')}.")


def log_out(options: argparse.Namespace) -> int:
    """Forget a token."""
    server = logins.checked_server(options.server) if options.server else logins.current().server
    logins.drop(server)
    return say(f"The token for {server} is forgotten here. It is valid until you revoke it on {server}/my/.")


def whoami(options: argparse.Namespace) -> int:
    """Tell who the server takes the caller for; AWS, where that is asked or nobody is logged in."""
    if options.aws or options.profile or options.no_profile:
        return int(_by_grant("show_identity")(options))
    try:
        login = logins.current(options.server)
    except StopError:
        if options.server:
            raise
        return int(_by_grant("show_identity")(options))
    me = Server(login).get("me")
    token = me.get("token") or {}
    who = printable(str(me.get("email") or me.get("username")))
    print(f"{who} at {login.server}, uploads to {printable(str(me.get('upload_prefix')))}")
    return say(
        f"Token {token.get('name')!r} until {token.get('expires_at')}, for {', '.join(token.get('scopes', []))}."
    )


def show_credentials(options: argparse.Namespace) -> int:
    """Print credentials; what is printed is the only copy."""
    if options.format == "profile":
        print(profile(options))
        return DONE
    found, _ = credentials(options)
    print(FORMATS[options.format](found))
    sys.stdout.flush()
    return say(f"Good until {found['Expiration']}.")


def execute(options: argparse.Namespace) -> int:
    """Run a command that finds the credentials in its environment, and end with its exit code."""
    if not options.words:
        raise StopError("Say what to run: exec -- aws s3 ls s3://bucket/prefix/", USAGE)
    found, extras = credentials(options)
    dropped = IN_THE_WAY if options.target else (*IN_THE_WAY, *ENDPOINTS)
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    try:
        return subprocess.call(options.words, env={**kept, **extras, **formats.variables(found)})
    except OSError as error:
        raise StopError(f"{options.words[0]} cannot be run: {error.strerror}.", USAGE) from None


def credentials(options: argparse.Namespace) -> Tuple[Credentials, Dict[str, str]]:
    """Give credentials the one way or the other, and the variables that go with them."""
    if options.target is None:
        return own_prefix.credentials(options)
    by_grant = _module()
    aws = by_grant.Aws(options)
    region = {"AWS_REGION": aws.region or "", "AWS_DEFAULT_REGION": aws.region or ""}
    return by_grant.credentials(aws, options), region


def profile(options: argparse.Namespace) -> str:
    """Write a section for ~/.aws/config whose credentials this program fetches again whenever they are over."""
    words = [sys.executable, str(Path(sys.argv[0]).resolve()), "credentials", "--format", "credential-process"]
    if options.target is None:
        return _own_profile(options, words)
    by_grant = _module()
    aws = by_grant.Aws(options)
    name = options.name or profile_name(options)
    if name == by_grant.source_profile(aws):
        raise StopError(f"The key itself comes from the profile {name}: give another --name.", USAGE)
    command = _command(words + by_grant.profile_words(aws, options))
    return formats.section(name, command, aws.region or "")


def _own_profile(options: argparse.Namespace, words: List[str]) -> str:
    login = logins.current(options.server)
    _, extras = own_prefix.credentials(options)
    words += ["--server", login.server, "--purpose", options.purpose]
    words += ["--prefix", options.prefix] if options.prefix else []
    words += ["--duration", str(options.duration)] if options.duration else []
    endpoint = extras.get("AWS_ENDPOINT_URL_S3")
    more = f"endpoint_url = {endpoint}\n" if endpoint else ""
    name = options.name or ("cellenium" if options.purpose == "upload" else f"cellenium-{options.purpose}")
    return formats.section(name, _command(words), extras["AWS_REGION"], more)


def _command(words: List[str]) -> str:
    """Write words so that botocore splits them as they were, which it does in the way of the system it runs on."""
    return subprocess.list2cmdline(words) if os.name == "nt" else " ".join(map(shlex.quote, words))


def profile_name(options: argparse.Namespace) -> str:
    """Name a profile after its path and permission: two for one bucket must not have one name."""
    text = options.target[5:].rstrip("/*")
    plain = "".join(one if one.isascii() and (one.isalnum() or one in ".-") else "-" for one in text).strip("-.")
    named = plain if options.permission == "READ" else f"{plain}-{options.permission.lower()}"
    return named[-64:].strip("-.") or "cellenium-grant"


def _by_grant(name: str) -> Any:
    return lambda options: getattr(_module(), name)(options)


def _module() -> Any:
    """Load what speaks to AWS itself, which needs botocore."""
    try:
        from cellenium_access import by_grant
    except ImportError:
        raise StopError("This needs botocore: pip install botocore", NOT_CONFIGURED) from None
    return by_grant
