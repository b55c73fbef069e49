"""A secret is in memory, and nowhere by accident."""

import copy
import dataclasses
import json
import logging
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from grants.aws.gateway import NewKey, Session
from grants.aws.secret import Secret

CANARY = "canary-7f3a"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def test_it_is_given_when_asked_for() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, "{!r:>20}".format, "%s".__mod__, lambda secret: f"{secret:>15}", ascii]
)
def test_no_text_shows_it(show: Callable[[Any], str]) -> None:
    shown = show(Secret(CANARY))
    assert CANARY not in shown
    assert "Secret(***)" in shown


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda secret: json.dumps(secret, cls=DjangoJSONEncoder),
        *(lambda secret, p=protocol: pickle.dumps(secret, p) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy,
        copy.deepcopy,
        vars,
        dict,
        hash,
        lambda secret: secret.__getstate__(),
        lambda secret: secret == CANARY,
        lambda secret: CANARY == secret,  # noqa: SIM300 -- from this side too
        lambda secret: dataclasses.asdict(NewKey("AKIA", secret, WHEN)),
        lambda secret: pickle.dumps(NewKey("AKIA", secret, WHEN)),
        lambda secret: {secret: 1},
    ],
)
def test_nothing_writes_it_down(write: Callable[[Secret], Any]) -> None:
    with pytest.raises(TypeError) as refused:
        write(Secret(CANARY))
    assert CANARY not in str(refused.value)


def test_encoders_that_take_everything_take_its_mask() -> None:
    assert json.dumps([Secret(CANARY)], default=str) == '["Secret(***)"]'


def test_whatever_holds_it_shows_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    key = NewKey("AKIA", Secret(CANARY), WHEN)
    session = Session("ASIA", Secret(CANARY), Secret(CANARY), WHEN)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("anything").warning("%s %r", key, session)
    assert "AKIA" in caplog.text
    assert CANARY not in caplog.text


def test_a_secret_equals_itself_alone() -> None:
    one = Secret(CANARY)
    assert one == one
    assert one != Secret(CANARY)


def test_nothing_is_hung_on_it() -> None:
    with pytest.raises(AttributeError):
        Secret(CANARY).note = "x"  # type: ignore[attr-defined]
