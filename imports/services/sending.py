"""Uploads sent part by part, by a browser or our client: begun, signed, put together, cancelled.

Each change in AWS is intended in a committed state first; whoever comes after a crash (the same person again, the scan,
an event, the sweeper) finds that state and goes on from it.
"""

import base64
import binascii
import unicodedata
import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import (
    ConflictError,
    FieldError,
    InvalidInputError,
    RefusedAttempt,
    RefusedError,
    UnavailableError,
)
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from cellenium_admin.core.storage.multipart import (
    MultipartGoneError,
    MultipartStore,
    Part,
    PartsRefusedError,
    SignedPart,
    part_size_for,
)
from cellenium_admin.core.storage.place import bucket_place
from imports.models import Upload
from imports.services import arrivals, quotas
from imports.services.upload_trail import facts_of, locked, move

MOST_SIGNED = 100
LONGEST_NAME = 255
FOLDER = "uploads/"
State = Upload.State


def start(*, user: User, filename: str, size: int, actor: Actor) -> Upload:
    """Begin an upload under the person's own prefix, at a key that nothing else has or will have.

    Raises InvalidInputError, RefusedError without a prefix, ConflictError beyond the quota or where the store is no
    bucket, UnavailableError.
    """
    name, place = checked_name(filename), bucket_place()
    _check_size(size)
    upload = _intend(user, name, size, actor)
    store = MultipartStore(place)
    try:
        multipart_id = store.begin(key_of(upload))
    except UnavailableError:
        _give_up(upload, actor, "S3 did not answer when it was to begin.")
        raise
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state == State.STARTING:
            move(current, State.UPLOADING, actor=actor, action=None, multipart_id=multipart_id)
            return current
    store.end(key_of(upload), multipart_id)
    raise ConflictError("This upload was cancelled while it began.", code="cancelled")


def sign(*, upload: Upload, parts: Sequence[tuple[int, str]]) -> list[SignedPart]:
    """Sign addresses for parts, given as number and SHA-256 in base64; each takes exactly that part.

    Raises InvalidInputError, ConflictError when the upload is not (any more) under way.
    """
    _check_parts(upload, parts)
    with transaction.atomic():
        current = locked(upload.pk)
        _check_under_way(current)
        move(current, State.UPLOADING, actor=Actor.system("uploads"), action=None)
    wanted = [(number, checksum, upload.size_of_part(number)) for number, checksum in parts]
    return MultipartStore().sign(key_of(upload), current.multipart_id, wanted, settings.UPLOAD_URL_SECONDS)


def parts_of(upload: Upload) -> list[Part]:
    """Give the parts S3 has by now; none once it is put together. Raises UnavailableError."""
    if upload.state not in {State.UPLOADING, State.COMPLETING}:
        return []
    try:
        return MultipartStore().parts(key_of(upload), upload.multipart_id)
    except MultipartGoneError:
        return []


def complete(*, upload: Upload, actor: Actor) -> Upload:
    """Put the parts together and have the file imported; done again, it gives what the first time made.

    Raises ConflictError (`parts_missing` with their numbers, `parts_refused`), UnavailableError: try again then.
    """
    with transaction.atomic():
        current = locked(upload.pk)
        if current.revision:
            return current
        if current.state != State.COMPLETING:
            _check_under_way(current)
            move(current, State.COMPLETING, actor=actor, action=None)
    finish(upload=current, actor=actor)
    return Upload.objects.select_related("owner").get(pk=upload.pk)


def finish(*, upload: Upload, actor: Actor) -> None:
    """Bring an upload that is `completing` to its end: arrived, or being sent again with the reason."""
    store, key = MultipartStore(), key_of(upload)
    try:
        parts = store.parts(key, upload.multipart_id)
        _check_complete(upload, parts)
        store.complete(key, upload.multipart_id, parts)
    except MultipartGoneError:
        pass  # an earlier attempt has put it together, or somebody has thrown it away: the object tells
    except (PartsRefusedError, ConflictError) as error:
        _back_to_sending(upload, actor, error.detail)
        raise
    file = storage.look(key.removeprefix(store.place.root))
    if file is None:
        _give_up(upload, actor, "Its parts are not there any more. Upload it again.", State.EXPIRED)
        raise ConflictError("The parts of this upload are not there any more: upload it again.", code="parts_gone")
    arrivals.record(file, owner=upload.owner, actor=actor)
    _give_up(upload, actor, "Another file was put where it should lie. Upload it again.", State.EXPIRED)


def cancel(*, upload: Upload, actor: Actor, reason: str = "") -> Upload:
    """Give an upload up and throw its parts away. Raises ConflictError when it has arrived or ended."""
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state not in {State.STARTING, State.UPLOADING}:
            raise ConflictError(f"This upload is {current.get_state_display()}: it cannot be cancelled.")
        note = "Cancelled."
        move(current, State.CANCELLED, actor=actor, action=Action.UPLOAD_CANCELLED, note=note, reason=reason)
    discard_parts(upload=current)
    current.refresh_from_db()
    return current


