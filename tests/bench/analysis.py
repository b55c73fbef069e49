"""The heavy questions beside what people use instead, on one seeded study: `python -m tests.bench.analysis`.

One run: import beside `anndata.read_h5ad`, each in a process of its own for its peak memory; then, in turns on the
same data, cellenium's way (load and compute), scanpy, illico and pdex, and ours on a warm map. Every other tool gets
both processors where it takes a number of threads. `--cells`, `--genes` and `--few` make it smaller, `--json FILE`
writes the numbers. Needs the environment of requirements/bench.txt; `make bench` makes it.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import seeded_study

DIRECTORY = Path(".bench")
PATIENCE = 3600


def seconds(work: Callable[[], object], *, times: int) -> float:
    """Give the median of so many calls, after one that is not counted when there are more than one."""
    taken = []
    for _ in range(times + (times > 1)):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[-times:])


def apart(step: str, *arguments: object) -> dict[str, Any]:
    """Run one step in a process of its own, and give what it prints with its peak memory."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.analysis_steps", step, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def copy_bandwidth() -> float:
    """Give how many GB one thread copies in a second, reading and writing counted once."""
    given = np.ones(1 << 28, dtype=np.uint8)
    taken = np.empty_like(given)
    return given.size / seconds(lambda: np.copyto(taken, given), times=5) / 1e9


