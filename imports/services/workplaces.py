"""Where an attempt works on disk, and what dead attempts have left there."""

import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from imports.models import ImportRun
from studies.services import published_stores
from studies.store.format import UNFINISHED_PREFIX

logger = logging.getLogger(__name__)

ATTEMPT = re.compile(rf"(?:{re.escape(UNFINISHED_PREFIX)})?([0-9a-f-]{{36}})-([0-9]+)(?:-earlier)?")
ENDED_UNPUBLISHED = (
    ImportRun.State.REJECTED,
    ImportRun.State.FAILED,
    ImportRun.State.CANCELLED,
    ImportRun.State.SUPERSEDED,
)


class Workplace:
    """The directories of one attempt: one for the file, one in which the Stores grow."""

    def __init__(self, *, run_id: UUID, token: int) -> None:
        """Name them after the run and the lease, so that no two attempts share one."""
        self._run_id = run_id
        self.scratch = Path(settings.SCRATCH_DIR) / f"{run_id}-{token}"
        self.building = Path(settings.STORE_DIR) / f"{UNFINISHED_PREFIX}{run_id}-{token}"

    @property
    def file(self) -> Path:
        """Where the file is fetched to."""
        return self.scratch / "study.h5ad"

    @property
    def target(self) -> Path:
        """Where readers look for the Stores of the version."""
        return Path(settings.STORE_DIR) / str(self._run_id)

    def put_in_place(self) -> None:
        """Move the finished Stores to where readers look; whatever an unpublished attempt left there goes aside.

        Called under the lock of the job's lease, before the version that names them is committed.
        """
        if self.target.exists():
            self.target.rename(self._aside)
        self.building.rename(self.target)
        _to_disk(self.target.parent)

    def make(self) -> None:
        """Make both, empty, and remove those of earlier attempts."""
        _remove(self._earlier())
        self.scratch.parent.mkdir(parents=True, exist_ok=True)
        self.scratch.mkdir(mode=0o700)
        self.building.mkdir(parents=True)

    def clear(self) -> None:
        """Remove what is left of this attempt."""
        _remove([self.scratch, self.building, self._aside])

    @property
    def _aside(self) -> Path:
        return self.building.with_name(f"{self.building.name}-earlier")

    def _earlier(self) -> Iterator[Path]:
        for parent, prefix in ((self.scratch.parent, ""), (self.building.parent, UNFINISHED_PREFIX)):
            yield from parent.glob(f"{prefix}{self._run_id}-*")


@contextmanager
def workplace(*, run_id: UUID, token: int) -> Iterator[Workplace]:
    """Give an attempt its directories and take them away at its end, however it ends."""
    place = Workplace(run_id=run_id, token=token)
    try:
        place.make()
        yield place
    finally:
        place.clear()


def clear_leftovers() -> list[Path]:
    """Remove what dead attempts left on this host and name it.

    Only what carries the number of a run we know, and only when no attempt can be using it; anything else stays.
    """
    found = list(_abandoned_attempts()) + list(_unpublished_stores())
    _remove(found)
    for path in found:
        logger.info("Removed %s, left by an import that did not end well.", path)
    return found


def clear_unpublished_objects() -> list[str]:
    """Remove the objects of runs that sent their Stores and then ended without publishing them, and name the runs.

    Only what carries the number of a run we know. Raises UnavailableError.
    """
    if not published_stores.is_published():
        return []
    held = [name for name in published_stores.versions() if _is_uuid(name)]
    ended = ImportRun.objects.filter(pk__in=held, state__in=ENDED_UNPUBLISHED).values_list("pk", flat=True)
    removed = {str(run_id): published_stores.remove_version(str(run_id)) for run_id in ended}
    for run_id, count in removed.items():
        if count:
            logger.info("Removed %d objects of import %s, which was not published.", count, run_id)
    # Some servers list a folder after its last object.
    return [run_id for run_id, count in removed.items() if count]


def _abandoned_attempts() -> Iterator[Path]:
    paths = [*_children(settings.SCRATCH_DIR), *_children(settings.STORE_DIR)]
    attempts = [(path, match) for path in paths if (match := ATTEMPT.fullmatch(path.name)) and _is_uuid(match[1])]
    runs = ImportRun.objects.select_related("job").in_bulk([match[1] for _, match in attempts])
    for path, match in attempts:
        run = runs.get(UUID(match[1]))
        if run is not None and (run.is_finished or run.job.lease_token != int(match[2])):
            yield path


def _unpublished_stores() -> Iterator[Path]:
    """Find the Stores of runs that moved them into place and then ended without publishing them."""
    stores = {path.name: path for path in _children(settings.STORE_DIR) if not path.name.startswith(".")}
    ended = ImportRun.objects.filter(pk__in=filter(_is_uuid, stores), state__in=ENDED_UNPUBLISHED)
    for run_id in ended.values_list("pk", flat=True):
        yield stores[str(run_id)]


def _children(directory: str | Path) -> list[Path]:
    return sorted(Path(directory).iterdir()) if Path(directory).is_dir() else []


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def _to_disk(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
