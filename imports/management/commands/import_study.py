"""One import from its beginning to its end, in this process."""

import contextlib
import time
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from cellenium_admin.core.exceptions import ApplicationError, ConflictError, LeaseLostError, NotFoundError
from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_leases, jobs
from cellenium_admin.core.services.job_leases import Lease
from cellenium_admin.core.tasks import run_here
from imports.management.progress import CopyProgress, JobProgress
from imports.models import ImportRun
from imports.reader_process.client import Finding, Severity
from imports.services import direct
from studies.models import Study

REFUSED, NOT_DONE = 1, 2
WAIT_SECONDS, PAUSE_SECONDS = 2, 0.2


class Command(ServiceCommand):
    """Imports one file and says what came of it: exit code 0 imported, 1 refused for what is in it, 2 not done."""

    help = (
        "Import one file to its end. A file of this host that does not lie in the h5ad store is copied in first."
        " Exits with 0 when it is imported, with 1 when it is refused, with 2 when it could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file, the study and the form of the answer."""
        parser.add_argument("file", metavar="URI_OR_PATH", help="address in the h5ad store, or a path")
        parser.add_argument("--study", type=UUID, metavar="ID", help="make it a new version of this study")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, file: str, study: UUID | None, **options: Any) -> None:
        """Import, and tell."""
        try:
            run = self._imported(file, _target(study))
        except ApplicationError as error:
            raise CommandError(error.detail, returncode=NOT_DONE) from error
        except KeyboardInterrupt:
            raise CommandError("The import was interrupted and is cancelled.", returncode=NOT_DONE) from None
        self._tell(run, as_json=options["json"])
        if run.state == ImportRun.State.PUBLISHED:
            return
        refused = run.state == ImportRun.State.REJECTED
        raise CommandError(_reason(run), returncode=REFUSED if refused else NOT_DONE)

    def _imported(self, where: str, target: Study | None) -> ImportRun:
        """Do it here, or follow the worker that has it."""
        with CopyProgress(where, self.stderr) as copied:
            file = direct.stored_file(where, on_bytes=copied)
        run, claimed = direct.begin(file=file, target=target, actor=ACTOR)
        with JobProgress(run.job_id, self.stderr):
            self._work(run, claimed)
        return ImportRun.objects.select_related("job", "version", "upload").get(pk=run.pk)

    def _work(self, run: ImportRun, claimed: Job | None) -> None:
        """Work on the job whenever nobody else does, until it has ended."""
        try:
            while True:
                if claimed is not None:
                    run_here(claimed)
                if jobs.wait_for(run.job_id, seconds=WAIT_SECONDS).is_finished:
                    return
                # Where Redis is away nobody is woken up, and waiting takes no time.
                time.sleep(PAUSE_SECONDS)
                claimed = job_leases.claim(job_id=run.job_id, worker=direct.worker_name())
        except KeyboardInterrupt:
            _give_up(run, claimed)
            raise

    def _tell(self, run: ImportRun, *, as_json: bool) -> None:
        findings = [
            Finding(Severity(row.severity), row.code, row.path, row.found, row.expected, row.remedy)
            for row in run.findings.all()
        ]
        version = run.version
        if as_json:
            self.print_json(
                {
                    "study_id": version and version.study_id,
                    "version_id": version and version.pk,
                    "cells": version and version.cell_count,
                    "genes": version and version.gene_count,
                    "findings": [asdict(finding) for finding in findings],
                }
            )
            return
        self.stdout.writelines(f"{finding}\n" for finding in findings)
        if version is not None:
            self.stdout.write(
                f"Study {version.study_id}, version {version.number} ({version.pk}):"
                f" {version.cell_count:,} cells, {version.gene_count:,} genes."
            )


def _target(study_id: UUID | None) -> Study | None:
    if study_id is None:
        return None
    study = Study.objects.filter(pk=study_id).first()
    if study is None:
        raise NotFoundError(f"There is no study {study_id}.")
    return study


def _give_up(run: ImportRun, claimed: Job | None) -> None:
    """Cancel the job, and end it if it was this process that worked on it."""
    with contextlib.suppress(ConflictError):
        jobs.cancel(job=run.job, actor=ACTOR)
    if claimed is not None:
        with contextlib.suppress(LeaseLostError):
            job_leases.stop(Lease.of(claimed))


def _reason(run: ImportRun) -> str:
    return f"{run.upload.uri} was not imported: {run.job.error_detail or run.get_state_display()}"
