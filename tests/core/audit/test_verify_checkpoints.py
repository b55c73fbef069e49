"""`audit verify --checkpoint` on trails a superuser cut or wrote anew, and on checkpoints that are missing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import transaction

from cellenium_admin.core.models import AuditCheckpoint
from tests.core.audit.conftest import Signing, cut, record, rewrite
from tests.core.audit.verifying import failures, kinds, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Sign = Callable[..., AuditCheckpoint]
Tampering = Callable[[], Any]


def test_an_untouched_trail_fits(signed: Signing) -> None:
    assert run("--checkpoint", signed.place) == (0, "audit verify: ok (14 events, 3 checkpoints)")
    for path in signed.files():
        assert run("--checkpoint", path) == (0, "audit verify: ok (14 events, 1 checkpoints)")
    code, printed = run("--checkpoint", signed.place, "--json")
    found = json.loads(printed)
    assert (code, found["ok"], found["events"], found["checkpoints"], found["breaches"]) == (0, True, 14, 3, [])


def test_a_cut_tail_is_named(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        cut(superuser, 7)
    assert run() == (0, "audit verify: ok (7 events)")
    expected = "8: cut: events 8 to 14 are missing: event 13 was signed, and the next tells of that"
    assert failures("--checkpoint", signed.place)[0] == expected
    assert failures("--checkpoint", signed.files()[0]) == [
        "8: cut: events 8 to 10 are missing: event 9 was signed, and the next tells of that"
    ]


@pytest.mark.parametrize("last", range(9, 14))
def test_even_the_event_of_the_last_signing_is_missed(signed: Signing, tampering: Tampering, last: int) -> None:
    with tampering() as superuser:
        cut(superuser, last)
    assert (last + 1, "cut") in kinds("--checkpoint", signed.place)


def test_everything_cut_away_is_named(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("TRUNCATE core_auditevent")
        superuser.execute("UPDATE core_audithead SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
    assert run() == (0, "audit verify: ok (0 events)")
    assert kinds("--checkpoint", signed.place) == [(1, "cut")]


def test_without_a_checkpoint_nobody_sees_that_everything_was_rewritten(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        rewrite(superuser, 1)
    assert run() == (0, "audit verify: ok (14 events)")
    assert kinds("--checkpoint", signed.place) == [(9, "rewritten")]
    assert failures("--checkpoint", signed.place) == [
        "9: rewritten: it is not the event that was signed: the trail was rewritten at or before seq 9"
    ]


@pytest.mark.parametrize(("first", "signed_at", "after"), [(2, 9, ""), (9, 9, ""), (10, 11, 9), (13, 13, 11)])
def test_a_rewritten_end_is_narrowed_down(
    signed: Signing, tampering: Tampering, first: int, signed_at: int, after: int | str
) -> None:
    with tampering() as superuser:
        rewrite(superuser, first)
    assert run()[0] == 0
    since = f", after seq {after}" if after else ""
    expected = f"the trail was rewritten at or before seq {signed_at}{since}"
    assert failures("--checkpoint", signed.place)[0] == (
        f"{signed_at}: rewritten: it is not the event that was signed: {expected}"
    )


def test_what_happened_after_the_newest_checkpoint_is_not_covered(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        rewrite(superuser, 14)
    assert run("--checkpoint", signed.place)[0] == 0


def test_a_cut_trail_that_went_on_was_rewritten(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        cut(superuser, 7)
    for number in range(10):
        with transaction.atomic():
            record(f"later {number}")
    assert run()[0] == 0
    assert (9, "rewritten") in kinds("--checkpoint", signed.place)


def test_an_edit_is_still_named_as_what_it_is(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditevent SET reason = 'other' WHERE seq = 4")
    assert kinds("--checkpoint", signed.place) == [(4, "edited")]


def test_any_checkpoint_kept_alone_is_enough(signed: Signing, tampering: Tampering, tmp_path: Path) -> None:
    kept = tmp_path / "kept on paper.txt"
    shutil.copy(signed.files()[1], kept)
    shutil.rmtree(signed.place)
    assert run("--checkpoint", kept)[0] == 0
    with tampering() as superuser:
        rewrite(superuser, 1)
    assert kinds("--checkpoint", kept) == [(11, "rewritten")]


def test_a_checkpoint_of_another_deployment_is_named(signed: Signing, settings: Any) -> None:
    settings.DEPLOYMENT = "there"
    expected = "is a checkpoint of the deployment 'here', not of 'there'"
    assert [line for line in failures("--checkpoint", signed.place) if expected not in line] == []


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_missing_checkpoint_is_named(signed: Signing, removed: int) -> None:
    seq = [9, 11, 13][removed]
    signed.files()[removed].unlink()
    found = kinds("--checkpoint", signed.place)
    assert {kind for _, kind in found} == {"gap"}
    assert {number for number, _ in found} == {seq}


def test_several_missing_checkpoints(signed: Signing) -> None:
    for path in signed.files()[:2]:
        path.unlink()
    assert set(kinds("--checkpoint", signed.place)) == {(9, "gap"), (11, "gap")}


def test_an_empty_place_is_no_proof(signed: Signing) -> None:
    for path in signed.files():
        path.unlink()
    assert (0, "gap") in kinds("--checkpoint", signed.place)


def test_checkpoints_that_are_not_looked_at_are_no_proof(signed: Signing) -> None:
    assert kinds("--checkpoint", signed.files()[0], "--from", "12") == [(0, "gap")]
    assert kinds("--checkpoint", signed.place, "--from", "15") == [(0, "gap")]
    assert run("--checkpoint", signed.place, "--from", "14") == (0, "audit verify: ok (1 events, 1 checkpoints)")


def test_an_empty_place_of_a_trail_that_was_never_signed_is_none_either(signing: Signing) -> None:
    assert kinds("--checkpoint", signing.place) == [(0, "gap")]


def test_one_not_written_yet_is_not_missed(signed: Signing) -> None:
    AuditCheckpoint.objects.filter(seq=13).update(written_at=None)
    signed.files()[2].unlink()
    assert run("--checkpoint", signed.place)[0] == 0


def test_one_signed_after_the_listing_is_not_missed(
    signed: Signing, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellenium_admin.core.services import audit_verification

    def listed(*args: Any) -> Any:
        found = original(*args)
        sign("meanwhile")
        return found

    original = audit_verification._read
    monkeypatch.setattr(audit_verification, "_read", listed)
    assert run("--checkpoint", signed.place) == (0, "audit verify: ok (16 events, 3 checkpoints)")


def test_checkpoints_of_two_places_are_one_chain(signed: Signing, sign: Sign, settings: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    settings.CHECKPOINT_TARGET = str(other)
    sign()
    assert run("--checkpoint", signed.place, "--checkpoint", other)[0] == 0
    assert run("--checkpoint", signed.place)[0] == 0
    assert set(kinds("--checkpoint", other)) == {(13, "gap")}
    assert run("--checkpoint", other, "--from", "15")[0] == 0


def test_from_a_number_on_only_later_checkpoints_count(signed: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditevent SET reason = 'other' WHERE seq = 4")
    signed.files()[0].unlink()
    assert run("--checkpoint", signed.place, "--from", "10") == (0, "audit verify: ok (5 events, 2 checkpoints)")
    with tampering() as superuser:
        rewrite(superuser, 11)
    # The event before the first one that is read must be the one that was signed, too.
    assert kinds("--checkpoint", signed.place, "--from", "12")[0] == (11, "rewritten")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "/nowhere/at-all"], "nowhere"),
        (["--checkpoint", "s3://"], "names no bucket"),
        (["--public-key", "x"], "is for --checkpoint"),
        (["--checkpoint", ".", "--public-key", "/nowhere.pub"], "cannot be read"),
    ],
)
def test_bad_arguments_say_what_is_wrong(signed: Signing, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
