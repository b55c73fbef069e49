"""The Prefer header."""

import pytest
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.prefer import Wait


def wait_of(header: str | None) -> Wait:
    request = HttpRequest()
    if header is not None:
        request.META["HTTP_PREFER"] = header
    return Wait.of(Request(request))


@pytest.mark.parametrize(
    ("header", "seconds", "asked"),
    [
        (None, 0, False),
        ("", 0, False),
        ("wait=7", 7, True),
        ("WAIT = 7", 7, True),
        ('wait="7"', 7, True),
        ("wait=7; odd=1", 7, True),
        ("respond-async, wait=7", 7, True),
        ("wait=7, wait=9", 7, True),
        ("wait=0", 0, True),
        ("wait=999999999", 30, True),
        ("wait=-1", 0, False),
        ("wait=1.5", 0, False),
        ("wait=soon", 0, False),
        ("wait", 0, False),
        ("await=7", 0, False),
        ("wait=soon, wait=5", 5, True),
        ("wait=" + "9" * 5000, 0, False),
    ],
)
def test_wait_preference(header: str | None, seconds: int, asked: bool, settings: object) -> None:
    settings.WAIT_MAX_SECONDS = 30
    assert wait_of(header) == Wait(seconds=seconds, asked=asked)


def test_preference_is_said_to_be_applied_only_when_there_was_one() -> None:
    plain = wait_of(None).mark(Response(), honoured=True)
    assert "Preference-Applied" not in plain
    assert plain["Vary"] == "Prefer"
    assert wait_of("wait=5").mark(Response(), honoured=True)["Preference-Applied"] == "wait=5"
    assert "Preference-Applied" not in wait_of("wait=5").mark(Response(), honoured=False)
