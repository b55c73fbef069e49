"""Where the h5ad store is, as AWS names it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from cellenium_admin.core.exceptions import ConflictError


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A bucket and what the keys of the store begin with: empty, or ending in a slash."""

    bucket: str
    root: str

    def key(self, name: str) -> str:
        """Give the key of a name below the store's root."""
        return f"{self.root}{name}"

    def uri(self, name: str) -> str:
        """Give its address."""
        return f"s3://{self.bucket}/{self.key(name)}"


def bucket_place() -> BucketPlace:
    """Give where the store is. Raises ConflictError when it is a directory."""
    place = urlsplit(str(settings.H5AD_STORE))
    if place.scheme != "s3":
        raise ConflictError(
            "The h5ad store of this installation is a directory: files are put there by whoever has it mounted.",
            code="no_bucket",
        )
    root = place.path.strip("/")
    return BucketPlace(place.netloc, f"{root}/" if root else "")
