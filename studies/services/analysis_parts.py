"""The parts of an answer: who works on which genes, and what has been found so far."""

import io
import json
import uuid
from collections.abc import Sequence

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import jobs
from cellenium_admin.core.services.job_leases import Lease
from studies.models import Analysis, AnalysisPart
from studies.services.analyses import Table
from studies.services.tables import COLUMNS, DTYPE

PART_JOB = "studies.analysis_part"


@transaction.atomic
def prepare(*, analysis_id: uuid.UUID, lease: Lease, ranges: Sequence[tuple[int, int]]) -> list[AnalysisPart]:
    """Give the parts of a question, each with a job that has ended well or will be worked on.

    What an earlier attempt has found is kept when it cut the genes in the same way. Raises LeaseLostError.
    """
    jobs.assert_lease(job_id=lease.job_id, lease_token=lease.token)
    known = list(AnalysisPart.objects.filter(analysis=analysis_id).select_related("job"))
    if [(part.first, part.stop) for part in known] != list(ranges):
        AnalysisPart.objects.filter(analysis=analysis_id).delete()
        known = []
    held = {part.number: part for part in known}
    return [_prepared(analysis_id, number, bounds, held.get(number)) for number, bounds in enumerate(ranges)]


def part_to_compute(*, analysis_id: uuid.UUID, number: int) -> AnalysisPart:
    """Give a part, with its question. Raises NotFoundError when nobody wants it any more."""
    return _found(AnalysisPart.objects.filter(analysis=analysis_id, number=number))


@transaction.atomic
def keep(*, analysis_id: uuid.UUID, number: int, lease: Lease, tables: Sequence[Table]) -> None:
    """Keep what was found about a part. Raises LeaseLostError, NotFoundError when nobody wants it any more."""
    jobs.assert_lease(job_id=lease.job_id, lease_token=lease.token)
    part = _found(AnalysisPart.objects.filter(analysis=analysis_id, number=number, job=lease.job_id))
    part.tables = _packed(part.analysis.kind, tables)
    part.save(update_fields=["tables"])


def count_done(job_ids: Sequence[uuid.UUID]) -> int:
    """Count the jobs of parts that have ended."""
    return Job.objects.filter(pk__in=job_ids, state__in=Job.FINISHED).count()


def tables_of_all(analysis_id: uuid.UUID) -> list[list[Table]]:
    """Give what was found, range after range."""
    parts = AnalysisPart.objects.filter(analysis=analysis_id).select_related("analysis").order_by("number")
    return [_unpacked(part.analysis.kind, bytes(part.tables)) for part in parts]


def give_up(*, analysis_id: uuid.UUID, actor: Actor) -> None:
    """Have nobody work on the parts of a question any more, as far as they are not done."""
    for part in AnalysisPart.objects.filter(analysis=analysis_id).select_related("job"):
        with transaction.atomic():
            if Job.objects.select_for_update().unfinished().filter(pk=part.job_id).exists():
                jobs.cancel(job=part.job, actor=actor)


def _prepared(analysis_id: uuid.UUID, number: int, bounds: tuple[int, int], known: AnalysisPart | None) -> AnalysisPart:
    if known is not None and _will_end_well(known.job):
        return known
    part = known or AnalysisPart(analysis_id=analysis_id, number=number, first=bounds[0], stop=bounds[1])
    analysis = Analysis(pk=analysis_id)
    args = {"analysis_id": str(analysis_id), "number": number}
    part.job = jobs.enqueue(PART_JOB, owner=None, args=args, subject=analysis)
    part.save()
    return part


def _found(parts: QuerySet[AnalysisPart]) -> AnalysisPart:
    part = parts.select_related("analysis__version__study").first()
    if part is None:
        raise NotFoundError("The question was answered, or cut in another way, meanwhile.")
    return part


def _will_end_well(job: Job) -> bool:
    if job.is_finished:
        return job.state == Job.State.SUCCEEDED
    return job.cancel_requested_at is None


def _packed(kind: str, tables: Sequence[Table]) -> bytes:
    numbers = np.array([[table.columns[name] for name in COLUMNS[kind]] for table in tables], dtype=DTYPE)
    said = json.dumps([[table.position, table.facts] for table in tables])
    file = io.BytesIO()
    np.savez(file, numbers=numbers, said=np.array(said))
    return file.getvalue()


def _unpacked(kind: str, packed: bytes) -> list[Table]:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        numbers, said = arrays["numbers"], json.loads(str(arrays["said"]))
    return [
        Table(position, facts, dict(zip(COLUMNS[kind], columns, strict=True)))
        for (position, facts), columns in zip(said, numbers, strict=True)
    ]
