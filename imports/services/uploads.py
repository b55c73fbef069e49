"""Finding what was put into the h5ad store, and having it imported."""

import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit, jobs
from cellenium_admin.core.storage import StoredFile
from imports.models import ImportRun, Upload

logger = logging.getLogger(__name__)

IMPORT_JOB = "imports.run_import"
SUFFIX = ".h5ad"
BATCH_FILES = 500
LONGEST_URI = 2048


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan saw: files, and how many of them were new, known, or perhaps still being written."""

    found: int
    new: int
    unchanged: int
    too_fresh: int


def scan(*, actor: Actor) -> ScanResult:
    """List the store and queue an import of every revision that was not seen before, each in its own transaction.

    Scans may run at the same time: one of them is first with each file. Raises UnavailableError when the listing
    breaks off; what was found until then is queued.
    """
    seen: Counter[str] = Counter()
    for batch in _batches(_candidates()):
        known, owners = _newest_revisions(batch), _owners(batch)
        for file in batch:
            seen["found"] += 1
            if _may_be_unfinished(file):
                seen["too_fresh"] += 1
            elif known.get(file.uri) != file.revision and _record(file, owners.get(file.key), actor):
                seen["new"] += 1
            else:
                seen["unchanged"] += 1
    return ScanResult(seen["found"], seen["new"], seen["unchanged"], seen["too_fresh"])


def _candidates() -> Iterator[StoredFile]:
    for file in storage.list_files(settings.SCAN_PREFIX):
        if not file.key.lower().endswith(SUFFIX):
            continue
        if len(file.uri) > LONGEST_URI:
            logger.warning("A file is not imported because its address is too long: %s...", file.uri[:200])
            continue
        yield file


def _batches(files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
    remaining = iter(files)
    while batch := list(itertools.islice(remaining, BATCH_FILES)):
        yield batch


def _may_be_unfinished(file: StoredFile) -> bool:
    """Tell whether a local file may still be growing; an object appears in a bucket when it is whole."""
    settled = timezone.now() - timedelta(seconds=settings.SCAN_SETTLE_SECONDS)
    return file.uri.startswith("file:") and file.modified_at > settled


def _newest_revisions(files: Sequence[StoredFile]) -> dict[str, str]:
    uploads = Upload.objects.filter(uri__in={file.uri for file in files}).order_by("modified_at", "found_at")
    return dict(uploads.values_list("uri", "revision"))


def _owners(files: Sequence[StoredFile]) -> dict[str, User]:
    """Find whose prefix each file lies under; prefixes never overlap."""
    folders = {file.key: _folders(file.key) for file in files}
    users = User.objects.filter(upload_prefix__in={folder for names in folders.values() for folder in names})
    by_prefix = {user.upload_prefix: user for user in users}
    return {key: by_prefix[name] for key, names in folders.items() for name in names if name in by_prefix}


def _folders(key: str) -> list[str]:
    return [key[: place + 1] for place, character in enumerate(key) if character == "/"]


@transaction.atomic
def _record(file: StoredFile, owner: User | None, actor: Actor) -> bool:
    """Write down the file and queue its import; False when another scan was first."""
    upload, is_new = Upload.objects.get_or_create(
        uri=file.uri,
        revision=file.revision,
        modified_at=file.modified_at,
        defaults={"size": file.size, "owner": owner},
    )
    if not is_new:
        return False
    run = ImportRun(upload=upload)
    run.job = jobs.enqueue(IMPORT_JOB, owner=owner, args={"run_id": str(run.pk)}, subject=run)
    run.save(force_insert=True)
    details = {"uri": file.uri, "revision": file.revision, "size": file.size}
    audit.record(action=Action.UPLOAD_FOUND, actor=actor, obj=upload, details=details)
    return True
