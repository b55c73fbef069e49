"""Stores in object storage, where all hosts find them: sent by imports, fetched by whoever answers questions."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from django.conf import settings

from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage.files import FileGoneError
from cellenium_admin.core.storage.objects import ObjectTree
from studies.store import format as fmt
from studies.store import local_copies
from studies.store.format import Manifest, StoreDamagedError

logger = logging.getLogger(__name__)

OnBytes = Callable[[int, int], None]


class StoreLoadingError(UnavailableError):
    """A Store is on its way to this host; it will be there in a while."""

    code = "store_loading"


class _Patience:
    """Whether this process waits for Stores of any size: workers do, a web server's threads are too few."""

    any_size = False


class _Background:
    """The Stores that are on their way to this process."""

    lock = threading.Lock()
    coming: ClassVar[set[str]] = set()


def wait_for_any_size() -> None:
    """Have this process wait for large Stores, too; called once, by workers and commands."""
    _Patience.any_size = True


def is_published() -> bool:
    """Tell whether Stores lie in object storage, by setting."""
    return bool(settings.STORE_URI)


def send(*, building: Path, version_id: str, on_bytes: OnBytes | None = None) -> None:
    """Send the finished Stores of a version, each with its manifest last, and mark them as copies.

    A version that is never published leaves its objects for `imports.services.workplaces` to remove. Raises
    UnavailableError.
    """
    tree, done = ObjectTree(settings.STORE_URI), 0
    directories = sorted(path.parent for path in building.glob(f"*/{fmt.MANIFEST}"))
    manifests = {directory: fmt.read_manifest(directory) for directory in directories}
    total = sum(map(local_copies.bytes_of, manifests.values()))
    for directory, manifest in manifests.items():
        for array, entry in manifest.arrays.items():
            name = fmt.file_name(array)
            tree.put(f"{version_id}/{directory.name}/{name}", directory / name, _counting(done, total, on_bytes))
            done += entry.bytes
        tree.put(f"{version_id}/{directory.name}/{fmt.MANIFEST}", directory / fmt.MANIFEST)
        local_copies.mark(directory)


def _counting(before: int, total: int, on_bytes: OnBytes | None) -> Callable[[int], None] | None:
    """Count the bytes of one file on top of those sent before."""
    return (lambda sent: on_bytes(before + sent, total)) if on_bytes else None


def fetch(relative: str, *, works: Callable[[Path], bool]) -> None:
    """Bring a Store to this host, once, however many want it; `works` tells whether one is whole.

    What is there and is not whole is replaced. Raises UnavailableError when the object storage or this host's disk
    fails, StoreLoadingError where a large one comes in the background, StoreDamagedError when what lies in the object
    storage is not what its manifest says.
    """
    tree = ObjectTree(settings.STORE_URI)
    manifest = _manifest(tree, relative)
    if local_copies.bytes_of(manifest) <= settings.STORE_INLINE_BYTES or _Patience.any_size:
        _bring(tree, relative, manifest, works)
        return
    _begin_in_background(relative, works)
    raise StoreLoadingError("The data of this study is being fetched; ask again in a few seconds.")


def remove_version(version_id: str) -> int:
    """Take away the objects of a version nobody knows, and count them. Raises UnavailableError."""
    return ObjectTree(settings.STORE_URI).remove(version_id)


def versions() -> list[str]:
    """Name the versions that have objects. Raises UnavailableError."""
    return list(ObjectTree(settings.STORE_URI).folders())


def _begin_in_background(relative: str, works: Callable[[Path], bool]) -> None:
    with _Background.lock:
        if relative not in _Background.coming:
            _Background.coming.add(relative)
            threading.Thread(target=_bring_in_background, args=(relative, works), daemon=True).start()


def _bring_in_background(relative: str, works: Callable[[Path], bool]) -> None:
    try:
        tree = ObjectTree(settings.STORE_URI)
        _bring(tree, relative, _manifest(tree, relative), works)
    except (UnavailableError, StoreDamagedError):
        logger.exception("The Store %s cannot be fetched.", relative)
    finally:
        with _Background.lock:
            _Background.coming.discard(relative)


def _bring(tree: ObjectTree, relative: str, manifest: Manifest, works: Callable[[Path], bool]) -> None:
    root = Path(settings.STORE_DIR)
    target = root / relative
    try:
        with local_copies.alone(root, relative):
            if works(target):
                return
            wanted = local_copies.bytes_of(manifest)
            local_copies.make_room(root, wanted=wanted, limit=settings.STORE_CACHE_BYTES, keep=target)
            with local_copies.staged(root) as path:
                _copy(tree, relative, manifest, path)
                local_copies.take_place(path, target)
    except OSError as error:
        raise UnavailableError(f"This host cannot keep the Store {relative}: {error}") from error


def _copy(tree: ObjectTree, relative: str, manifest: Manifest, path: Path) -> None:
    for array, entry in manifest.arrays.items():
        name = fmt.file_name(array)
        with (path / name).open("wb") as file:
            try:
                digest = tree.fetch(f"{relative}/{name}", file)
            except FileGoneError as error:
                raise StoreDamagedError(f"{tree.uri}/{relative}/{name} is missing") from error
        if digest != entry.sha256:
            raise StoreDamagedError(f"{tree.uri}/{relative}/{name} is not what its manifest says")
    (path / fmt.MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    local_copies.mark(path)


def _manifest(tree: ObjectTree, relative: str) -> Manifest:
    """Read a manifest from the object storage. Raises StoreDamagedError, UnavailableError."""
    root = Path(settings.STORE_DIR)
    with local_copies.staged(root) as path:
        with (path / fmt.MANIFEST).open("wb") as file:
            try:
                tree.fetch(f"{relative}/{fmt.MANIFEST}", file)
            except FileGoneError as error:
                raise StoreDamagedError(f"{tree.uri}/{relative} has no manifest") from error
        return fmt.read_manifest(path)
