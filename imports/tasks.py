"""What workers do for imports: turning a file into a version, and looking for new files."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from django.conf import settings
from django.db import transaction

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, UnavailableError
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.tasks import job_task, periodic_task
from imports.models import ImportRun
from imports.reader_process import client as reader_process
from imports.reader_process.client import Finding, ReaderAnswer, ReaderLostError, ReaderWork, Severity
from imports.services import checks, events, imports, upkeep, uploads
from imports.services.gene_findings import with_known_genes
from imports.services.workplaces import Workplace, clear_leftovers, clear_unpublished_objects, workplace
from studies.content import SourceContent, VersionContent
from studies.services import published_stores

logger = logging.getLogger(__name__)

MOST_REPORTED = 100
SCAN_SECONDS = 600
UNITS = {"download": "bytes", "validate": "values", "convert": "cells", "write": "genes", "publish": "bytes"}


class SourceAwayError(Exception):
    """The h5ad store, or the place for Stores, does not answer now; the attempt is worth repeating."""


@job_task(
    name=uploads.IMPORT_JOB,
    soft=settings.IMPORT_TIME_LIMIT,
    hard=settings.IMPORT_TIME_LIMIT + 60,
    stages=("download", "validate", "convert", "write", "publish"),
    units=UNITS,
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


@job_task(
    name=checks.VALIDATE_JOB,
    soft=settings.IMPORT_TIME_LIMIT,
    hard=settings.IMPORT_TIME_LIMIT + 60,
    stages=("download", "validate"),
    units=UNITS,
)
def validate(job: RunningJob, uri: str, revision: str, size: int = 0) -> None:
    """Check one revision of a file as an import would; all that comes of it is the job's report."""
    reader_process.prepare()
    with workplace(run_id=job.id, token=job.lease_token) as place:
        job.stage("download", total=size)
        _fetch(uri, revision, place, job)
        job.stage("validate")
        work = ReaderWork(file=place.file, building=None, memory_bytes=settings.BUILD_MEMORY_BYTES)
        findings = reader_process.read_file(work, tell=lambda _stage, done, total: job.progress(done, total)).findings
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    job.report({**_report(findings), "would_be_imported": not errors})


@periodic_task(name="imports.scan", soft=SCAN_SECONDS, hard=SCAN_SECONDS + 60)
def scan() -> None:
    """Look for new files, and remove what dead attempts left on this host and among published Stores."""
    clear_leftovers()
    clear_unpublished_objects()
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


class Attempt:
    """One attempt at one run, in directories of its own."""

    STATES: ClassVar = {
        "validate": ImportRun.State.VALIDATING,
        "convert": ImportRun.State.CONVERTING,
        "write": ImportRun.State.WRITING,
    }

    def __init__(self, job: RunningJob, run: ImportRun, place: Workplace) -> None:
        """Begin before any stage."""
        self.job, self.run, self.place = job, run, place
        self._stage = ""

    def work(self) -> None:
        """Go through all stages."""
        # While the file comes, the libraries that will read it are loaded.
        reader_process.prepare()
        source = self._download()
        answer = self._read(source)
        if answer.content is None:
            self._reject(answer.findings)
        self._publish(answer.content, answer.findings)

    def _download(self) -> SourceContent:
        upload = self.run.upload
        self.job.stage("download", total=upload.size)
        digest = _fetch(upload.uri, upload.revision, self.place, self.job)
        return SourceContent(uri=upload.uri, revision=upload.revision, size=upload.size, sha256=digest)

    def _read(self, source: SourceContent) -> ReaderAnswer:
        """Have the file checked and its Stores written, in a process of their own."""
        work = ReaderWork(
            file=self.place.file,
            building=self.place.building,
            memory_bytes=settings.BUILD_MEMORY_BYTES,
            source=asdict(source),
        )
        try:
            return reader_process.read_file(work, tell=self._tell)
        except ReaderLostError:
            if self.job.attempt < self.run.job.max_attempts:
                raise
            logger.exception("The reader of run %s was lost again, at the last attempt.", self.run.pk)
            return ReaderAnswer([reader_process.killed_again(self.job.attempt)], None)

    def _tell(self, stage: str, done: int, total: int) -> None:
        """Pass on how far the reader is; raises when the work is not wanted any more."""
        if stage == self._stage:
            self.job.progress(done, total)
            return
        if self._stage or stage != "validate":
            imports.advance(run_id=self.run.pk, lease=self.job.lease, state=self.STATES[stage])
        self._stage = stage
        self.job.stage(stage, total=total)

    def _publish(self, content: VersionContent, findings: list[Finding]) -> None:
        """Publish the version and end the job in one transaction."""
        self.job.stage("publish")
        content, of_genes = with_known_genes(content)
        findings = [*findings, *map(_finding, of_genes)]
        self._send()
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

    def _send(self) -> None:
        """Bring the Stores to where all hosts find them, before anything names them."""
        if not published_stores.is_published():
            return
        try:
            published_stores.send(building=self.place.building, version_id=str(self.run.pk), on_bytes=self.job.progress)
        except UnavailableError as error:
            raise SourceAwayError(error.detail) from error

    def _reject(self, findings: list[Finding]) -> NoReturn:
        imports.reject(run_id=self.run.pk, lease=self.job.lease, findings=_values(findings))
        self.job.report(_report(findings))
        raise _refused([finding for finding in findings if finding.severity is Severity.ERROR])


def _fetch(uri: str, revision: str, place: Workplace, job: RunningJob) -> str:
    try:
        return storage.download(uri, revision, place.file, job.progress)
    except UnavailableError as error:
        raise SourceAwayError(error.detail) from error


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


def _finding(values: Mapping[str, str]) -> Finding:
    return Finding(
        Severity(values["severity"]), *(values[name] for name in ("code", "path", "found", "expected", "remedy"))
    )


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
