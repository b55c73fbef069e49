"""A file that is there: told by a browser's upload, an event or a scan, it becomes one Upload, whoever is first."""

from django.conf import settings
from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit, jobs
from cellenium_admin.core.storage import StoredFile
from imports.models import ImportRun, Upload
from imports.services import quotas
from imports.services.upload_trail import facts_of, locked, move
from studies.models import Study

IMPORT_JOB = "imports.run_import"
SUFFIXES = (".h5ad", ".h5mu")
LONGEST_URI = 2048
HELD = "Your quota was full when it arrived. It is imported when there is room again."
TOO_LARGE = "It is larger than files may be here. An administrator may let it in."
UNRECOGNIZED = "Only files that end in .h5ad or .h5mu are imported. This one is left alone."


def is_known(name: str) -> bool:
    """Tell whether a file of this name is one for the importer."""
    return name.lower().endswith(SUFFIXES)


def can_be_kept(uri: str) -> bool:
    """Tell whether a column can hold an address: S3 takes any character in a key, PostgreSQL all but NUL."""
    return len(uri) <= LONGEST_URI and "\0" not in uri


def record(file: StoredFile, *, owner: User | None, actor: Actor) -> bool:
    """Write down a file and queue its import; False when it was known before, also to another at the same moment."""
    try:
        with transaction.atomic():
            return _record(file, owner, actor)
    except IntegrityError:
        # Somebody else has written the same revision down since we looked.
        return False


def _record(file: StoredFile, owner: User | None, actor: Actor) -> bool:
    if owner is not None:
        owner = User.objects.select_for_update().get(pk=owner.pk)
    sent = Upload.objects.filter(uri=file.uri, source=Upload.Source.BROWSER).values_list("pk", flat=True).first()
    if sent is not None:
        upload = locked(sent)
        if not upload.revision and _is_what_was_promised(upload, file):
            _arrive(upload, file, actor)
            return True
    known = Upload.objects.filter(uri=file.uri, revision=file.revision, modified_at=file.modified_at)
    if known.exists() or not (is_known(file.uri) or (owner is not None and quotas.may_leave_more_alone(owner))):
        return False
    upload = Upload(uri=file.uri, revision=file.revision, modified_at=file.modified_at, size=file.size, owner=owner)
    _place(upload)
    upload.save(force_insert=True)
    queue_import(upload)
    action = Action.UPLOAD_HELD if upload.state == Upload.State.HELD else Action.UPLOAD_FOUND
    audit.record(action=action, actor=actor, obj=upload, after={"state": upload.state}, details=facts_of(upload))
    return True


def _is_what_was_promised(upload: Upload, file: StoredFile) -> bool:
    """Tell whether a file is the one room was kept for; whoever has keys may put anything under any key of theirs."""
    if upload.size != file.size:
        return False
    kept = upload.state in Upload.UNFINISHED
    return kept or upload.owner is None or quotas.usage_of(upload.owner).has_room_for(file.size)


def _arrive(upload: Upload, file: StoredFile, actor: Actor) -> None:
    """Give the row of a browser's upload what is known now that the object is there, even if nobody waits for it."""
    move(
        upload,
        Upload.State.RECEIVED,
        actor=actor,
        action=Action.UPLOAD_COMPLETED,
        revision=file.revision,
        modified_at=file.modified_at,
        size=file.size,
        multipart_id="",
    )
    queue_import(upload)


def _place(upload: Upload) -> None:
    """Decide what becomes of a file that came straight into the bucket."""
    if not is_known(upload.uri):
        upload.state, upload.note = Upload.State.UNRECOGNIZED, UNRECOGNIZED
    elif upload.owner is not None and not quotas.usage_of(upload.owner).has_room_for(upload.size):
        too_large = upload.size > settings.UPLOAD_MAX_BYTES
        upload.state, upload.note = Upload.State.HELD, TOO_LARGE if too_large else HELD


def queue_import(upload: Upload, *, target: Study | None = None) -> ImportRun | None:
    """Have a file that has arrived imported, in the transaction that says so; None for what is not to be.

    With a target the version shall belong to that study, wherever its file lay until now.
    """
    if upload.state != Upload.State.RECEIVED:
        return None
    run = ImportRun(upload=upload, target=target)
    run.job = jobs.enqueue(IMPORT_JOB, owner=upload.owner, args={"run_id": str(run.pk)}, subject=run)
    run.save(force_insert=True)
    return run
