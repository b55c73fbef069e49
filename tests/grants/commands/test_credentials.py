"""`cellenium-admin credentials`: what may still be used, and its end."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.models import AuditEvent, User
from grants.models import Issuance
from tests.grants.services.issuing import Desk, desk, neighbour, uploader
from tests.support.sandbox import refusal

__all__ = ["desk", "neighbour", "uploader"]
pytestmark = pytest.mark.django_db(transaction=True)


def typed(*words: str) -> str:
    output = io.StringIO()
    call_command("credentials", *words, stdout=output, stderr=io.StringIO())
    return output.getvalue()


def listed(*words: str) -> list[str]:
    rows: list[dict[str, Any]] = json.loads(typed("list", "--output", "json", *words))
    return [row["id"] for row in rows]


def test_listed_and_cut(desk: Desk, uploader: User, neighbour: User) -> None:
    first, second, theirs = desk.issue(uploader), desk.issue(uploader, "read"), desk.issue(neighbour)
    ids = [str(issued.issuance.pk) for issued in (theirs, second, first)]
    assert listed() == ids
    assert listed("--user", uploader.email) == ids[1:]
    table = typed("list")
    assert first.issuance.access_key_id in table
    for issued in (first, second, theirs):
        assert issued.session.secret_access_key.reveal() not in table
    where = {"Bucket": desk.bucket, "Prefix": uploader.upload_prefix}
    with pytest.raises(CommandError, match="say --yes") as caught:
        typed("cut", ids[2], "--reason", "lost")
    assert caught.value.returncode == 2
    assert refusal(desk.s3(first.session).list_objects_v2, **where) is None
    typed("cut", ids[2], "--reason", "lost", "--yes")
    assert refusal(desk.s3(first.session).list_objects_v2, **where) == "AccessDenied"
    assert refusal(desk.s3(second.session).list_objects_v2, **where) is None
    assert listed() == ids[:2]
    typed("cut", "--user", uploader.email, "--reason", "left", "--yes")
    assert refusal(desk.s3(second.session).list_objects_v2, **where) == "AccessDenied"
    assert (listed(), listed("--all")) == (ids[:1], ids)
    assert AuditEvent.objects.filter(action="sessions.cut", reason="left").count() == 1


def test_what_is_not_there(desk: Desk, uploader: User) -> None:
    for name in ("nothing", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(CommandError, match="`credentials list`"):
            typed("cut", name, "--reason", "x", "--yes")
    with pytest.raises(CommandError, match="No recorded session is alive"):
        typed("cut", "--user", uploader.email, "--reason", "x", "--yes")
    assert not Issuance.objects.exists()
