"""docs/aws-setup.md is what the code of `access up --print` makes today, and shows all of it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.tools import aws_setup

PAGE = Path(__file__).resolve().parents[3] / "docs" / "aws-setup.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == aws_setup.render(), "run `make docs`"


def test_the_page_does_not_depend_on_our_own_settings(settings: Any) -> None:
    before = aws_setup.render()
    settings.DEPLOYMENT, settings.ALLOWED_ORIGIN, settings.CREDENTIALS_MAY_DELETE = "another", "", True
    assert aws_setup.render() == before


def test_every_document_is_shown() -> None:
    # The same as the location role's, and the page says so.
    assert aws_setup.unused() == {"upload-only-role-trust.json", "upload-only-role-policy.json"}


def test_a_document_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = tmp_path / "words.md"
    words.write_text("{missing.json}\n", encoding="utf-8")
    monkeypatch.setattr(aws_setup, "WORDS", words)
    with pytest.raises(KeyError, match="missing"):
        aws_setup.render()


def test_nothing_is_left_to_fill_in() -> None:
    assert re.findall(r"\{[a-z_.-]+\}", aws_setup.render()) == []
    assert set(re.findall(r"\b\d{12}\b", aws_setup.render())) == {aws_setup.ACCOUNT}
