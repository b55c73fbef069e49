"""A file that is there: told by a browser's upload, an event or a scan, it becomes one Upload, whoever is first."""

from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit, jobs
from cellenium_admin.core.storage import StoredFile
from imports.models import ImportRun, Upload
from imports.services import quotas
from imports.services.upload_trail import facts_of, locked, move

IMPORT_JOB = "imports.run_import"
SUFFIXES = (".h5ad",)
LONGEST_URI = 2048
HELD = "Your quota was full when it arrived. It is imported when there is room again."
UNRECOGNIZED = "Only files that end in .h5ad are imported. This one is left alone."


def is_known(name: str) -> bool:
    """Tell whether a file of this name is one for the importer."""
    return name.lower().endswith(SUFFIXES)


def record(file: StoredFile, *, owner: User | None, actor: Actor) -> bool:
    """Write down a file and queue its import; False when it was known before, also to another at the same moment."""
    try:
        with transaction.atomic():
            return _record(file, owner, actor)
    except IntegrityError:
        # Somebody else has written the same revision down since we looked.
        return False


def _record(file: StoredFile, owner: User | None, actor: Actor) -> bool:
    sent = Upload.objects.filter(uri=file.uri, source=Upload.Source.BROWSER).values_list("pk", flat=True).first()
    if sent is not None:
        upload = locked(sent)
        if not upload.revision:
            _arrive(upload, file, actor)
            return True
    known = Upload.objects.filter(uri=file.uri, revision=file.revision, modified_at=file.modified_at)
    if known.exists():
        return False
    if owner is not None:
        owner = User.objects.select_for_update().get(pk=owner.pk)
    upload = Upload(uri=file.uri, revision=file.revision, modified_at=file.modified_at, size=file.size, owner=owner)
    _place(upload)
    upload.save(force_insert=True)
    queue_import(upload)
    action = Action.UPLOAD_HELD if upload.state == Upload.State.HELD else Action.UPLOAD_FOUND
    audit.record(action=action, actor=actor, obj=upload, after={"state": upload.state}, details=facts_of(upload))
    return True


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
        upload.state, upload.note = Upload.State.HELD, HELD


def queue_import(upload: Upload) -> None:
    """Have a file that has arrived imported, in the transaction that says so."""
    if upload.state != Upload.State.RECEIVED:
        return
    run = ImportRun(upload=upload)
    run.job = jobs.enqueue(IMPORT_JOB, owner=upload.owner, args={"run_id": str(run.pk)}, subject=run)
    run.save(force_insert=True)
