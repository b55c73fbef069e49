"""What `check_setup` says of the signing of the trail."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit, audit_checkpoints
from cellenium_admin.core.services.audit_signatures import make_key_pair
from cellenium_admin.core.services.setup_checkpoints import checkpoint_finding
from cellenium_admin.core.services.setup_findings import State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(tmp_path: Path, settings: Any) -> Path:
    """Set everything up."""
    make_key_pair(tmp_path / "checkpoint.key")
    (tmp_path / "place").mkdir()
    settings.CHECKPOINT_KEY_FILE, settings.CHECKPOINT_TARGET = str(tmp_path / "checkpoint.key"), str(tmp_path / "place")
    return tmp_path / "checkpoint.key"


def happen() -> None:
    with transaction.atomic():
        audit.record(action=Action.USER_LOGGED_OUT, actor=Actor.system("test"))


def test_no_key_is_a_warning() -> None:
    finding = checkpoint_finding()
    assert finding.state is State.WARNING
    assert "rewrite the whole trail" in finding.detail
    assert "audit keygen" in finding.remedy


def test_all_is_well(key: Path) -> None:
    happen()
    finding = checkpoint_finding()
    assert finding.state is State.OK
    assert finding.detail.startswith("Every 3600 s, with checkpoint.key (")


CASES: dict[str, tuple[Callable[[Path, Any], Any], State, str]] = {
    "open key": (lambda key, _: key.chmod(0o644), State.FAILED, "has mode 0644"),
    "no key": (lambda key, _: key.unlink(), State.FAILED, "cannot be read"),
    "no target": (lambda _, settings: setattr(settings, "CHECKPOINT_TARGET", ""), State.FAILED, "CHECKPOINT_TARGET"),
    "target away": (lambda key, _: (key.parent / "place").rmdir(), State.FAILED, "mount it"),
    "by hand": (lambda _, settings: setattr(settings, "CHECKPOINT_SECONDS", 0), State.WARNING, "by hand only"),
    "public key": (
        lambda _, settings: setattr(settings, "CHECKPOINT_PUBLIC_KEY_FILES", ["/nowhere.pub"]),
        State.FAILED,
        "The public key /nowhere.pub cannot be read",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_named(key: Path, settings: Any, case: str) -> None:
    do, state, detail = CASES[case]
    do(key, settings)
    finding = checkpoint_finding()
    assert (finding.state, bool(finding.remedy)) == (state, True)
    assert detail in finding.detail


def test_an_event_that_waits_too_long_is_named(key: Path) -> None:
    happen()
    with time_machine.travel(timezone.now() + timedelta(hours=3), tick=False):
        finding = checkpoint_finding()
        assert finding.state is State.WARNING
        assert finding.detail.startswith("Event 1 of ")
        audit_checkpoints.sign(actor=Actor.system("test"))
        assert checkpoint_finding().state is State.OK


@pytest.mark.parametrize(("key", "seconds", "entry"), [("/x.key", "60", 60), ("/x.key", "0", None), ("", "60", None)])
def test_beat_has_it_signed_where_there_is_a_key(key: str, seconds: str, entry: int | None) -> None:
    program = (
        "from cellenium_admin.settings.base import CELERY_BEAT_SCHEDULE as schedule;"
        "print(schedule.get('sign-checkpoint', {}).get('schedule'))"
    )
    given = {"CELLENIUM_CHECKPOINT_KEY_FILE": key, "CELLENIUM_CHECKPOINT_SECONDS": seconds}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **given}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(entry)