def discard_parts(*, upload: Upload) -> None:
    """Throw away the parts of an upload that was given up; the sweeper does it when this fails."""
    if not upload.multipart_id:
        return
    MultipartStore().end(key_of(upload), upload.multipart_id)
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state in {State.CANCELLED, State.EXPIRED}:
            move(
                current,
                State(current.state),
                actor=Actor.system("uploads"),
                action=None,
                note=current.note,
                multipart_id="",
            )


def key_of(upload: Upload) -> str:
    """Give the key of an upload in the bucket."""
    return upload.uri.removeprefix("s3://").partition("/")[2]


def checked_name(filename: str) -> str:
    """Give the last part of a file's name, in a form that can be shown; raises InvalidInputError.

    It is for reading only: no key, path or header is made of it.
    """
    text = unicodedata.normalize("NFC", filename.replace("\\", "/"))
    name = PurePosixPath(text).name.strip()
    if not name or name in {".", ".."} or not name.isprintable() or len(name) > LONGEST_NAME:
        raise _invalid("filename", f"Give a file name of 1 to {LONGEST_NAME} characters that can be printed.")
    if not arrivals.is_known(name):
        raise _invalid("filename", f"{name} does not end in .h5ad: write it with anndata's write_h5ad.")
    return name


def _intend(user: User, name: str, size: int, actor: Actor) -> Upload:
    """Write down that a file is to come, one request of a person after another, so that the quota is exact."""
    if not user.upload_prefix:
        attempt = RefusedAttempt(Action.UPLOAD_REFUSED, "user", str(user.pk), str(user))
        detail = "This account has no upload prefix: log in at the login provider."
        raise RefusedError(detail, attempt=attempt, code="no_prefix")
    with transaction.atomic():
        owner = User.objects.select_for_update().get(pk=user.pk)
        quotas.check(owner, size)
        pk = uuid.uuid4()
        suffix = PurePosixPath(name).suffix.lower()
        uri = bucket_place().uri(f"{user.upload_prefix}{FOLDER}{pk}{suffix}")
        upload = Upload(
            pk=pk,
            state=State.STARTING,
            source=Upload.Source.BROWSER,
            uri=uri,
            filename=name,
            size=size,
            owner=owner,
            part_size=part_size_for(size),
        )
        upload.save(force_insert=True)
        audit.record(action=Action.UPLOAD_STARTED, actor=actor, obj=upload, details=facts_of(upload))
    return upload


def _check_size(size: int) -> None:
    if size < 1:
        raise _invalid("size", "The file is empty.")
    if size > settings.UPLOAD_MAX_BYTES:
        raise _invalid("size", f"The file has {size} bytes; {settings.UPLOAD_MAX_BYTES} may be uploaded here.")


def _check_under_way(upload: Upload) -> None:
    if upload.state != State.UPLOADING:
        raise ConflictError(f"This upload is {upload.get_state_display()}.", code="not_uploading")


def _check_parts(upload: Upload, parts: Sequence[tuple[int, str]]) -> None:
    if not 0 < len(parts) <= MOST_SIGNED or len({number for number, _ in parts}) < len(parts):
        raise _invalid("parts", f"Give 1 to {MOST_SIGNED} different parts.")
    for position, (number, checksum) in enumerate(parts):
        if not 1 <= number <= upload.part_count:
            raise _invalid(f"parts/{position}/number", f"Give 1 to {upload.part_count}.")
        if not _is_sha256(checksum):
            raise _invalid(f"parts/{position}/checksum_sha256", "Give the SHA-256 of the part in base64.")


def _is_sha256(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32 and len(text) == 44
    except (binascii.Error, ValueError):
        return False


def _check_complete(upload: Upload, parts: Sequence[Part]) -> None:
    """See that S3 has each part in its full size. Raises ConflictError naming those it has not."""
    there = {part.number: part.size for part in parts}
    missing = [number for number in range(1, upload.part_count + 1) if there.get(number) != upload.size_of_part(number)]
    if missing or len(there) > upload.part_count:
        shown = missing[:MOST_SIGNED]
        errors = [FieldError(f"/parts/{number}", "missing", f"Part {number} is not there.") for number in shown]
        raise ConflictError(
            f"{len(missing)} of {upload.part_count} parts are missing.", code="parts_missing", errors=errors
        )


def _back_to_sending(upload: Upload, actor: Actor, note: str) -> None:
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state == State.COMPLETING:
            move(current, State.UPLOADING, actor=actor, action=None, note=note[:500])


def _give_up(upload: Upload, actor: Actor, note: str, state: Upload.State = State.CANCELLED) -> None:
    action = Action.UPLOAD_EXPIRED if state == State.EXPIRED else Action.UPLOAD_CANCELLED
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state in Upload.UNFINISHED:
            move(current, state, actor=actor, action=action, note=note, multipart_id="")


def _invalid(field: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldError(f"/{field}", "invalid", detail)])
