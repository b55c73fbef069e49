"""Issuances in the admin: those that may still be used, and one of them cut."""

import pytest
from django.utils import timezone

from cellenium_admin.core.models import User
from grants.models import Issuance
from tests.builders.people import person
from tests.grants.services.issuing import Desk, desk, uploader
from tests.support.pages import browser, confirm, told
from tests.support.sandbox import refusal

__all__ = ["desk", "uploader"]
pytestmark = pytest.mark.django_db(transaction=True)
PAGES = "/admin/grants/issuance/"


def test_filtered_and_cut(desk: Desk, uploader: User) -> None:
    first, second = desk.issue(uploader), desk.issue(uploader)
    Issuance.objects.filter(pk=second.issuance.pk).update(expires_at=timezone.now())
    client = browser(person("administrator", "administrator"))
    shown = {query: client.get(f"{PAGES}?live={query}").content.decode() for query in ("yes", "no", "cut")}
    one, two = first.issuance.access_key_id, second.issuance.access_key_id
    assert [(one in page, two in page) for page in shown.values()] == [(True, False), (False, True), (False, False)]
    assert first.session.secret_access_key.reveal() not in shown["yes"]
    answer = confirm(client, f"{PAGES}{first.issuance.pk}/cut/", {"reason": "a lost laptop"})
    assert "done in AWS" in told(answer)
    where = {"Bucket": desk.bucket, "Prefix": uploader.upload_prefix}
    assert refusal(desk.s3(first.session).list_objects_v2, **where) == "AccessDenied"
    again = client.get(f"{PAGES}{first.issuance.pk}/cut/", follow=True)
    assert "not possible" in told(again)


def test_only_its_owner_and_administrators_cut(desk: Desk, uploader: User) -> None:
    issued = desk.issue(uploader)
    curator = browser(person("curator", "curator"))
    answer = curator.get(f"{PAGES}{issued.issuance.pk}/cut/", follow=True)
    assert answer.status_code == 403 or issued.issuance.access_key_id not in answer.content.decode()
    assert Issuance.objects.get().cut_at is None
