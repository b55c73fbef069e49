"""docs/settings.md is what `make docs` writes, and tells of every variable the product reads."""

import re
from pathlib import Path

import pytest

from tests.tools import settings_reference
from tests.tools.conventions import sources

ROOT = Path(__file__).resolve().parents[2]
READS = re.compile(r"environ(?:\.get|\.setdefault)?[\[(]\s*[\"'](CELLENIUM_[A-Z_]+)")
# The demo's own, and the one that chooses the settings.
ELSEWHERE = {"CELLENIUM_DEMO_DIR", "CELLENIUM_ENVIRONMENT"}


def test_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == settings_reference.render(), "run `make docs`"


def test_a_variable_nobody_describes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = {title: dict(list(names.items())[1:]) for title, names in settings_reference.words().items()}
    monkeypatch.setattr(settings_reference, "words", lambda: shorter)
    with pytest.raises(settings_reference.UndocumentedError, match="CELLENIUM_H5AD_STORE"):
        settings_reference.render()


def test_defaults_and_requirements_are_told() -> None:
    page = settings_reference.render()
    assert "| `CELLENIUM_SECRET_KEY` | *required* |" in page
    assert "| `CELLENIUM_IMPORT_TIME_LIMIT` | `14400` |" in page
    assert "| `CELLENIUM_ALLOWED_HOSTS` | production: *required*; development: `127.0.0.1,localhost` |" in page
    assert "| `CELLENIUM_DEBUG` | `false` |" in page


def test_variables_are_read_in_the_settings_only() -> None:
    reads = {
        (source.path, name)
        for source in sources()
        if source.in_product and not source.path.startswith("cellenium_admin/settings/")
        for name in READS.findall(source.text)
    }
    assert {(path, name) for path, name in reads if name not in ELSEWHERE} == set()


def test_compose_and_its_example_name_only_variables_there_are() -> None:
    known = settings_reference.variables().keys()
    of_compose = {"CELLENIUM_SUPERUSER_PASSWORD", "CELLENIUM_OWNER_PASSWORD", "CELLENIUM_APP_PASSWORD"}
    of_compose |= {"CELLENIUM_REDIS_PASSWORD"}
    of_entrypoint = set(re.findall(r"\$\{(CELLENIUM_[A-Z_]+)", (ROOT / "docker/entrypoint.sh").read_text()))
    for name in ("compose.yml", "env.example"):
        named = set(re.findall(r"CELLENIUM_[A-Z0-9_]*[A-Z0-9]", (ROOT / "docker" / name).read_text()))
        assert named <= known | of_compose, name
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {name for name in of_entrypoint if name not in operations} == set()
