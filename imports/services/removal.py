"""Removing a file somebody has put: by order, with a reason, recorded before and after, and never otherwise."""

from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, FieldError, InvalidInputError
from cellenium_admin.core.models import Action
from cellenium_admin.core.storage.multipart import MultipartStore
from cellenium_admin.core.storage.place import bucket_place
from imports.models import ImportRun, Upload
from imports.services.sending import key_of
from imports.services.upload_trail import locked, move

State = Upload.State


def remove(*, upload: Upload, actor: Actor, reason: str) -> Upload:
    """Delete exactly the revision of this upload from the bucket; what was imported from it stays.

    Raises InvalidInputError without a reason, ConflictError while it is being imported or when it is not in a bucket,
    UnavailableError: the order stands then, and is carried out later.
    """
    if not reason.strip():
        detail = "Say why: the trail keeps it."
        raise InvalidInputError(detail, errors=[FieldError("/reason", "required", detail)])
    if not upload.uri.startswith("s3://"):
        raise ConflictError("This file lies in a directory: remove it there.", code="no_bucket")
    _check_bucket(upload)
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state == State.REMOVED:
            return current
        if current.state not in Upload.THERE:
            raise ConflictError(f"This upload is {current.get_state_display()}: there is no file to remove.")
        if current.runs.filter(state__in=ImportRun.UNFINISHED).exists():
            raise ConflictError("It is being imported: cancel the import's job first.", code="being_imported")
        if current.state != State.REMOVING:
            move(current, State.REMOVING, actor=actor, action=Action.UPLOAD_REMOVAL_ORDERED, reason=reason)
    carry_out(upload=current, actor=actor)
    return Upload.objects.select_related("owner").get(pk=upload.pk)


def carry_out(*, upload: Upload, actor: Actor) -> None:
    """Delete what was ordered to be deleted. Raises ConflictError where it lies in another bucket, UnavailableError."""
    _check_bucket(upload)
    MultipartStore().remove(key_of(upload), upload.revision)
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state == State.REMOVING:
            move(current, State.REMOVED, actor=actor, action=Action.UPLOAD_REMOVED, note="Removed by order.")


def _check_bucket(upload: Upload) -> None:
    """Refuse what lies in a bucket that was the store once: the same key in this one is another file."""
    if not upload.uri.startswith(f"s3://{bucket_place().bucket}/"):
        raise ConflictError("This file lies in a bucket that is not the h5ad store now.", code="other_store")
