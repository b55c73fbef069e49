"""The worst of the hostile pairs with real sessions: the neighbour's keys are refused, one's own work."""

from difflib import SequenceMatcher
from typing import Any

import pytest

from cellenium_admin.core.models import User
from cellenium_admin.core.prefixes import prefix_for
from tests.builders.people import person
from tests.grants.services.issuing import Desk, desk
from tests.support.hostile_emails import pairs
from tests.support.sandbox import refusal

__all__ = ["desk"]
pytestmark = pytest.mark.django_db(transaction=True)
DENIED = {"AccessDenied", "403"}


def worst(count: int, *, out_of: int) -> list[tuple[str, str]]:
    """Give the pairs of prefixes that are hardest to tell apart: nearly the same, or one the beginning of the other."""
    found = {tuple(sorted((prefix_for(one), prefix_for(other)))) for one, other in pairs(out_of)}
    different = [(one, other) for one, other in found if one != other]
    return sorted(different, key=likeness, reverse=True)[:count]


def likeness(pair: tuple[str, str]) -> tuple[bool, float, tuple[str, str]]:
    one, other = (prefix.rstrip("/") for prefix in pair)
    nested = one.startswith(other) or other.startswith(one)
    return nested, SequenceMatcher(None, one, other, autojunk=False).quick_ratio(), pair


def bearer(number: int, prefix: str) -> User:
    """Give whoever has a prefix; some stand in several pairs."""
    found = User.objects.filter(upload_prefix=prefix).first()
    return found or person(f"uploader-{number}", upload_prefix=prefix)


def kept_apart(desk: Desk, pair: tuple[str, str], number: int) -> int:
    """Check one pair in one direction with a real session; give the number of requests."""
    own, foreign = pair
    mine, theirs = f"{own}one.h5ad", f"{foreign}one.h5ad"
    s3, root, where = desk.s3(desk.issue(bearer(number, own)).session), desk.sandbox("s3"), {"Bucket": desk.bucket}
    desk.put(theirs)
    started = root.create_multipart_upload(**where, Key=theirs)["UploadId"]
    part = {**where, "Key": theirs, "UploadId": started}
    refused = [
        refusal(s3.get_object, **where, Key=theirs),
        refusal(s3.put_object, **where, Key=theirs, Body=b"x"),
        refusal(s3.delete_object, **where, Key=theirs),
        refusal(s3.create_multipart_upload, **where, Key=theirs),
        refusal(s3.upload_part, **part, PartNumber=1, Body=b"x"),
        refusal(s3.list_parts, **part),
        refusal(s3.abort_multipart_upload, **part),
        refusal(s3.list_objects_v2, **where, Prefix=foreign),
        refusal(s3.list_objects_v2, **where, Prefix=own[:-1]),
        refusal(s3.list_object_versions, **where, Prefix=foreign),
        refusal(s3.list_multipart_uploads, **where, Prefix=foreign),
    ]
    assert set(refused) <= DENIED, (pair, refused)
    root.abort_multipart_upload(**part)
    works: list[Any] = [
        refusal(s3.put_object, **where, Key=mine, Body=b"mine"),
        refusal(s3.get_object, **where, Key=mine),
        refusal(s3.list_objects_v2, **where, Prefix=own),
    ]
    own_part = {**where, "Key": mine, "UploadId": s3.create_multipart_upload(**where, Key=mine)["UploadId"]}
    works += [refusal(s3.list_parts, **own_part), refusal(s3.abort_multipart_upload, **own_part)]
    assert works == [None] * 5, (pair, works)
    return len(refused) + len(works) + 1


def test_a_few_of_the_worst(desk: Desk) -> None:
    assert sum(kept_apart(desk, pair, number) for number, pair in enumerate(worst(2, out_of=500))) == 34


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_worst_500_pairs(desk: Desk, settings: Any) -> None:
    settings.CREDENTIALS_PER_HOUR = 1000
    chosen = worst(500, out_of=22_000)
    assert len(chosen) == 500
    requests = sum(kept_apart(desk, pair[:: 1 if number % 2 else -1], number) for number, pair in enumerate(chosen))
    print(f"{len(chosen)} pairs, {requests} requests")
    assert requests == 8_500
