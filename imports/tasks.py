"""What workers do for imports: turning a file into a version, and looking for new files."""

import logging
from dataclasses import asdict, dataclass
from typing import Any, NoReturn
from uuid import UUID

import h5py
from django.conf import settings
from django.db import transaction

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, UnavailableError
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.tasks import job_task, periodic_task
from imports.h5ad import convert
from imports.h5ad.findings import Finding, Findings, RefusedFileError, Severity
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import StudyFile, inspect
from imports.models import ImportRun
from imports.services import events, imports, upkeep, uploads
from imports.services.workplaces import Workplace, clear_leftovers, workplace
from studies.content import SourceContent
from studies.store.builder import StoreBuildError

logger = logging.getLogger(__name__)

MOST_REPORTED = 100
SCAN_SECONDS = 600


class SourceAwayError(Exception):
    """The h5ad store does not answer now; the attempt is worth repeating."""


@job_task(
    name=uploads.IMPORT_JOB,
    soft=settings.IMPORT_TIME_LIMIT,
    hard=settings.IMPORT_TIME_LIMIT + 60,
    stages=("download", "validate", "convert", "write", "publish"),
)
def run_import(job: RunningJob, run_id: str) -> None:
    """Import one revision of one file, all or nothing; repeating it ends as it ended before.

    Raises InvalidInputError when the file is refused, ConflictError when it was overtaken by a newer one.
    """
    run = imports.start(run_id=UUID(run_id), lease=job.lease)
    if run.is_finished:
        _tell_end(job, run)
        return
    with workplace(run_id=run.pk, token=job.lease_token) as place:
        Attempt(job, run, place).work()


@periodic_task(name="imports.scan", soft=SCAN_SECONDS, hard=SCAN_SECONDS + 60)
def scan() -> None:
    """Look for new files, and remove what dead attempts left on this host."""
    clear_leftovers()
    result = uploads.scan(actor=Actor.system("imports.scan"))
    if result.new:
        logger.info("The scan found %d new files.", result.new)


@periodic_task(name="imports.read_events", soft=240, hard=300)
def read_events() -> None:
    """Take in what the bucket tells of new objects."""
    if settings.EVENT_QUEUE_URL:
        done = events.read_queue()
        if done.get("new"):
            logger.info("The event queue told of %d new files.", done["new"])


@periodic_task(name="imports.expire_uploads", soft=240, hard=300)
def expire_uploads() -> None:
    """Go on with uploads that stand still: finish them, give them up, or let them have their turn."""
    upkeep.tidy()


@periodic_task(name="imports.end_unknown_uploads", soft=240, hard=300)
def end_unknown_uploads() -> None:
    """End what interrupted tools have left in the bucket."""
    if str(settings.H5AD_STORE).startswith("s3://"):
        upkeep.end_unknown()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one run, in directories of its own."""

    job: RunningJob
    run: ImportRun
    place: Workplace

    def work(self) -> None:
        """Go through all stages."""
        source = self._download()
        try:
            with open_h5ad(self.place.file) as file:
                study, findings = self._validate(file)
                self._build(study, source)
        except RefusedFileError as error:
            self._reject([error.finding])
        except StoreBuildError as error:
            remedy = "Correct X and upload the file again."
            self._reject([Finding(Severity.ERROR, "matrix_unusable", "X", found=str(error), remedy=remedy)])
        self._publish(study, source, findings)

    def _download(self) -> SourceContent:
        upload = self.run.upload
        self.job.stage("download", total=upload.size)
        try:
            digest = storage.download(upload.uri, upload.revision, self.place.file, self.job.progress)
        except UnavailableError as error:
            raise SourceAwayError(error.detail) from error
        return SourceContent(uri=upload.uri, revision=upload.revision, size=upload.size, sha256=digest)

    def _validate(self, file: h5py.File) -> tuple[StudyFile, Findings]:
        self.job.stage("validate")
        inspection = inspect(file, self.job.progress)
        if inspection.study is None:
            self._reject(inspection.findings)
        return inspection.study, inspection.findings

    def _build(self, study: StudyFile, source: SourceContent) -> None:
        """Write the Stores of matrix and cells; what is known of the source goes into their manifests."""
        whole = settings.BUILD_MEMORY_BYTES
        for_blocks = whole // convert.BLOCK_SHARE
        facts = asdict(source)
        self._advance(ImportRun.State.CONVERTING, "convert", total=len(study.cells))
        with convert.matrix_builder(
            study, self.place.building, memory_bytes=whole - for_blocks, source=facts
        ) as builder:
            convert.add_all_rows(study.matrix, builder, memory_bytes=for_blocks, progress=self.job.progress)
            self._advance(ImportRun.State.WRITING, "write", total=len(study.genes))
            builder.finish(self.job.progress)
        convert.write_cell_store(study, self.place.building, source=facts)

    def _advance(self, state: ImportRun.State, stage: str, *, total: int) -> None:
        imports.advance(run_id=self.run.pk, lease=self.job.lease, state=state)
        self.job.stage(stage, total=total)

    def _publish(self, study: StudyFile, source: SourceContent, findings: Findings) -> None:
        """Publish the version and end the job in one transaction."""
        self.job.stage("publish")
        content = convert.version_content(study, source)
        # Here is the last place where a wish to cancel costs nothing to fulfil.
        self.job.report(_report(findings))
        with transaction.atomic():
            version = imports.publish(
                run_id=self.run.pk,
                lease=self.job.lease,
                content=content,
                findings=_values(findings),
                put_in_place=self.place.put_in_place,
            )
            if version is not None:
                self.job.report(_facts(version))
                self.job.finish()
        if version is None:
            raise _superseded()

    def _reject(self, findings: list[Finding]) -> NoReturn:
        imports.reject(run_id=self.run.pk, lease=self.job.lease, findings=_values(findings))
        self.job.report(_report(findings))
        raise _refused([finding for finding in findings if finding.severity is Severity.ERROR])


def _tell_end(job: RunningJob, run: ImportRun) -> None:
    """End the job as its run ended in an earlier attempt that did not live to say so."""
    findings = [
        Finding(Severity(row.severity), row.code, row.path, row.found, row.expected, row.remedy)
        for row in run.findings.all()
    ]
    job.report(_report(findings))
    if run.state == ImportRun.State.REJECTED:
        raise _refused([finding for finding in findings if finding.severity is Severity.ERROR])
    if run.state == ImportRun.State.SUPERSEDED:
        raise _superseded()


def _refused(errors: list[Finding]) -> InvalidInputError:
    more = f" There are {len(errors)} errors; the report names them all." if len(errors) > 1 else ""
    return InvalidInputError(f"The file was refused: {errors[0]}.{more}"[:2000], code="file_rejected")


def _superseded() -> ConflictError:
    return ConflictError("A newer revision of this file was imported meanwhile; it stays.", code="superseded")


def _values(findings: list[Finding]) -> list[dict[str, str]]:
    return [asdict(finding) for finding in findings]


def _report(findings: list[Finding]) -> dict[str, Any]:
    return {"findings": _values(findings[:MOST_REPORTED]), "finding_count": len(findings)}


def _facts(version: Any) -> dict[str, Any]:
    return {
        "study_id": str(version.study_id),
        "version_id": str(version.pk),
        "version": version.number,
        "cell_count": version.cell_count,
        "gene_count": version.gene_count,
    }
