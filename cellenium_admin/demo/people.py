"""The demo's accounts, made by the same commands an administrator would use."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import CommandError, call_command
from django.db import connections

from cellenium_admin.demo.client import DemoError

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Person:
    """One role of the story and the account that plays it."""

    name: str
    email: str
    role: str | None
    scopes: tuple[str, ...]


PEOPLE = (
    Person("administrator", "administrator@example.org", "administrator", ("read", "compute", "manage")),
    Person("curator", "curator@example.org", "curator", ("read", "compute", "manage")),
    Person("uploader", "uploader@example.org", None, ("read", "compute")),
    Person("stranger", "stranger@example.org", None, ("read", "compute")),
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


def make_people(secrets: dict[str, str]) -> None:
    """Create the accounts and tokens that `secrets` does not hold yet, and put their secrets there."""
    known = {user["email"] for user in json.loads(manage("users", "list", "--json"))}
    for person in PEOPLE:
        if person.email not in known:
            role = ["--role", person.role] if person.role else []
            manage("users", "create", person.email, *role, "--password-stdin", standard_input=secrets["password"])
        if token_name(person) not in secrets:
            scopes = [option for scope in person.scopes for option in ("--scope", scope)]
            token = manage("tokens", "create", person.email, "--name", "demo", *scopes, "--days", "30")
            secrets[token_name(person)] = token.strip()


def token_name(person: Person) -> str:
    """Name the variable of .demo/env that holds this person's token."""
    return f"CELLENIUM_TOKEN_{person.name.upper()}"
