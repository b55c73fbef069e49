"""The states of an import. Every change is made under the lease of the job that does the work."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Job, Outcome
from cellenium_admin.core.services import audit, jobs
from cellenium_admin.core.services.job_leases import Lease
from imports.models import Finding, ImportRun
from imports.services import turns
from studies.content import VersionContent
from studies.models import StudyVersion
from studies.services import markers
from studies.services.publication import publish_version
from studies.services.sources import move_source

ACTOR = Actor.system("imports.run_import")
MOST_FINDINGS = 1000
TEXTS = ("code", "path", "found", "expected", "remedy")
LENGTHS = {
    field.name: field.max_length
    for field in Finding._meta.concrete_fields  # noqa: SLF001 -- documented as public
    if field.name in TEXTS
}

FindingValues = Mapping[str, str]


@transaction.atomic
def start(*, run_id: UUID, lease: Lease) -> ImportRun:
    """Begin an attempt, or give the run as it ended: in an earlier attempt, or now if it was overtaken.

    Raises LeaseLostError, JobPostponedError while another file of the study is being imported.
    """
    run, job = _held(run_id, lease)
    if run.is_finished or _supersede(run, job):
        return run
    turns.check(run)
    _move(run, ImportRun.State.VALIDATING)
    audit.record(action=Action.IMPORT_STARTED, actor=ACTOR, obj=run, details=_facts(run, job))
    return run


@transaction.atomic
def advance(*, run_id: UUID, lease: Lease, state: ImportRun.State) -> None:
    """Note how far the attempt is. Raises LeaseLostError."""
    run, _ = _held(run_id, lease)
    _move(run, state)


@transaction.atomic
def reject(*, run_id: UUID, lease: Lease, findings: Sequence[FindingValues]) -> None:
    """End the run because of what was found in the file. Raises LeaseLostError."""
    run, job = _held(run_id, lease)
    _save_findings(run, findings)
    _move(run, ImportRun.State.REJECTED)
    details = {**_facts(run, job), **_counts(findings)}
    audit.record(action=Action.IMPORT_REJECTED, actor=ACTOR, obj=run, details=details, outcome=Outcome.REFUSED)


@transaction.atomic
def publish(
    *,
    run_id: UUID,
    lease: Lease,
    content: VersionContent,
    findings: Sequence[FindingValues],
    put_in_place: Callable[[], None],
) -> StudyVersion | None:
    """Make the version the one everybody sees; `put_in_place` moves its Store to where readers look for it.

    While the lease is locked no other attempt can come this far, so the place is ours. A file that was replaced
    meanwhile never takes the place of its successor: then the run is superseded and None is given.
    Raises LeaseLostError, ConflictError when the study it was to go to cannot take it.
    """
    run, job = _held(run_id, lease)
    _save_findings(run, findings)
    if _supersede(run, job):
        return None
    if run.target_id is not None:
        move_source(study_id=run.target_id, uri=run.upload.uri, actor=ACTOR)
    put_in_place()
    version = publish_version(version_id=run.pk, content=content, owner=run.upload.owner, actor=ACTOR)
    run.study, run.version = version.study, version
    _move(run, ImportRun.State.PUBLISHED)
    details = {**_facts(run, job), **_counts(findings), **_published_facts(version)}
    audit.record(action=Action.IMPORT_PUBLISHED, actor=ACTOR, obj=run, details=details)
    markers.request_missing(version=version, actor=ACTOR)
    return version


def end_with_job(job: Job) -> None:
    """End the run of a job that ended without ending it: cancelled, out of attempts, its file gone.

    Called inside the transaction that ends the job.
    """
    run = ImportRun.objects.select_for_update(of=("self",)).select_related("upload").filter(job=job).first()
    if run is None or run.is_finished:
        return
    details = {**_facts(run, job), "code": job.error_code, "detail": job.error_detail[:1000]}
    if job.state == Job.State.CANCELLED:
        _move(run, ImportRun.State.CANCELLED)
        audit.record(action=Action.IMPORT_CANCELLED, actor=ACTOR, obj=run, details=details)
    else:
        _move(run, ImportRun.State.FAILED)
        audit.record(action=Action.IMPORT_FAILED, actor=ACTOR, obj=run, details=details, outcome=Outcome.FAILED)


def _held(run_id: UUID, lease: Lease) -> tuple[ImportRun, Job]:
    """Lock the job first, then its run, as the end of a job does."""
    job = jobs.assert_lease(job_id=lease.job_id, lease_token=lease.token)
    run = ImportRun.objects.select_for_update(of=("self",)).select_related("upload", "upload__owner")
    return run.get(pk=run_id, job=job), job


def _move(run: ImportRun, state: ImportRun.State) -> None:
    run.state = state
    run.finished_at = timezone.now() if run.is_finished else None
    run.save(update_fields=["state", "finished_at", "study", "version"])
    if run.is_finished:
        turns.pass_on(run)


def _supersede(run: ImportRun, job: Job) -> bool:
    """End the run if a newer upload of its file is published."""
    uploads = turns.locked_uploads(run)
    newer = uploads[uploads.index(run.upload) + 1 :]
    if not ImportRun.objects.filter(upload__in=newer, state=ImportRun.State.PUBLISHED).exists():
        return False
    _move(run, ImportRun.State.SUPERSEDED)
    details = {**_facts(run, job), "code": "superseded"}
    audit.record(action=Action.IMPORT_CANCELLED, actor=ACTOR, obj=run, details=details)
    return True


def _save_findings(run: ImportRun, findings: Sequence[FindingValues]) -> None:
    run.findings.all().delete()
    Finding.objects.bulk_create(_row(run, finding) for finding in findings[:MOST_FINDINGS])


def _row(run: ImportRun, finding: FindingValues) -> Finding:
    texts = {name: _fitting(name, finding[name]) for name in TEXTS}
    return Finding(run=run, severity=finding["severity"], **texts)


def _fitting(name: str, text: str) -> str:
    """Make what was found in a stranger's file fit for the column: PostgreSQL knows no NUL, UTF-8 no half pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[: LENGTHS[name]]


def _facts(run: ImportRun, job: Job) -> dict[str, Any]:
    return {
        "run_id": str(run.pk),
        "upload_id": str(run.upload_id),
        "uri": run.upload.uri,
        "revision": run.upload.revision,
        "job_id": str(job.pk),
        "attempt": job.attempts,
    }


def _counts(findings: Sequence[FindingValues]) -> dict[str, int]:
    severities = [finding["severity"] for finding in findings]
    errors, warnings = (severities.count(value) for value in (Finding.Severity.ERROR, Finding.Severity.WARNING))
    return {"findings": len(findings), "errors": errors, "warnings": warnings}


def _published_facts(version: StudyVersion) -> dict[str, Any]:
    return {
        "study_id": str(version.study_id),
        "version_id": str(version.pk),
        "number": version.number,
        "cell_count": version.cell_count,
        "gene_count": version.gene_count,
        "sha256": version.source_sha256,
    }
