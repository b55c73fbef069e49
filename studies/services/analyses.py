"""Heavy questions: equal ones are one Analysis, computed once by a job, kept with its answer."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Job, User
from cellenium_admin.core.services import audit, jobs
from studies.models import Analysis, AnalysisTable, Layer, StudyVersion
from studies.services.tables import Columns, pack


@dataclass(frozen=True, slots=True)
class Table:
    """One table of an answer: its place, what is said beside its numbers, and the numbers."""

    position: int
    facts: dict[str, Any]
    columns: Columns


@transaction.atomic
def ask(
    *,
    version: StudyVersion,
    kind: Analysis.Kind,
    parameters: Mapping[str, Any],
    user: User | None,
    actor: Actor,
    details: Mapping[str, Any],
) -> Analysis:
    """Find the answer, or the job that works on it, or put the question into the queue.

    `parameters` are canonical: equal questions have equal parameters. A question whose job failed or was cancelled
    gets a new job, which belongs to `user`. The caller has made sure that the actor may ask.
    """
    # One asker at a time per version, so that two equal questions cannot both find nothing.
    StudyVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    digest = fingerprint(parameters)
    known = Analysis.objects.filter(version=version, kind=kind, parameters_sha256=digest).select_related("job").first()
    if known is not None and (known.answered_at is not None or _will_end_well(known.job)):
        return known
    analysis = known or Analysis(version=version, kind=kind, parameters=dict(parameters), parameters_sha256=digest)
    analysis.job = jobs.enqueue(f"studies.{kind}", owner=user, args={"analysis_id": str(analysis.pk)}, subject=analysis)
    analysis.save()
    audit.record(
        action=Action.ANALYSIS_REQUESTED,
        actor=actor,
        obj=version.study,
        details={
            "analysis_id": str(analysis.pk),
            "job_id": str(analysis.job.pk),
            "kind": str(kind),
            "version_id": str(version.pk),
            **details,
        },
    )
    return analysis


def analysis_to_compute(analysis_id: uuid.UUID) -> Analysis:
    """Give the question behind a job, with version and study fetched along."""
    return Analysis.objects.select_related("version__study").get(pk=analysis_id)


def layer_asked(analysis: Analysis) -> Layer:
    """Give the matrix a question is about."""
    asked = analysis.parameters
    return analysis.version.layers.get(name=asked["layer"], modality=asked["modality"])


@transaction.atomic
def store_tables(*, analysis_id: uuid.UUID, job_id: uuid.UUID, lease_token: int, tables: Iterable[Table]) -> Analysis:
    """Keep the answer to a question, once. Raises LeaseLostError when the job is not this worker's any more."""
    jobs.assert_lease(job_id=job_id, lease_token=lease_token)
    analysis = Analysis.objects.select_for_update(of=("self",)).get(pk=analysis_id)
    if analysis.answered_at is None:
        AnalysisTable.objects.bulk_create(
            AnalysisTable(
                analysis=analysis,
                position=table.position,
                facts=table.facts,
                columns=pack(analysis.kind, table.columns),
            )
            for table in tables
        )
        analysis.parts.all().delete()
        analysis.answered_at = timezone.now()
        analysis.save(update_fields=["answered_at"])
    return analysis


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Give the SHA-256 of the parameters as canonical JSON."""
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _will_end_well(job: Job) -> bool:
    """Tell whether the job still works on the answer; one that was asked to stop does not."""
    return not job.is_finished and job.cancel_requested_at is None
