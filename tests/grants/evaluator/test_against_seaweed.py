"""The evaluator and a real SeaweedFS judge the same random requests.

Where they are known to differ is in `tests/support/seaweed_differences.py`, with who is right by AWS's documentation;
what falls under none of these has to be judged alike. SeaweedFS takes no NotAction or NotResource in session and
bucket policies, so that these have none.
"""

import collections
from pathlib import Path

import pytest

from tests.support.seaweed_differences import DIFFERENCES, concerning
from tests.support.seaweed_samples import Judge, Sample


def judged(judge: Judge, *, rounds: int, each: int) -> list[tuple[Sample, bool]]:
    """Let SeaweedFS judge requests of everybody, under new bucket policies each round."""
    found: list[tuple[Sample, bool]] = []
    try:
        for _ in range(rounds):
            judge.change_bucket_policies()
            samples = judge.samples(each)
            found += zip(samples, judge.verdicts(samples), strict=True)
    finally:
        judge.close()
    return found


def compare(found: list[tuple[Sample, bool]]) -> tuple[int, int, collections.Counter[str]]:
    """Compare what falls under no known difference: how many, how many allowed, and how often each class differed."""
    compared = allowed = 0
    differed: collections.Counter[str] = collections.Counter()
    unexplained = []
    for sample, verdict in found:
        classes, ours = concerning(sample), sample.allowed()
        if classes:
            differed.update(classes if ours != verdict else [])
            continue
        compared, allowed = compared + 1, allowed + ours
        if ours != verdict:
            unexplained.append((sample, "evaluator allows" if ours else "SeaweedFS allows"))
    report(len(found), compared, allowed, differed)
    shown = [(one.method, one.resource, one.prefix, who, one.documents()) for one, who in unexplained[:3]]
    assert not unexplained, f"{len(unexplained)} of {compared}: {shown}"
    return compared, allowed, differed


def report(samples: int, compared: int, allowed: int, differed: collections.Counter[str]) -> None:
    """Print the counts."""
    print(f"\n{samples} samples, {compared} compared, {allowed} of them allowed")
    for difference in DIFFERENCES:
        print(f"{differed[difference.name]:6} differ: {difference.name}")


def test_some_samples(tmp_path: Path) -> None:
    found = judged(Judge(tmp_path, seed=5, users=9, sessions=9), rounds=2, each=24)
    compared, allowed, _ = compare(found)
    assert compared >= 300
    assert 20 <= allowed <= compared - 20


@pytest.mark.slow
def test_five_thousand_samples(tmp_path: Path) -> None:
    found = judged(Judge(tmp_path, seed=9, users=40, sessions=40), rounds=4, each=50)
    compared, allowed, differed = compare(found)
    assert compared >= 5000
    assert 500 <= allowed <= compared - 500
    assert {difference.name for difference in DIFFERENCES} == set(differed), "a class that never differs is none"
