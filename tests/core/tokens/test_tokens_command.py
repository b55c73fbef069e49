"""`tokens` on the command line."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.models import ApiToken
from cellenium_admin.core.services import api_tokens
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ada() -> None:
    person("ada")


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("tokens", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


CREATE = ("create", "ada@example.org", "--name", "demo", "--scope", "read")


def test_token_alone_is_on_standard_output() -> None:
    out, err = run(*CREATE, "--scope", "compute", "--days", "7")
    token = api_tokens.find_usable(out.strip())
    assert token is not None
    assert out == f"{out.strip()}\n"
    assert token.scopes == ["compute", "read"]
    assert token.key in err
    assert out.strip() not in err


def test_token_for_programs() -> None:
    printed = json.loads(run(*CREATE, "--json")[0])
    assert printed["key"] == ApiToken.objects.get().key
    assert api_tokens.find_usable(printed["token"])


def test_list_shows_no_secret() -> None:
    plain_text = run(*CREATE)[0].strip()
    for out in (run("list")[0], run("list", "--json")[0]):
        assert plain_text.split("_", 2)[1] in out
        assert plain_text.split("_", 2)[2] not in out
        assert "usable" in out


def test_revoke() -> None:
    plain_text = run(*CREATE)[0].strip()
    run("revoke", ApiToken.objects.get().key, "--reason", "lost")
    assert api_tokens.find_usable(plain_text) is None
    assert "revoked" in run("list")[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "nobody", "--name", "demo", "--scope", "read"),
        (*CREATE, "--days", "100000"),
        ("create", "ada@example.org", "--name", "demo"),
        ("create", "ada@example.org", "--name", "demo", "--scope", "everything"),
        ("revoke", "0" * 16),
    ],
)
def test_what_cannot_be_done(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert not ApiToken.objects.exists()
