"""Answering a question in parts: ranges of genes, each a job of its own that any worker may take.

The worker that holds the question works off the parts as well, so it never waits for a worker that does not come, and
takes back what a dead one held. That is why there is no barrier of the broker's (a Celery chord): a part that is lost
there is lost for good, while here every part has its lease.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import numpy as np

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError, LeaseLostError
from cellenium_admin.core.models import Job
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import jobs
from studies.analysis.results import DifferentialExpression, joined
from studies.models import Analysis, AnalysisPart
from studies.services import analysis_parts
from studies.services.analyses import Table

# How long a part another worker holds is waited for before looking again whether that worker lives.
LOOK_SECONDS = 2.0

WorkOff = Callable[[str], None]


class PartFailedError(ApplicationError):
    """One part of an answer could not be computed; says why."""

    code = "part_failed"


def answered_in_parts(
    job: RunningJob, analysis: Analysis, ranges: Sequence[tuple[int, int]], work_off: WorkOff
) -> list[Table]:
    """Have the answer computed for each range of genes, here and by other workers, and put it together.

    `work_off` runs the job of a part in this process unless somebody else has it. Raises PartFailedError.
    """
    parts = analysis_parts.prepare(analysis_id=analysis.pk, lease=job.lease, ranges=ranges)
    try:
        for part in parts:
            work_off(str(part.job_id))
            _tell(job, parts)
        for part in parts:
            _await(job, parts, part.job_id, work_off)
    except LeaseLostError:
        raise  # whoever holds the question now needs the parts
    except Exception:
        analysis_parts.give_up(analysis_id=analysis.pk, actor=Actor.system(job.name))
        raise
    return _together(analysis.kind, analysis_parts.tables_of_all(analysis.pk))


def _await(job: RunningJob, parts: Sequence[AnalysisPart], part_job_id: UUID, work_off: WorkOff) -> None:
    while not (found := jobs.wait_for(part_job_id, seconds=LOOK_SECONDS)).is_finished:
        _tell(job, parts)
        work_off(str(part_job_id))
    if found.state != Job.State.SUCCEEDED:
        raise PartFailedError(found.error_detail or "A part of the work was cancelled.", code=found.error_code or None)
    _tell(job, parts)


def _tell(job: RunningJob, parts: Sequence[AnalysisPart]) -> None:
    job.check()
    job.progress(analysis_parts.count_done([part.job_id for part in parts]), len(parts))


def _together(kind: str, of_parts: Sequence[Sequence[Table]]) -> list[Table]:
    """Join the tables of one position, range after range."""
    return [_joined(kind, tables) for tables in zip(*of_parts, strict=True)]


def _joined(kind: str, tables: Sequence[Table]) -> Table:
    first = tables[0]
    if kind == Analysis.Kind.DIFFERENTIAL_EXPRESSION:
        whole = joined([DifferentialExpression(**table.columns) for table in tables])
        return Table(first.position, first.facts, {name: getattr(whole, name) for name in first.columns})
    columns = {name: np.concatenate([table.columns[name] for table in tables]) for name in first.columns}
    return Table(first.position, _facts(tables), columns)


def _facts(tables: Sequence[Table]) -> dict[str, Any]:
    """Say of the whole what is said of all its parts; only whether sums are whole numbers may differ among them."""
    facts = tables[0].facts
    if "whole_numbers" in facts:
        return {**facts, "whole_numbers": all(table.facts["whole_numbers"] for table in tables)}
    return facts
