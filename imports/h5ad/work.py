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


class UnusableLayerError(Exception):
    """The Store cannot take a matrix; `place` says which, as Python code reads it."""

    def __init__(self, planned: convert.PlannedLayer, modalities: int, error: StoreBuildError) -> None:
        """Carry the builder's reason."""
        super().__init__(str(error))
        own = planned.layer.place
        self.place = own if modalities == 1 else f"mod['{planned.modality.name}'].{own}"


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
    except UnusableLayerError as error:
        remedy = f"Correct {error.place} and upload the file again."
        return Findings([Finding(Severity.ERROR, "matrix_unusable", error.place, str(error), remedy=remedy)]), None


def _build(study: StudyFile, building: Path, memory_bytes: int, source: dict[str, Any], tell: Tell) -> None:
    """Write all Stores; the stage is "convert" until the last matrix is sorted, for stages never go back."""
    for_blocks = memory_bytes // convert.BLOCK_SHARE
    layers = convert.planned_layers(study)
    cells = len(study.cells)
    for number, planned in enumerate(layers):
        is_last = number == len(layers) - 1

        def rows(done: int, _total: int, before: int = number * cells) -> None:
            tell("convert", before + done, cells * len(layers))

        def columns(done: int, total: int, is_last: bool = is_last, before: int = (number + 1) * cells) -> None:
            tell("write", done, total) if is_last else tell("convert", before, cells * len(layers))

        rows(0, cells)
        try:
            with convert.matrix_builder(
                study, building, memory_bytes=memory_bytes - for_blocks, source=source, planned=planned
            ) as builder:
                convert.add_all_rows(planned.layer.matrix, builder, memory_bytes=for_blocks, progress=rows)
                columns(0, len(planned.modality.features))
                builder.finish(columns)
        except StoreBuildError as error:
            raise UnusableLayerError(planned, len(study.modalities), error) from error
    convert.write_cell_store(study, building, source=source)