def our_questions(store_directory: Path, types: np.ndarray) -> dict[str, dict[str, float]]:
    """Time our own answers on a warm map, and say how many bytes of the Store each touches."""
    from studies.analysis.correlation import pearson, spearman
    from studies.analysis.t_test import welch_t_test
    from studies.analysis.wilcoxon import rank_sum_test
    from studies.store.reader import MatrixReader

    store = MatrixReader(store_directory)
    cells = {name: np.flatnonzero(types == name).astype(np.uint32) for name in seeded_study.TYPES}
    few = np.sort(np.random.default_rng(5).choice(store.cells, 50, replace=False)).astype(np.uint32)
    order = np.argsort(store.nonzero)
    genes = {"median": order[store.features // 2], "95th": order[store.features * 95 // 100], "most": order[-1]}
    questions: dict[str, Callable[[], object]] = {
        "50 cells, rest": lambda: rank_sum_test(store, few),
        "10 %, rest": lambda: rank_sum_test(store, cells["tenth"]),
        "50 %, rest": lambda: rank_sum_test(store, cells["half"]),
        "10 %, 10 %": lambda: rank_sum_test(store, cells["tenth"], cells["tenth two"]),
        "50 %, 30 %": lambda: rank_sum_test(store, cells["half"], cells["rest"]),
        "10 %, rest, t-test": lambda: welch_t_test(store, cells["tenth"]),
        **{f"pearson, {name} gene": lambda gene=gene: pearson(store, int(gene)) for name, gene in genes.items()},
        "spearman, median gene": lambda: spearman(store, int(genes["median"])),
        "one gene, all cells": lambda: store.gene(int(genes["median"])),
    }
    entry = store.row_genes.itemsize + 4 + store.row_ranks.itemsize
    touched = {name: _row_entries(store, group) * entry for name, group in (("10 %, rest", cells["tenth"]),
               ("50 %, rest", cells["half"]))}  # fmt: skip
    return {
        name: {"seconds": seconds(work, times=9), **({"bytes": touched[name]} if name in touched else {})}
        for name, work in questions.items()
    }


def _row_entries(store: Any, cells: np.ndarray) -> int:
    return int((store.row_indptr[cells + np.uint32(1)] - store.row_indptr[cells]).sum())


def their_questions(data: Any, few: bool) -> dict[str, float]:
    """Time what people use instead, on the data in memory as CSR."""
    import illico
    import pdex
    import scanpy
    from loguru import logger

    logger.remove()

    both = len(os.sched_getaffinity(0))
    options = {"is_log1p": True, "group_keys": "cell_type", "n_threads": both}
    work: dict[str, Callable[[], object]] = {
        "illico 10 %, rest": lambda: illico.asymptotic_wilcoxon(data, groups=["tenth"], **options),
        "illico 50 %, rest": lambda: illico.asymptotic_wilcoxon(data, groups=["half"], **options),
        "illico 10 %, 10 %": lambda: illico.asymptotic_wilcoxon(
            data, reference="tenth two", groups=["tenth"], **options
        ),
        "illico 50 %, 30 %": lambda: illico.asymptotic_wilcoxon(data, reference="rest", groups=["half"], **options),
        "pdex 1 vs rest, all groups": lambda: pdex.pdex(data, "cell_type", mode="all", threads=both, is_log1p=True),
    }
    found = {name: seconds(step, times=1 if few else 3) for name, step in work.items()}

    def ask_scanpy(asked: Any) -> None:
        scanpy.tl.rank_genes_groups(
            asked, "cell_type", groups=["tenth"], method="wilcoxon", tie_correct=True, use_raw=False
        )

    # Its compiled parts are ready before the clock starts.
    ask_scanpy(data[:200, :50].copy())
    return {**found, "scanpy 10 %, rest": seconds(lambda: ask_scanpy(data), times=1)}


def measure(cells: int, genes: int, *, few: bool, alone: bool) -> dict[str, Any]:
    """Measure everything once."""
    import anndata

    DIRECTORY.mkdir(exist_ok=True)
    path = seeded_study.write(DIRECTORY / f"{cells}x{genes}.h5ad", cells, genes=genes)
    built = DIRECTORY / f"{cells}x{genes}"
    shutil.rmtree(built, ignore_errors=True)
    reading, importing = apart("read", path), apart("import", path, built)
    cellenium = (
        {} if few or alone else {"de": apart("cellenium-de", path), "correlation": apart("cellenium-correlation", path)}
    )
    ours = our_questions(built / "rna-X", seeded_study.labels(cells))
    theirs = {} if alone else their_questions(anndata.read_h5ad(path), few)
    sizes = {
        "h5ad": path.stat().st_size,
        "store": sum(file.stat().st_size for file in (built / "rna-X").iterdir()),
    }
    return {
        "cells": cells,
        "genes": genes,
        "copy_gb_per_second": copy_bandwidth(),
        "bytes": sizes,
        "read_h5ad": reading,
        "import": importing,
        "cellenium": cellenium,
        "ours": ours,
        "theirs": theirs,
    }


def show(found: dict[str, Any]) -> None:
    """Print the numbers as tables."""
    ours, theirs = found["ours"], found["theirs"]
    print(
        f"{found['cells']:,} cells x {found['genes']:,} genes; one thread copies {found['copy_gb_per_second']:.1f} GB/s"
    )
    for name in ("read_h5ad", "import"):
        print(f"{name:<12} {found[name]['seconds']:8.1f} s  peak {found[name]['peak_mib']:8.0f} MiB")
    print(f"h5ad {found['bytes']['h5ad'] / 1e6:.0f} MB, Store {found['bytes']['store'] / 1e6:.0f} MB")
    for name, one in ours.items():
        rate = f"{one['bytes'] / one['seconds'] / 1e9:8.1f} GB/s" if "bytes" in one else ""
        print(f"ours    {name:<24} {1000 * one['seconds']:10.2f} ms {rate}")
    for name, taken in theirs.items():
        print(f"{name:<32} {1000 * taken:10.0f} ms")
    for ratio, (way, question) in RATIOS.items():
        beside = found["cellenium"].get(way, {}).get("seconds") or theirs.get(way)
        if beside:
            print(f"{ratio:<60} {beside / ours[question]['seconds']:10.0f} times")


RATIOS = {
    "one 10 % group against the rest, cellenium (load + compute)": ("de", "10 %, rest"),
    "one 10 % group against the rest, illico (compute)": ("illico 10 %, rest", "10 %, rest"),
    "one 50 % group against the rest, illico (compute)": ("illico 50 %, rest", "50 %, rest"),
    "10 % against 10 %, illico (compute)": ("illico 10 %, 10 %", "10 %, 10 %"),
    "50 % against 30 %, illico (compute)": ("illico 50 %, 30 %", "50 %, 30 %"),
    "one 10 % group against the rest, scanpy (compute)": ("scanpy 10 %, rest", "10 %, rest"),
    "correlation of a median gene, cellenium (load + compute)": ("correlation", "pearson, median gene"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--genes", type=int, default=seeded_study.GENES)
    parser.add_argument("--few", action="store_true", help="each tool once, without cellenium's way")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--alone", action="store_true", help="ours only, without the other tools")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = measure(options.cells, options.genes, few=options.few, alone=options.alone)
    show(found)
    print(f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
