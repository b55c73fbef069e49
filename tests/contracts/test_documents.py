"""The documents say what is so: links lead somewhere, commands, targets and routes that are named exist."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
FOLDERS = "core|docker|docs|grants|studies|imports|tests|cellenium_admin|requirements|\\.ci"
NAMED_PATH = re.compile(rf"`((?:{FOLDERS})/[\w./-]+?)/?`")
COMMAND = re.compile(r"(?:cellenium-admin|manage\.py|run --rm worker) ([a-z_0-9]+)")
TARGET = re.compile(r"(?:`|^ {4})make ([a-z-]+)", flags=re.MULTILINE)
ROUTE = re.compile(r"(?:GET|POST) (?:/api/v1)?(/[a-z{/_}-]+(?:\.csv)?)")


def texts(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def exists(name: str) -> bool:
    return any((base / name).exists() for base in (ROOT, ROOT / "cellenium_admin"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    assert [link for link in LINK.findall(texts(path)) if not (path.parent / link).exists()] == []
    assert [name for name in NAMED_PATH.findall(texts(path)) if not exists(name) and not name.endswith(".env")] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_targets_exist(path: Path) -> None:
    makefile = texts(ROOT / "Makefile")
    assert [name for name in COMMAND.findall(texts(path)) if name not in {*get_commands(), "help"}] == []
    assert [name for name in TARGET.findall(texts(path)) if f"\n{name}:" not in makefile] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_routes_exist(path: Path) -> None:
    known = {re.sub(r"\{\w+\}", "{}", route) for route in yaml.safe_load(texts(ROOT / "docs/openapi.yaml"))["paths"]}
    known |= {"/api/v1/schema", "/api/v1/docs"}
    named = [re.sub(r"\{\w+\}", "{}", route) for route in ROUTE.findall(texts(path))]
    assert [route for route in named if f"/api/v1{route}" not in known] == []


def test_the_measures_see_something() -> None:
    everything = "\n".join(texts(path) for path in DOCUMENTS)
    for pattern, least in ((LINK, 20), (NAMED_PATH, 10), (COMMAND, 10), (TARGET, 10), (ROUTE, 4)):
        assert len(pattern.findall(everything)) >= least, pattern.pattern


def test_licence_and_version_agree() -> None:
    assert "Copyright (c) 2026 the cellenium-admin authors" in texts(ROOT / "LICENSE")
    version = re.search(r'^version = "(.+)"', texts(ROOT / "pyproject.toml"), flags=re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in texts(ROOT / "CHANGELOG.md")
