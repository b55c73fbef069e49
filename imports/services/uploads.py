"""Finding what was put into the h5ad store, and having it imported."""

import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from cellenium_admin.core.storage import StoredFile
from imports.models import Upload
from imports.services import arrivals, quotas

logger = logging.getLogger(__name__)

IMPORT_JOB = arrivals.IMPORT_JOB
BATCH_FILES = 500


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
        known, owners = _newest_revisions(batch), owners_of(batch)
        unlisted = _unlisted(batch, known, owners)
        for file in batch:
            if file.key in unlisted:
                continue
            seen["found"] += 1
            if _may_be_unfinished(file):
                seen["too_fresh"] += 1
            elif known.get(file.uri) != file.revision and arrivals.record(
                file, owner=owners.get(file.key), actor=actor
            ):
                seen["new"] += 1
            else:
                seen["unchanged"] += 1
    return ScanResult(seen["found"], seen["new"], seen["unchanged"], seen["too_fresh"])


def _candidates() -> Iterator[StoredFile]:
    """Give all files; those the importer does not know are written down for whose prefix they lie under, no more."""
    for file in storage.list_files(settings.SCAN_PREFIX):
        if not arrivals.can_be_kept(file.uri):
            logger.warning("A file is not imported because its address is too long or holds NUL: %r", file.uri[:200])
            continue
        yield file


def _unlisted(files: Sequence[StoredFile], known: Mapping[str, str], owners: Mapping[str, User]) -> set[str]:
    """Name the files that are neither for the importer nor, new, for the list of whose prefix they lie under."""
    strange = [file for file in files if not arrivals.is_known(file.key)]
    full = quotas.with_enough_left_alone(owners.values()) if strange else set()
    return {
        file.key
        for file in strange
        if file.key not in owners or (file.uri not in known and owners[file.key].pk in full)
    }


def _batches(files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
    remaining = iter(files)
    while batch := list(itertools.islice(remaining, BATCH_FILES)):
        yield batch


def _may_be_unfinished(file: StoredFile) -> bool:
    """Tell whether a local file may still be growing; an object appears in a bucket when it is whole."""
    settled = timezone.now() - timedelta(seconds=settings.SCAN_SETTLE_SECONDS)
    return file.uri.startswith("file:") and file.modified_at > settled


def _newest_revisions(files: Sequence[StoredFile]) -> dict[str, str]:
    arrived = Upload.objects.exclude(revision="")
    uploads = arrived.filter(uri__in={file.uri for file in files}).order_by("modified_at", "found_at")
    return dict(uploads.values_list("uri", "revision"))


def owners_of(files: Sequence[StoredFile]) -> dict[str, User]:
    """Find whose prefix each file lies under; prefixes never overlap."""
    folders = {file.key: _folders(file.key) for file in files}
    users = User.objects.filter(upload_prefix__in={folder for names in folders.values() for folder in names})
    by_prefix = {user.upload_prefix: user for user in users}
    return {key: by_prefix[name] for key, names in folders.items() for name in names if name in by_prefix}


def _folders(key: str) -> list[str]:
    return [key[: place + 1] for place, character in enumerate(key) if character == "/"]
