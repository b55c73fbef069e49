"""All broken files together, and how what becomes of them is judged and told."""

import collections
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.imports.broken import annotations, containers, damage, declarations, frames, matrices, projections
from tests.imports.broken.case import Case, flat

GROUPS = (declarations, frames, matrices, annotations, projections, containers, damage)
CASES = list(flat([group.CASES for group in GROUPS]))
QUICK = CASES[::9]


def spoilt(valid: Path, case: Case, path: Path) -> Path:
    shutil.copyfile(valid, path)
    case.spoil(path)
    return path


def fault(case: Case, errors: Iterable[str], codes: Iterable[str]) -> str:
    """Say in what the outcome is not what it should be."""
    errors, codes = list(errors), list(codes)
    if case.refused is not None and bool(errors) != case.refused:
        return f"{case.name}: {'imported' if case.refused else 'refused'} with {codes}"
    if case.code and case.code not in (errors if case.refused else codes):
        return f"{case.name}: {codes} without {case.code}"
    return ""


def tell(outcomes: dict[str, list[str]]) -> None:
    """Print how often each code came, and how often as what."""
    counts = collections.Counter(code for codes in outcomes.values() for code in codes)
    refusals = sum(any(code.startswith("error ") for code in codes) for codes in outcomes.values())
    print(f"\n{len(outcomes)} broken files: {refusals} refused, {len(outcomes) - refusals} imported")
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {count:4d}  {code}")
