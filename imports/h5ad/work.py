"""What is done with one file: checked as a whole, then converted; pure, so that it can run in a process apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imports.h5ad import convert
from imports.h5ad.findings import Finding, Findings, RefusedFileError, Severity
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import StudyFile, inspect
from studies.content import SourceContent, VersionContent
from studies.store.builder import StoreBuildError

Tell = Callable[[str, int, int], None]


def work(
    file: Path, building: Path | None, memory_bytes: int, source: dict[str, Any], tell: Tell
) -> tuple[Findings, VersionContent | None]:
    """Check a file and, unless `building` is None, write its Stores there and describe what becomes rows.

    `source` are the fields of SourceContent; `tell(stage, done, total)` is told of "validate", "convert", "write".
    The content is None when the file is refused, and when it was only to be checked.
    """
    try:
        with open_h5ad(file) as opened:
            tell("validate", 0, 0)
            inspection = inspect(opened, lambda done, total: tell("validate", done, total))
            if inspection.study is None or building is None:
                return inspection.findings, None
            _build(inspection.study, building, memory_bytes, source, tell)
            return inspection.findings, convert.version_content(inspection.study, SourceContent(**source))
    except RefusedFileError as error:
        return Findings([error.finding]), None
    except StoreBuildError as error:
        remedy = "Correct X and upload the file again."
        return Findings([Finding(Severity.ERROR, "matrix_unusable", "X", found=str(error), remedy=remedy)]), None


def _build(study: StudyFile, building: Path, memory_bytes: int, source: dict[str, Any], tell: Tell) -> None:
    for_blocks = memory_bytes // convert.BLOCK_SHARE
    tell("convert", 0, len(study.cells))
    with convert.matrix_builder(study, building, memory_bytes=memory_bytes - for_blocks, source=source) as builder:
        convert.add_all_rows(
            study.matrix, builder, memory_bytes=for_blocks, progress=lambda done, total: tell("convert", done, total)
        )
        tell("write", 0, len(study.genes))
        builder.finish(lambda done, total: tell("write", done, total))
    convert.write_cell_store(study, building, source=source)
