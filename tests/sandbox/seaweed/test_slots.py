"""Roles get slots, keep them over restarts, and give them back to rest."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grants.sandbox.errors import AwsError
from grants.sandbox.seaweed_slots import LONGEST_SESSION, RoleSlots


def test_a_role_keeps_its_slot_over_restarts(tmp_path: Path) -> None:
    slots = RoleSlots(tmp_path / "slots.json", 5)
    assert [slots.take("upload"), slots.take("read"), slots.take("upload")] == [0, 1, 0]
    assert RoleSlots(tmp_path / "slots.json", 5).find("read") == 1


def test_a_slot_given_back_rests_while_others_are_left(tmp_path: Path) -> None:
    slots = RoleSlots(tmp_path / "slots.json", 3)
    slots.take("first")
    assert slots.give_back("first") == 0
    assert slots.take("second") == 1
    assert slots.take("first") == 2


def test_a_resting_slot_is_taken_when_none_else_is_left_the_longest_resting_first(tmp_path: Path) -> None:
    slots = RoleSlots(tmp_path / "slots.json", 2)
    for name in ("first", "second"):
        slots.take(name)
    slots.give_back("second")
    slots.give_back("first")
    assert slots.take("third") == 1


def test_a_rested_slot_is_preferred_to_one_just_given_back(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - LONGEST_SESSION - timedelta(minutes=1)
    just_now = datetime.now(UTC)
    kept = {"taken": {}, "freed": {"0": just_now.isoformat(), "1": long_ago.isoformat()}}
    (tmp_path / "slots.json").write_text(json.dumps(kept))
    assert RoleSlots(tmp_path / "slots.json", 2).take("role") == 1


def test_more_roles_than_slots_are_refused_with_what_to_do(tmp_path: Path) -> None:
    slots = RoleSlots(tmp_path / "slots.json", 1)
    slots.take("first")
    with pytest.raises(AwsError, match="at most 1 roles at a time") as caught:
        slots.take("second")
    assert caught.value.code == "LimitExceeded"
    assert caught.value.status == 409
