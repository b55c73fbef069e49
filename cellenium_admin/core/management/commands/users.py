"""Accounts from the command line."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError
from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from cellenium_admin.core.models import SystemRole, User
from cellenium_admin.core.services import users


class Command(ServiceCommand):
    """Makes, lists, promotes, closes and binds accounts."""

    help = "Make accounts, list them, give them roles, close them, bind them to people of the login provider."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        _add_create(verbs.add_parser("create", help="make an account"))
        listing = verbs.add_parser("list", help="show all accounts")
        listing.add_argument("--json", action="store_true", help="for programs")
        roles = verbs.add_parser("roles", help="replace the system roles of an account; none leaves a plain member")
        roles.add_argument("username")
        roles.add_argument("--role", action="append", default=[], choices=SystemRole.values)
        roles.add_argument("--reason", default="")
        closing = verbs.add_parser("deactivate", help="close an account: no login and no token of it works any more")
        closing.add_argument("username")
        closing.add_argument("--reason", default="")
        _add_link(verbs.add_parser("link", help="bind an account to a person of the login provider"))

    def handle(self, *_: Any, **options: Any) -> None:
        """Do what the verb says."""
        verbs: dict[str, Callable[..., None]] = {
            "create": self.create,
            "list": self.show,
            "roles": self.set_roles,
            "deactivate": self.deactivate,
            "link": self.link,
        }
        verbs[options["verb"]](**options)

    def create(
        self, *, email: str, role: list[str], service: bool, display_name: str, password_stdin: bool, **options: Any
    ) -> None:
        """Make an account named by its address; a service account may have a plain name."""
        if "@" not in email and not service:
            raise InvalidInputError(f"{email!r} is not an e-mail address; only --service accounts have plain names.")
        user = users.create_user(
            username=email,
            email=email if "@" in email else "",
            display_name=display_name,
            roles=role,
            kind=User.Kind.SERVICE if service else User.Kind.PERSON,
            password=_read_password() if password_stdin else None,
            actor=ACTOR,
        )
        self._print([user], as_json=options["json"], many=False)

    def show(self, **options: Any) -> None:
        """List all accounts by name."""
        self._print(list(User.objects.order_by("username")), as_json=options["json"], many=True)

    def set_roles(self, *, username: str, role: list[str], reason: str, **_: Any) -> None:
        """Replace the roles."""
        user = users.set_roles(user=find_user(username), roles=role, reason=reason, actor=ACTOR)
        self.note(f"{user.username}: {', '.join(user.system_roles) or 'member'}")

    def deactivate(self, *, username: str, reason: str, **_: Any) -> None:
        """Close the account."""
        user = users.deactivate(user=find_user(username), reason=reason, actor=ACTOR)
        self.note(f"{user.username} is closed.")

    def link(self, *, username: str, issuer: str, subject: str, reason: str, **_: Any) -> None:
        """Bind the account to a person of the login provider; whoever had it before has nothing of it any more."""
        if not issuer:
            raise InvalidInputError("Give --issuer: CELLENIUM_OIDC_ISSUER, its default, is not set.")
        account = find_user(username)
        user = users.link_identity(user=account, issuer=issuer, subject=subject, reason=reason, actor=ACTOR)
        self.note(
            f"{user.username} is {user.oidc_subject} of {user.oidc_issuer} and keeps {user.upload_prefix or '-'}."
        )

    def _print(self, accounts: list[User], *, as_json: bool, many: bool) -> None:
        if as_json:
            rows = [_facts(user) for user in accounts]
            self.print_json(rows if many else rows[0])
            return
        for user in accounts:
            state = "active" if user.is_active else "closed"
            roles = ",".join(user.system_roles) or "member"
            self.stdout.write(f"{user.username}  {roles}  {user.kind}  {state}  {user.upload_prefix or '-'}")


def find_user(username: str) -> User:
    """Find an account by login name.

    Raises NotFoundError.
    """
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFoundError(f"There is no account {username!r}; `users list` shows all.")
    return user


def _add_create(parser: ArgumentParser) -> None:
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--role", action="append", default=[], choices=SystemRole.values, help="may be given twice")
    parser.add_argument("--service", action="store_true", help="a program, not a person")
    parser.add_argument("--display-name", default="")
    parser.add_argument("--password-stdin", action="store_true", help="read a password from standard input")
    parser.add_argument("--json", action="store_true", help="print the account for programs")


def _add_link(parser: ArgumentParser) -> None:
    parser.add_argument("username")
    parser.add_argument("--subject", required=True, help="`sub` of the person, as the refusal in the trail tells it")
    parser.add_argument("--issuer", default=settings.OIDC_ISSUER, help="the provider; CELLENIUM_OIDC_ISSUER by default")
    parser.add_argument("--reason", required=True, help="for the trail: how it is known that this is the person")


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidInputError("There was no password on standard input.")
    return password


def _facts(user: User) -> dict[str, object]:
    return {
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "kind": user.kind,
        "roles": user.system_roles,
        "is_active": user.is_active,
        "upload_prefix": user.upload_prefix,
    }
