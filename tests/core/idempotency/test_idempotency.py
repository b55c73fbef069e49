"""One key, one thing: whatever is repeated, raced, killed or late."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cellenium_admin.core import tasks
from cellenium_admin.core.models import IdempotencyKey, Job, User
from cellenium_admin.core.services import idempotency
from cellenium_admin.core.services.idempotency import (
    Answer,
    Claim,
    KeyReusedError,
    SecretDeliveredError,
    StillRunningError,
)
from tests.builders.people import person

ROUTE = "POST api/v1/things"
ANSWER = Answer(status=201, body='{"id":1}', headers={"Location": "/things/1"})


@pytest.fixture
def user(db: None) -> User:
    return person("member")


def take(user: User, **changes: Any) -> Claim | Answer:
    return idempotency.claim(**{"user": user, "route": ROUTE, "key": "k", "fingerprint": b"f" * 32, **changes})


def held(user: User, **changes: Any) -> Claim:
    found = take(user, **changes)
    assert isinstance(found, Claim)
    return found


def make_job() -> Job:
    return Job.objects.create(name="made")


def fall_silent() -> None:
    IdempotencyKey.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_first_request_gets_the_key(user: User, settings: Any) -> None:
    claim = held(user)
    row = IdempotencyKey.objects.get()
    assert (row.pk, row.lease_token, row.state) == (claim.key_id, claim.token, "running")
    assert row.lease_until - row.created_at < timedelta(seconds=settings.IDEMPOTENCY_LEASE_SECONDS + 1)
    assert row.expires_at - row.created_at > timedelta(hours=23)


def test_second_request_waits_then_gets_the_same_answer(user: User) -> None:
    claim = held(user)
    with pytest.raises(StillRunningError) as still:
        take(user)
    assert 110 <= still.value.retry_seconds <= 121
    idempotency.finish(claim, ANSWER)
    assert take(user) == ANSWER


def test_keys_are_per_user_and_route(user: User) -> None:
    assert held(user) != held(user, route="POST api/v1/others")
    assert held(person("neighbour")).subject_id == ""
    assert IdempotencyKey.objects.count() == 3


@pytest.mark.parametrize("state", ["running", "answered", "delivered"])
def test_other_request_with_the_same_key_is_refused(user: User, state: str) -> None:
    claim = held(user)
    if state == "answered":
        idempotency.finish(claim, ANSWER)
    if state == "delivered":
        idempotency.finish_with_secret(claim)
    with pytest.raises(KeyReusedError):
        take(user, fingerprint=b"g" * 32)


def test_what_carried_a_secret_is_not_given_again(user: User) -> None:
    idempotency.finish_with_secret(held(user))
    with pytest.raises(SecretDeliveredError, match="rotate"):
        take(user)
    fall_silent()
    with pytest.raises(SecretDeliveredError):
        take(user)


def test_the_database_keeps_no_body_without_an_answer(user: User) -> None:
    idempotency.finish_with_secret(held(user))
    with pytest.raises(IntegrityError, match="keeps_no_secret"), transaction.atomic():
        IdempotencyKey.objects.update(body="secret")


def test_failed_request_leaves_no_trace(user: User) -> None:
    idempotency.release(held(user))
    assert not IdempotencyKey.objects.exists()
    assert held(user, fingerprint=b"g" * 32)


def test_what_was_made_and_its_note_are_one_transaction(user: User) -> None:
    claim = held(user)

    def broken() -> Job:
        make_job()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        idempotency.make_once(claim, broken)
    assert (Job.objects.count(), IdempotencyKey.objects.get().subject_id) == (0, "")
    made = idempotency.make_once(claim, make_job)
    assert IdempotencyKey.objects.get().subject_id == str(made.pk)


def test_after_a_crash_the_repeated_request_finds_what_was_made(user: User) -> None:
    made = idempotency.make_once(held(user), make_job)
    with pytest.raises(StillRunningError):
        take(user)
    fall_silent()
    again = held(user)
    assert (again.token, again.subject_id) == (2, str(made.pk))


def test_request_that_broke_after_making_is_repeated_at_once(user: User) -> None:
    claim = held(user)
    made = idempotency.make_once(claim, make_job)
    idempotency.release(claim)
    assert held(user).subject_id == str(made.pk)


def test_late_holder_makes_nothing_and_answers_nothing(user: User) -> None:
    late = held(user)
    fall_silent()
    newer = held(user)
    with pytest.raises(StillRunningError, match="taken over"):
        idempotency.make_once(late, make_job)
    assert not Job.objects.exists()
    idempotency.finish(late, ANSWER)
    idempotency.finish_with_secret(late)
    idempotency.release(late)
    row = IdempotencyKey.objects.get()
    assert (row.state, row.lease_token) == ("running", newer.token)
    idempotency.make_once(newer, make_job)


def test_keys_are_forgotten_after_their_time(user: User) -> None:
    claim = held(user)
    idempotency.make_once(claim, make_job)
    idempotency.finish(claim, ANSWER)
    held(user, key="young")
    old = IdempotencyKey.objects.filter(key="k")
    old.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert held(user, fingerprint=b"g" * 32).subject_id == ""
    old.update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep_idempotency_keys()
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_works() -> None:
    user = person("member")
    found: list[Any] = []
    start = threading.Barrier(8)

    def contend() -> None:
        start.wait()
        try:
            claim = held(user)
            idempotency.make_once(claim, make_job)
            idempotency.finish(claim, ANSWER)
            found.append("made")
        except StillRunningError:
            found.append("running")
        except AssertionError:
            found.append("replayed")
        finally:
            connection.close()

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found.count("made") == 1
    assert len(found) == 8
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_take_over_waits_for_the_holder_who_is_just_making() -> None:
    """Whoever comes while the making transaction is open sees either nothing made, or what was made."""
    user = person("member")
    claim = held(user)
    inside, go_on = threading.Event(), threading.Event()
    seen: list[Claim] = []

    def slow() -> Job:
        inside.set()
        assert go_on.wait(30)
        return make_job()

    def first() -> None:
        idempotency.make_once(claim, slow)
        connection.close()

    def second() -> None:
        seen.append(held(user))
        connection.close()

    fall_silent()
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    threads[1].join(0.3)
    assert not seen
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert [one.subject_id for one in seen] == [str(Job.objects.get().pk)]
