"""The layer contracts of pyproject.toml hold, and each of them can fail."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cellenium_admin", "grants", "studies", "imports")

# For each contract: a module, an import it must not have, and the chain that must be reported.
PLANTED = {
    "Imports point down: composition root, imports, studies and grants, core": [
        ("cellenium_admin/core/context.py", "import studies.models", "cellenium_admin.core.context -> studies.models"),
        ("studies/querysets.py", "import imports.models", "studies.querysets -> imports.models"),
        ("grants/apps.py", "import studies.apps", "grants.apps -> studies.apps"),
        ("imports/apps.py", "def later():\n    import cellenium_admin.urls", "imports.apps -> cellenium_admin.urls"),
    ],
    "Every module beside core is part of the composition root": [
        ("cellenium_admin/settings/typing.py", "import cellenium_admin.api", "settings.typing -> cellenium_admin.api"),
        ("cellenium_admin/homeless.py", "", "cellenium_admin.homeless"),
    ],
    "Inside an app: edges, services, models": [
        (
            "studies/models/study.py",
            "import studies.services.access",
            "studies.models.study -> studies.services.access",
        ),
        ("imports/services/uploads.py", "import imports.admin", "imports.services.uploads -> imports.admin"),
    ],
    "Tasks are reached by their registered names, never imported": [
        ("studies/services/studies.py", "import studies.tasks", "studies.services.studies -> studies.tasks"),
    ],
    "What computes is imported by tasks and commands only": [
        (
            "studies/services/rows.py",
            "import studies.analysis.adjust",
            "studies.services.rows -> studies.analysis.adjust",
        ),
    ],
    "What workers compute is reached through tasks": [
        ("studies/apps.py", "import studies.computing.parts", "studies.apps -> studies.computing.parts"),
    ],
    "Files of others are opened in the reader process only": [
        (
            "imports/services/uploads.py",
            "import imports.h5ad.contract",
            "imports.services.uploads -> imports.h5ad.contract",
        ),
        ("imports/tasks.py", "import imports.h5ad.opener", "imports.tasks -> imports.h5ad.opener"),
    ],
    "What the web process imports leads to no package that reads h5ad files or computes": [
        ("cellenium_admin/core/services/jobs.py", "import pandas", "cellenium_admin.core.services.jobs -> pandas"),
    ],
    "Pure packages know no framework, no AWS and no database": [
        ("studies/store/format.py", "from django.conf import settings", "studies.store.format -> django"),
        (
            "imports/h5ad/contract.py",
            "import cellenium_admin.core.storage",
            "imports.h5ad.contract -> cellenium_admin.core",
        ),
    ],
    "The embedded servers know nothing of what they serve": [
        (
            "cellenium_admin/embedded/ports.py",
            "import cellenium_admin.core.prefixes",
            "embedded.ports -> cellenium_admin.core",
        ),
    ],
    "AWS is spoken in few places": [
        ("studies/services/access.py", "def later():\n    import boto3", "studies.services.access -> boto3"),
        ("cellenium_admin/core/services/jobs.py", "import moto", "cellenium_admin.core.services.jobs -> moto"),
        ("grants/evaluator.py", "import aiohttp", "grants.evaluator -> aiohttp"),
        ("grants/aws/iam.py", "import boto3", "grants.aws.iam -> boto3"),
        ("grants/services/locations.py", "import botocore", "grants.services.locations -> botocore"),
    ],
    "The gateway to AWS knows no rows: what AWS says is the same whoever asks": [
        ("grants/aws/calls.py", "import grants.models", "grants.aws.calls -> grants.models"),
        ("grants/aws/sts.py", "from django.conf import settings", "grants.aws.sts -> django"),
    ],
    "The rules of access are pure: who may do what depends on policies and the request alone": [
        ("grants/policy_patterns.py", "import botocore", "grants.policy_patterns -> botocore"),
        ("grants/evaluator.py", "import grants.sandbox.clock", "grants.evaluator -> grants.sandbox.clock"),
    ],
    "The local AWS knows nothing of the product, as AWS does not": [
        ("grants/sandbox/clock.py", "from django.utils import timezone", "grants.sandbox.clock -> django"),
        (
            "grants/sandbox/errors.py",
            "import cellenium_admin.core.prefixes",
            "grants.sandbox.errors -> cellenium_admin.core",
        ),
    ],
    "The product does not need the local AWS: a command and the demo start it": [
        ("imports/services/uploads.py", "import grants.sandbox", "imports.services.uploads -> grants.sandbox"),
        ("grants/apps.py", "import grants.sandbox.seeds", "grants.apps -> grants.sandbox.seeds"),
    ],
}


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(directory), "COLUMNS": "400", "NO_COLOR": "1"}
    program = str(Path(sys.executable).with_name("lint-imports"))
    return subprocess.run(
        [program, "--no-cache"], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


def contract_names(directory: Path) -> list[str]:
    configuration = tomllib.loads((directory / "pyproject.toml").read_text())
    return [contract["name"] for contract in configuration["tool"]["importlinter"]["contracts"]]


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_contracts_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(contract_names(ROOT))} kept, 0 broken." in result.stdout


def copy_with_violations(directory: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", directory)
    for violations in PLANTED.values():
        for module, code, _ in violations:
            with (directory / module).open("a") as stream:
                stream.write(f"\n{code}\n")


def test_each_contract_fails_when_it_is_broken(tmp_path: Path) -> None:
    copy_with_violations(tmp_path)
    output = plain(lint_imports(tmp_path).stdout)
    summary, _, details = output.partition("Broken contracts")
    names = contract_names(tmp_path)
    assert set(names) == set(PLANTED)
    assert [name for name in names if f"{name} BROKEN" not in summary] == []
    chains = [chain for violations in PLANTED.values() for _, _, chain in violations]
    assert [chain for chain in chains if chain not in details] == []
