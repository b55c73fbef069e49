"""The h5ad store as a local directory."""

import os
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.core.files.storage import FileSystemStorage

from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage import files
from cellenium_admin.core.storage.files import OnBytes, StoredFile

UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".tmp", "~")


class DirectoryStorage(FileSystemStorage):
    """A local directory; a revision is size and time of change. Links that lead out of it are not followed."""

    def files(self, prefix: str) -> Iterator[StoredFile]:
        """Give all plain files but hidden ones and those named like an unfinished copy. Raises UnavailableError."""
        start = self._root / prefix.rpartition("/")[0]
        self._check(start)
        try:
            for folder, folders, names in os.walk(start, onerror=_raise) if start.is_dir() else ():
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(names):
                    stored = self._stored(Path(folder) / name)
                    if stored is not None and stored.key.startswith(prefix):
                        yield stored
        except OSError as error:
            raise UnavailableError(f"The h5ad store cannot be listed: {error}") from error

    def look(self, key: str) -> StoredFile | None:
        """Give what lies under one name now, exactly as a listing tells it. Raises UnavailableError."""
        return next((file for file in self.files(key) if file.key == key), None)

    def fetch(self, uri: str, revision: str, target: BinaryIO, on_bytes: OnBytes) -> str:
        """Write one revision into an open file and give its SHA-256.

        Raises InvalidInputError, FileChangedError, FileGoneError, UnavailableError.
        """
        path = self._path(uri)
        self._check(self._root)
        try:
            with path.open("rb", buffering=0) as source:
                before = os.fstat(source.fileno())
                digest, done = files.copy(source.read, target, on_bytes)
                after = path.stat()
        except FileNotFoundError as error:
            raise files.gone(uri) from error
        replaced = (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino)
        if replaced or revision not in {_revision(before)} & {_revision(after)} or done != after.st_size:
            raise files.changed(uri)
        return digest

    def name_of(self, uri: str) -> str:
        """Give the name of a file below the root. Raises InvalidInputError for what is not of this store.

        Two dots would make one name of two folders, and are no name of a file that was listed.
        """
        if not uri.startswith("file:///"):
            raise files.outside(uri)
        path = Path(url2pathname(urlsplit(uri).path))
        # There is one way only to write an address.
        if path.as_uri() != uri or {"..", "\0"} & {*path.parts, *str(path)} or not path.is_relative_to(self._root):
            raise files.outside(uri)
        return os.fsencode(path.relative_to(self._root).as_posix()).decode(errors="replace")

    def address_of(self, path: Path) -> str | None:
        """Give the address of a file of this host that lies in the store; None for others."""
        inside = path.resolve()
        if not inside.is_relative_to(self._root.resolve()):
            return None
        return (self._root / inside.relative_to(self._root.resolve())).as_uri()

    def add(self, name: str, path: Path, on_bytes: OnBytes) -> None:
        """Copy a file to a name, whole at once; what lies there already is replaced. Raises UnavailableError."""
        self._check(self._root)
        unfinished = f"{name}.{uuid.uuid4().hex}{UNFINISHED[0]}"
        try:
            with files.Counted(path, on_bytes) as source:
                self.save(unfinished, source)
            (self._root / unfinished).replace(self._root / name)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be copied into the h5ad store: {error}") from error
        finally:
            (self._root / unfinished).unlink(missing_ok=True)

    @property
    def _root(self) -> Path:
        return Path(self.location)

    def _check(self, start: Path) -> None:
        """Tell a store that is away from one in which nothing lies yet."""
        if not self._root.is_dir():
            raise UnavailableError(f"The h5ad store {self._root} is not there: mount it or correct the setting.")
        if not start.resolve().is_relative_to(self._root.resolve()):
            raise UnavailableError(f"{start} leads out of the h5ad store {self._root}.")

    def _stored(self, path: Path) -> StoredFile | None:
        if path.name.startswith(".") or path.name.endswith(UNFINISHED):
            return None
        try:
            found = path.stat()
        except FileNotFoundError:  # removed a moment ago, or a link to nowhere
            return None
        if not stat.S_ISREG(found.st_mode) or not path.resolve().is_relative_to(self._root.resolve()):
            return None
        return StoredFile(
            uri=path.as_uri(),
            key=os.fsencode(path.relative_to(self._root).as_posix()).decode(errors="replace"),
            revision=_revision(found),
            size=found.st_size,
            # Not the time of modification: a copy may keep that of its original, and anybody may set it.
            modified_at=datetime.fromtimestamp(found.st_ctime, UTC),
        )

    def _path(self, uri: str) -> Path:
        """Find the file behind every link. Raises InvalidInputError when it does not lie in the store."""
        place = urlsplit(uri)
        path = Path(url2pathname(place.path))
        inside = path.is_relative_to(self._root) and path.resolve().is_relative_to(self._root.resolve())
        if place.scheme != "file" or place.netloc or not inside:
            raise files.outside(uri)
        return path.resolve()


def _revision(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"


def _raise(error: OSError) -> NoReturn:
    raise error
