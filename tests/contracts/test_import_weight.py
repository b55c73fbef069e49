"""The web process stays light: what reads h5ad files and computes is for workers, the local AWS for demos."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"aiohttp", "anndata", "h5py", "moto", "numba", "pandas", "scanpy", "scipy"}
PROGRAM = """
import sys
import cellenium_admin.wsgi
from django.urls import URLResolver, get_resolver

def views(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback

assert len(list(views(get_resolver().url_patterns))) > 20
print(*sorted(name for name in sys.modules if "." not in name))
"""


def modules_after(program: str) -> set[str]:
    environment = {**os.environ, "CELLENIUM_ENVIRONMENT": "development"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_web_process_imports_nothing_heavy() -> None:
    loaded = modules_after(PROGRAM)
    assert {"django", "studies", "imports"} <= loaded
    assert not loaded & HEAVY


def test_the_measure_sees_a_heavy_import() -> None:
    assert modules_after("import sys, h5py; print(*sys.modules)") & HEAVY == {"h5py"}
