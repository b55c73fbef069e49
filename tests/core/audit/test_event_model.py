"""The ORM's ways to write the trail, all refused before the database has to, and who may read it."""

from collections.abc import Callable

import pytest
from django.db.models import F

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.models.audit_event import AppendOnlyError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

WAYS: dict[str, Callable[[AuditEvent], object]] = {
    "save": lambda event: event.save(),
    "save as new": lambda event: AuditEvent(seq=9).save(force_insert=True),
    "save base": lambda event: event.save_base(),
    "delete": lambda event: event.delete(),
    "update": lambda event: AuditEvent.objects.update(reason="other"),
    "filtered update": lambda event: AuditEvent.objects.filter(seq=1).update(seq=F("seq") + 100),
    "queryset delete": lambda event: AuditEvent.objects.all().delete(),
    "raw delete": lambda event: AuditEvent.objects.all()._raw_delete("default"),
    "create": lambda event: AuditEvent.objects.create(seq=9),
    "get or create": lambda event: AuditEvent.objects.get_or_create(seq=9),
    "update or create": lambda event: AuditEvent.objects.update_or_create(seq=1, defaults={"reason": "other"}),
    "bulk create": lambda event: AuditEvent.objects.bulk_create([AuditEvent(seq=9)]),
    "bulk update": lambda event: AuditEvent.objects.bulk_update([event], ["reason"]),
    "base manager": lambda event: AuditEvent._base_manager.filter(seq=1).update(reason="other"),
}


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_every_way_to_write_is_refused(write: Callable[[AuditEvent], object]) -> None:
    before = list(AuditEvent.objects.values())
    with pytest.raises(AppendOnlyError, match="append-only"):
        write(AuditEvent.objects.get(seq=1))
    assert list(AuditEvent.objects.values()) == before


@pytest.mark.parametrize(
    ("roles", "is_active", "seen"),
    [
        (["administrator"], True, 8),
        (["curator"], True, 8),
        (["administrator", "curator"], True, 8),
        ([], True, 0),
        (["administrator", "curator"], False, 0),
    ],
)
def test_curators_and_administrators_see_it(roles: list[str], is_active: bool, seen: int) -> None:
    user = User(username="ada", system_roles=roles, is_active=is_active)
    assert AuditEvent.objects.visible_to(user).count() == seen
