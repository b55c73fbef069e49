"""A file in the store checked as an import would check it, for whoever may read it."""

import hashlib
from uuid import UUID

from django.db import transaction

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    TooManyError,
)
from cellenium_admin.core.models import Action, Job, User
from cellenium_admin.core.services import audit, jobs
from cellenium_admin.core.services.audit import ObjectRef
from cellenium_admin.core.storage import StoredFile
from imports.models import Upload
from imports.services import arrivals

VALIDATE_JOB = "imports.validate"
# Checks of one person that wait or run at the same time; workers are there for imports too.
MOST_AT_ONCE = 10
RETRY_SECONDS = 30
UNKNOWN = "There is no such file, or you may not read it."


def request_check(*, user: User, upload_id: UUID | None = None, uri: str | None = None) -> Job:
    """Have one file checked, named by its upload or by its address.

    Raises InvalidInputError when it is named twice or not at all, NotFoundError for what is not there, not in the
    store or not for this person, ConflictError, UnavailableError, TooManyError.
    """
    if upload_id is not None and uri is None:
        return check_upload(user=user, upload_id=upload_id)
    if uri is not None and upload_id is None:
        return check_uri(user=user, uri=uri)
    detail = "Name the file by one of upload_id and uri."
    code = "required" if uri is None else "ambiguous"
    raise InvalidInputError(detail, errors=[FieldError(f"/{name}", code, detail) for name in ("upload_id", "uri")])


def check_upload(*, user: User, upload_id: UUID) -> Job:
    """Have the file of an upload checked that this person may see.

    Raises NotFoundError, ConflictError (`not_there`) when it has not arrived or was removed, TooManyError.
    """
    upload = Upload.objects.visible_to(user).filter(pk=upload_id).first()
    if upload is None:
        raise NotFoundError(UNKNOWN)
    if upload.state not in Upload.THERE:
        raise ConflictError(f"This upload is {upload.get_state_display()}: there is no file.", code="not_there")
    return _queue(user, uri=upload.uri, revision=upload.revision, size=upload.size)


def check_uri(*, user: User, uri: str) -> Job:
    """Have a file of the store checked, as it lies there now: one's own, for curators any.

    What does not lie in the store, what is not there and what others have are the same NotFoundError. Raises
    UnavailableError, TooManyError.
    """
    file = _readable(user, uri)
    if file is None:
        raise NotFoundError(UNKNOWN)
    return _queue(user, uri=file.uri, revision=file.revision, size=file.size)


def _readable(user: User, uri: str) -> StoredFile | None:
    """Look at a file if this person may read it; nothing is asked of the store for others."""
    if not arrivals.can_be_kept(uri):
        return None
    try:
        name = storage.name_of(uri)
    except InvalidInputError:
        return None
    prefix = user.upload_prefix or ""
    owns = prefix != "" and name.startswith(prefix)
    return storage.look(name) if owns or user.is_curator else None


def _queue(user: User, *, uri: str, revision: str, size: int) -> Job:
    key = f"{VALIDATE_JOB}:{user.pk}:{_digest(uri, revision)}"
    with transaction.atomic():
        # One request of a person after another, so that the number is exact.
        owner = User.objects.select_for_update().get(pk=user.pk)
        mine = Job.objects.unfinished().filter(owner=owner, name=VALIDATE_JOB)
        waiting = mine.filter(dedupe_key=key).first()
        if waiting is not None:
            return waiting
        if mine.count() >= MOST_AT_ONCE:
            detail = f"{MOST_AT_ONCE} checks of yours wait or run: wait for one to end, or cancel it."
            raise TooManyError(detail, retry_seconds=RETRY_SECONDS)
        args = {"uri": uri, "revision": revision, "size": size}
        job = jobs.enqueue(VALIDATE_JOB, owner=owner, args=args, dedupe_key=key)
        audit.record(
            action=Action.IMPORT_CHECKED,
            actor=Actor.of(owner),
            obj=ObjectRef(type="file", id=_digest(uri, revision), label=uri),
            details={"uri": uri, "revision": revision, "job_id": str(job.pk)},
        )
    return job


def _digest(uri: str, revision: str) -> str:
    return hashlib.sha256(f"{uri}\n{revision}".encode()).hexdigest()
