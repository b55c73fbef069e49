"""A file imported again that could not be: another run of the same upload."""

from django.db import transaction

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from imports.models import ImportRun, Upload
from imports.services import arrivals, quotas
from imports.services.upload_trail import locked
from studies.models import Study


def retry(*, run: ImportRun, actor: Actor, reason: str = "", even_beyond_quota: bool = False) -> ImportRun:
    """Queue another run for the file of one that was refused, failed or was cancelled.

    Raises ConflictError: the file is being imported (`being_imported`), was imported (`already_imported`), is not what
    it was (`file_changed`, `file_gone`), or there is no room for it (`quota_exceeded`); UnavailableError when the store
    does not answer.
    """
    _check_runs(run)
    check_unchanged(run.upload)
    return queue_again(run=run, actor=actor, reason=reason, even_beyond_quota=even_beyond_quota)


@transaction.atomic
def queue_again(
    *,
    run: ImportRun,
    actor: Actor,
    reason: str = "",
    even_beyond_quota: bool = False,
    target: Study | None = None,
) -> ImportRun:
    """Queue another run for a file that lies there unchanged, as the caller has seen; with another target if given.

    Raises ConflictError as `retry` does.
    """
    owner = User.objects.select_for_update(of=("self",)).filter(uploads=run.upload).first()
    upload = locked(run.upload_id)
    _check_runs(run)
    if owner is not None and not even_beyond_quota:
        quotas.check(owner, upload.size)
    again = arrivals.queue_import(upload, target=target or run.target)
    if again is None:
        raise ConflictError(f"The file is {upload.get_state_display()}: it cannot be imported.", code="not_there")
    facts = {"earlier_run_id": str(run.pk), "run_id": str(again.pk), "job_id": str(again.job_id)}
    facts |= {"upload_id": str(upload.pk), "uri": upload.uri, "revision": upload.revision}
    audit.record(action=Action.IMPORT_RETRIED, actor=actor, obj=again, details=facts, reason=reason)
    return again


def check_unchanged(upload: Upload) -> None:
    """See that the file still lies there as it was found; a look into the store, not for a transaction.

    Raises ConflictError, UnavailableError.
    """
    try:
        file = storage.look(storage.name_of(upload.uri))
    except InvalidInputError as error:
        raise ConflictError(f"{upload.uri} does not lie in the h5ad store of now.", code="other_store") from error
    if file is None:
        raise ConflictError(f"{upload.uri} is not there any more: upload it again.", code="file_gone")
    if file.revision != upload.revision:
        detail = f"{upload.uri} was replaced by another file, which is imported by itself."
        raise ConflictError(detail, code="file_changed")


def _check_runs(run: ImportRun) -> None:
    states = set(ImportRun.objects.filter(upload=run.upload_id).values_list("state", flat=True))
    if states & set(ImportRun.UNFINISHED):
        raise ConflictError("This file is being imported: wait for the end, or cancel the job.", code="being_imported")
    if ImportRun.State.PUBLISHED in states:
        raise ConflictError("This file was imported: there is nothing to repeat.", code="already_imported")
    if ImportRun.State.SUPERSEDED in states:
        raise ConflictError("A newer revision of this file was imported: it stays.", code="superseded")
