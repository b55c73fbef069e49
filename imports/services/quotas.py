"""How much a person may have on its way at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Sum

from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import User
from imports.models import Upload


@dataclass(frozen=True, slots=True)
class Usage:
    """What counts against a person's quota, and the quota."""

    bytes: int
    files: int
    max_bytes: int
    max_files: int

    def has_room_for(self, size: int) -> bool:
        """Tell whether one more file of a size fits."""
        return size <= settings.UPLOAD_MAX_BYTES and self.files < self.max_files and self.bytes + size <= self.max_bytes


def usage_of(user: User) -> Usage:
    """Count what is being sent and what waits for its import."""
    counting = Upload.objects.filter(pk__in=Upload.objects.counting().filter(owner=user).values("pk"))
    found = counting.aggregate(bytes=Sum("size", default=0), files=Count("pk"))
    return Usage(
        bytes=found["bytes"],
        files=found["files"],
        max_bytes=settings.UPLOAD_QUOTA_BYTES,
        max_files=settings.UPLOAD_QUOTA_FILES,
    )


def may_leave_more_alone(owner: User) -> bool:
    """Tell whether one more of a person's files that are not for the importer is listed: as many as may wait."""
    return not with_enough_left_alone([owner])


def with_enough_left_alone(owners: Iterable[User]) -> set[UUID]:
    """Give the ids of those whose lists of files left alone are full; further ones stay in the bucket, unlisted."""
    alone = Upload.objects.filter(state=Upload.State.UNRECOGNIZED, owner__in={owner.pk for owner in owners})
    counted = alone.order_by().values("owner").annotate(files=Count("pk"))
    return set(counted.filter(files__gte=settings.UPLOAD_QUOTA_FILES).values_list("owner", flat=True))


def check(user: User, size: int) -> None:
    """Refuse what does not fit. Called while the person's row is locked. Raises ConflictError with the numbers."""
    usage = usage_of(user)
    if not usage.has_room_for(size):
        raise ConflictError(
            f"{usage.files} of {usage.max_files} files and {usage.bytes} of {usage.max_bytes} bytes are on their way"
            f" or wait for their import; {size} more do not fit. Wait, or cancel some.",
            code="quota_exceeded",
        )
