"""What building a Store takes in memory, measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.h5ad import generated_study

ROOT = Path(__file__).resolve().parents[3]
MEASURE = """
import sys, tracemalloc
from pathlib import Path
from imports.h5ad import convert
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import inspect

memory = int(sys.argv[3])
with open_h5ad(Path(sys.argv[1])) as file:
    study = inspect(file).study
    tracemalloc.start()
    with convert.matrix_builder(study, Path(sys.argv[2]), memory_bytes=memory * 3 // 4, source={}) as builder:
        convert.add_all_rows(study.matrix, builder, memory_bytes=memory // 4, progress=lambda done, total: None)
        builder.finish()
print(tracemalloc.get_traced_memory()[1])
"""


def grown(path: Path, directory: Path, memory: int) -> int:
    command = [sys.executable, "-c", MEASURE, str(path), str(directory), str(memory)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(result.stdout)


@pytest.mark.slow
def test_memory_depends_on_the_setting_and_not_on_the_file(tmp_path: Path) -> None:
    memory = 32 * 1024**2
    path = generated_study(tmp_path / "a.h5ad", cells=60_000, genes=1_000)
    assert memory < 6_000_000 * 8, "the matrix should not fit"
    small, large = (grown(path, tmp_path / str(times), times * memory) for times in (1, 20))
    print(f"{small / 1e6:.0f} MB and {large / 1e6:.0f} MB")
    assert small < 1.5 * memory
    assert large > 2 * memory, "the measurement sees what is used"
