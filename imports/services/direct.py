"""An import that somebody at a terminal wants done here and now: its file found or copied in, its job claimed."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, NotFoundError
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_leases, jobs
from cellenium_admin.core.storage import StoredFile
from imports.models import ImportRun, Upload
from imports.services import arrivals, retries, upkeep
from imports.services.uploads import owners_of
from studies.models import Study
from studies.services.sources import check_source

FOLDER = "imported/"
REASON = "Imported by command."

OnBytes = Callable[[int], None]


def stored_file(where: str, *, on_bytes: OnBytes) -> StoredFile:
    """Give a file of the store by its address or path; one of this host that lies elsewhere is copied in first.

    The copy lies under the hash of its content: the same file again is the same copy. Raises InvalidInputError,
    NotFoundError, UnavailableError.
    """
    if not arrivals.is_known(where):
        raise InvalidInputError(f"{where} ends neither in .h5ad nor in .h5mu: write it with anndata or mudata.")
    if "://" in where:
        return _at(where)
    path = Path(where)
    if not path.is_file():
        raise NotFoundError(f"{where} is not a file.")
    address = storage.address_of(path)
    return _copied_in(path, on_bytes) if address is None else _at(address)


@transaction.atomic
def begin(*, file: StoredFile, target: Study | None, actor: Actor) -> tuple[ImportRun, Job | None]:
    """Give the run of a file and, if it is to be done here, its job under a lease of this process.

    None where a worker has it already, or where it was published before. A run of this file that did not end well is
    repeated; with a target the version will belong to that study. No worker sees the job before it is claimed here.
    Raises ConflictError.
    """
    if target is not None:
        check_source(study=target, uri=file.uri)
    arrivals.record(file, owner=owners_of([file]).get(file.key), actor=actor)
    upload = _let_in(file, actor)
    run = _run_of(upload, target, actor)
    if run.is_finished:
        return run, None
    return run, claim(run)


def claim(run: ImportRun) -> Job | None:
    """Take the job of a run if it waits, whatever it waits for."""
    with transaction.atomic():
        jobs.hasten(job=run.job)
        return job_leases.claim(job_id=run.job_id, worker=worker_name())


def worker_name() -> str:
    """Name this process as workers are named."""
    return f"{socket.gethostname()}/{os.getpid()}"


def _at(uri: str) -> StoredFile:
    file = storage.look(storage.name_of(uri))
    if file is None:
        raise NotFoundError(f"There is no file at {uri}.")
    return file


def _copied_in(path: Path, on_bytes: OnBytes) -> StoredFile:
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    plain = storage.h5ad_storage().get_valid_name(path.name)
    name = f"{settings.SCAN_PREFIX}{FOLDER}{digest}/{plain}"
    there = storage.look(name)
    if there is not None and there.size == path.stat().st_size:
        return there
    return storage.add(name, path, on_bytes)


def _let_in(file: StoredFile, actor: Actor) -> Upload:
    """Give the upload of a file, ready to be imported. Raises ConflictError."""
    found = Upload.objects.filter(uri=file.uri, revision=file.revision).order_by("modified_at", "found_at")
    upload = found.last()
    if upload is not None and upload.state == Upload.State.HELD:
        upkeep.release(upload=upload, actor=actor, reason=REASON, even_beyond_quota=True)
        upload.refresh_from_db()
    if upload is None or upload.state != Upload.State.RECEIVED:
        state = "not known" if upload is None else upload.get_state_display()
        raise ConflictError(f"{file.uri} is {state}: it cannot be imported.", code="not_there")
    return upload


def _run_of(upload: Upload, target: Study | None, actor: Actor) -> ImportRun:
    runs = ImportRun.objects.filter(upload=upload).select_related("job", "upload", "target")
    run = runs.order_by("created_at").last()
    if run is None:
        run = arrivals.queue_import(upload, target=target)
    elif run.state in ImportRun.MAY_BE_RETRIED:
        run = retries.queue_again(run=run, actor=actor, reason=REASON, even_beyond_quota=True, target=target)
    elif target is not None:
        _aim(run, target)
    if run is None or run.state == ImportRun.State.SUPERSEDED:
        raise ConflictError(f"A newer revision of {upload.uri} was imported: it stays.", code="superseded")
    return run


def _aim(run: ImportRun, target: Study) -> None:
    """Let a run that nobody has begun make its version for a study. Raises ConflictError when it is too late."""
    if run.state == ImportRun.State.PUBLISHED and run.study_id != target.pk:
        raise ConflictError(f"{run.upload.uri} was imported as study {run.study_id}.", code="other_study")
    if run.is_finished or run.target_id == target.pk:
        return
    waiting = Job.objects.filter(pk=run.job_id, state=Job.State.QUEUED)
    # Whoever holds the row is about to begin, and may be waiting for the upload, which is locked here.
    if waiting.select_for_update(skip_locked=True, of=("self",)).first() is None:
        raise ConflictError(f"{run.upload.uri} is being imported as a study of its own.", code="being_imported")
    run.target = target
    run.save(update_fields=["target"])
