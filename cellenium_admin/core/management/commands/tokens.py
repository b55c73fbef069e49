"""API tokens from the command line."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from cellenium_admin.core.management.commands.users import find_user
from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from cellenium_admin.core.models import ApiToken, TokenScope
from cellenium_admin.core.services import api_tokens


class Command(ServiceCommand):
    """Makes, lists and revokes API tokens."""

    help = "Make API tokens, list them, revoke them. A token is printed once, when it is made."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        _add_create(verbs.add_parser("create", help="make a token; it alone is printed on standard output, once"))
        listing = verbs.add_parser("list", help="show all tokens, never their secrets")
        listing.add_argument("--json", action="store_true", help="for programs")
        revoking = verbs.add_parser("revoke", help="end a token for good")
        revoking.add_argument("key", metavar="KEY", help="as `tokens list` shows it")
        revoking.add_argument("--reason", default="")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do what the verb says."""
        verbs: dict[str, Callable[..., None]] = {"create": self.create, "list": self.show, "revoke": self.revoke}
        verbs[options["verb"]](**options)

    def create(self, *, username: str, name: str, scope: list[str], days: int, **options: Any) -> None:
        """Make a token and print it."""
        user = find_user(username)
        token, plain_text = api_tokens.create_token(user=user, name=name, scopes=scope, days=days, actor=ACTOR)
        if options["json"]:
            self.print_json({**_facts(token), "token": plain_text})
            return
        self.note(f"Token {token.key} of {username}, valid until {token.expires_at:%Y-%m-%d %H:%M} UTC. Shown once:")
        self.stdout.write(plain_text)

    def show(self, **options: Any) -> None:
        """List all tokens, newest first."""
        tokens = [_facts(token) for token in ApiToken.objects.select_related("user").order_by("-created_at")]
        if options["json"]:
            self.print_json(tokens)
            return
        for token in tokens:
            self.stdout.write("  ".join(str(token[name]) for name in ("key", "user", "name", "scopes", "state")))

    def revoke(self, *, key: str, reason: str, **_: Any) -> None:
        """End a token."""
        token = api_tokens.revoke_token(key=key, reason=reason, actor=ACTOR)
        self.note(f"Token {token.key} of {token.user.username} is revoked.")


def _add_create(parser: ArgumentParser) -> None:
    parser.add_argument("username", metavar="USER")
    parser.add_argument("--name", required=True, help="what it is for")
    parser.add_argument(
        "--scope", action="append", choices=TokenScope.values, required=True, help="may be given several times"
    )
    parser.add_argument("--days", type=int, default=30, help="how long it lives")
    parser.add_argument("--json", action="store_true", help="print the token and its facts for programs")


def _facts(token: ApiToken) -> dict[str, object]:
    return {
        "key": token.key,
        "user": token.user.username,
        "name": token.name,
        "scopes": ",".join(token.scopes),
        "state": _state(token),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _state(token: ApiToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at <= timezone.now() else "usable"
