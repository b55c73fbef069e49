"""Packs the client into one file that Python runs: `python clients/build.py [TARGET]`, the same bytes each time."""

import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "cellenium_access"
TARGET = HERE.parent / "cellenium_admin" / "static" / "cellenium" / "cellenium_access.pyz"
MAIN = "import sys\nfrom cellenium_access.cli import main\nsys.exit(main())\n"
# Zip files know no time before this; any would do, as long as it is always the same.
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def build(target: Path = TARGET) -> Path:
    """Write the file and give its path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_suffix(".new")
    with new.open("wb") as stream:
        stream.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "__main__.py", MAIN.encode())
            for source in sorted(PACKAGE.glob("*.py")):
                _add(archive, f"cellenium_access/{source.name}", source.read_bytes())
    new.chmod(0o755)
    return new.replace(target)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, content)


if __name__ == "__main__":
    print(build(*map(Path, sys.argv[1:])))
