"""The h5ad store: a bucket or a local directory, by setting. Listing and fetching files, nothing else.

A listing that fails raises; it is never an empty one. A file is fetched as the revision it was listed as, or not.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings

from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage.bucket import BucketStorage
from cellenium_admin.core.storage.directory import DirectoryStorage
from cellenium_admin.core.storage.files import FileChangedError, FileGoneError, OnBytes, StoredFile, unheard

__all__ = [
    "FileChangedError",
    "FileGoneError",
    "StoredFile",
    "add",
    "address_of",
    "download",
    "h5ad_storage",
    "list_files",
    "look",
    "name_of",
]


def h5ad_storage() -> BucketStorage | DirectoryStorage:
    """Open the store named by CELLENIUM_H5AD_STORE; not to be shared between threads or across a fork."""
    place = urlsplit(settings.H5AD_STORE)
    if place.scheme == "s3":
        return BucketStorage(bucket_name=place.netloc, location=place.path.strip("/"))
    if place.scheme == "file":
        return DirectoryStorage(location=url2pathname(place.path))
    return DirectoryStorage(location=settings.H5AD_STORE)


def list_files(prefix: str) -> Iterator[StoredFile]:
    """Give all files of the store under a prefix. Raises UnavailableError when the listing breaks off."""
    return h5ad_storage().files(prefix)


def look(key: str) -> StoredFile | None:
    """Give the file with one name, None where there is none. Raises UnavailableError."""
    return h5ad_storage().look(key)


def name_of(uri: str) -> str:
    """Give the name below the store's root of what lies at an address, as `look` takes it.

    Raises InvalidInputError (`outside_store`) for what does not lie in the store, or leads out of a folder of it.
    """
    return h5ad_storage().name_of(uri)


def download(uri: str, revision: str, target: Path, on_bytes: OnBytes | None = None) -> str:
    """Fetch one revision of a file in chunks, telling how many bytes are there, and give its SHA-256 in hex.

    Raises InvalidInputError for what lies outside the store, FileChangedError, FileGoneError, UnavailableError.
    """
    with target.open("wb") as file:
        return h5ad_storage().fetch(uri, revision, file, on_bytes or unheard)


def address_of(path: Path) -> str | None:
    """Give the address of a file of this host, None when it does not lie in the store."""
    return h5ad_storage().address_of(path)


def add(name: str, path: Path, on_bytes: OnBytes | None = None) -> StoredFile:
    """Copy a file of this host into the store, telling how many bytes are there; others see it when it is whole.

    What lies under that name already is replaced. Raises UnavailableError.
    """
    h5ad_storage().add(name, path, on_bytes or unheard)
    file = look(name)
    if file is None:
        raise UnavailableError(f"{name} was copied into the h5ad store and is not there: somebody has removed it.")
    return file
