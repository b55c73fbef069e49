"""The demo's accounts: an administrator made by command, everybody else by logging in at the provider."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import CommandError, call_command
from django.db import connections

from cellenium_admin.demo.browser import Browser
from cellenium_admin.demo.client import DemoError
from cellenium_admin.demo.provider import CURATORS

PROJECT = Path(__file__).resolve().parents[2]
TOKEN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Person:
    """One role of the story and the account that plays it; `groups` are those at the provider."""

    name: str
    scopes: tuple[str, ...]
    groups: tuple[str, ...] = ()

    @property
    def email(self) -> str:
        """Give the address."""
        return f"{self.name}@example.org"


# Made by command and known by a password: somebody has to be there before the first login.
ADMINISTRATOR = Person("administrator", ("read", "compute", "manage"))
PEOPLE = (
    Person("curator", ("read", "compute", "manage"), (CURATORS,)),
    Person("uploader", ("read", "compute", "upload")),
    Person("neighbour", ("read", "compute", "upload")),
    Person("stranger", ("read", "compute")),
)


def manage(*arguments: str, standard_input: str = "") -> str:
    """Run one management command and give what it printed.

    In this process: on a cold machine an interpreter for each of a dozen commands would take most of the time.
    """
    django.setup()
    output, keyboard = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(standard_input)
    try:
        call_command(*arguments, stdout=output, stderr=io.StringIO())
    except (CommandError, SystemExit) as error:
        raise DemoError(f"cellenium-admin {' '.join(arguments)} failed: {error}\n{output.getvalue()}") from error
    finally:
        sys.stdin = keyboard
        connections.close_all()
    return output.getvalue()


def make_administrator(secrets: dict[str, str]) -> None:
    """Create the administrator's account and token unless `secrets` holds them, and put the secret there."""
    email = ADMINISTRATOR.email
    if email not in {user["email"] for user in json.loads(manage("users", "list", "--json"))}:
        role = ("--role", "administrator", "--password-stdin")
        manage("users", "create", email, *role, standard_input=secrets["password"])
    if token_name(ADMINISTRATOR) not in secrets:
        scopes = [option for scope in ADMINISTRATOR.scopes for option in ("--scope", scope)]
        token = manage("tokens", "create", email, "--name", "demo", *scopes, "--days", str(TOKEN_DAYS))
        secrets[token_name(ADMINISTRATOR)] = token.strip()


def log_everybody_in(url: str, secrets: dict[str, str]) -> dict[str, Browser]:
    """Log each person in at the provider and have a token made on their page; gives the browsers by name."""
    browsers = {person.name: Browser(url) for person in PEOPLE}
    for person in PEOPLE:
        browsers[person.name].log_in(person.name)
        if token_name(person) not in secrets:
            wish = {"name": "demo", "scopes": list(person.scopes), "days": TOKEN_DAYS}
            secrets[token_name(person)] = browsers[person.name].call("POST", "/tokens", wish)["token"]
    return browsers


def token_name(person: Person) -> str:
    """Name the variable of .demo/env that holds this person's token."""
    return f"CELLENIUM_TOKEN_{person.name.upper()}"
