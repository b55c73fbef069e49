"""What time itself does to uploads: what stands still is given up or finished, what was held gets its turn."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from cellenium_admin.core.storage.multipart import Begun, MultipartStore
from imports.models import Upload
from imports.services import arrivals, quotas, removal, sending
from imports.services.upload_trail import locked, move

logger = logging.getLogger(__name__)

CLOCK = Actor.system("imports.expire_uploads")
MOST = 500
# An upload does not stand between two of our own steps for so long unless whoever made them has died.
STEP = timedelta(minutes=10)
State = Upload.State


def tidy(*, now: datetime | None = None) -> dict[str, int]:
    """Do all that is due and count it. One that fails is told in the log and left for the next time."""
    now = now or timezone.now()
    stale = now - timedelta(hours=settings.UPLOAD_STALE_HOURS)
    done: Counter[str] = Counter()
    steps: tuple[tuple[str, list[Upload], Callable[[Upload], object]], ...] = (
        ("expired", _standing([State.STARTING], now - STEP) + _standing([State.UPLOADING], stale), _expire),
        ("finished", _standing([State.COMPLETING], now - STEP), _finish),
        ("removed", _standing([State.REMOVING], now - STEP), _remove),
        ("discarded", _leftovers(), _discard),
        ("released", _held(), _release),
    )
    for name, uploads, step in steps:
        for upload in uploads:
            done[name] += _attempt(step, upload)
    return dict(done)


def end_unknown(*, now: datetime | None = None) -> int:
    """End multipart uploads below the scan prefix that no upload here knows and that have stood still for long.

    They come from tools that were interrupted; their parts are invisible and cost money. Raises UnavailableError.
    """
    now = now or timezone.now()
    store, ended = MultipartStore(), 0
    stale = now - timedelta(hours=settings.UPLOAD_STALE_HOURS)
    for begun in store.begun(store.place.key(settings.SCAN_PREFIX)):
        if (
            begun.begun_at >= stale
            or Upload.objects.filter(multipart_id=begun.multipart_id, state__in=Upload.UNFINISHED).exists()
        ):
            continue
        latest = store.latest_part_at(begun.key, begun.multipart_id)
        if latest is not None and latest >= stale:
            continue
        _record_end(store, begun)
        store.end(begun.key, begun.multipart_id)
        ended += 1
    return ended


def release(*, upload: Upload, actor: Actor, reason: str = "", even_beyond_quota: bool = False) -> bool:
    """Have a file that was held imported, if there is room for it by now or whoever may says so anyway."""
    with transaction.atomic():
        if upload.owner_id:
            User.objects.select_for_update().get(pk=upload.owner_id)
        current = locked(upload.pk)
        if current.state != State.HELD:
            return False
        room = current.owner is None or quotas.usage_of(current.owner).has_room_for(current.size)
        if not (room or even_beyond_quota):
            return False
        move(current, State.RECEIVED, actor=actor, action=Action.UPLOAD_RELEASED, reason=reason)
        arrivals.queue_import(current)
    return True


def _standing(states: list[Upload.State], before: datetime) -> list[Upload]:
    found = Upload.objects.filter(state__in=states, touched_at__lte=before).select_related("owner")
    return list(found.order_by("touched_at")[:MOST])


def _held() -> list[Upload]:
    """Give everybody's oldest first, so that nobody's many keep others waiting."""
    turn = Window(RowNumber(), partition_by="owner", order_by=["found_at", "pk"])
    return list(Upload.objects.filter(state=State.HELD).annotate(turn=turn).order_by("turn", "found_at")[:MOST])


def _leftovers() -> list[Upload]:
    given_up = Upload.objects.filter(state__in=[State.CANCELLED, State.EXPIRED]).exclude(multipart_id="")
    return list(given_up.order_by("touched_at")[:MOST])


def _attempt(step: Callable[[Upload], object], upload: Upload) -> bool:
    try:
        return step(upload) is not False
    except ApplicationError as error:
        logger.warning("Upload %s is left for later: %s", upload.pk, error.detail)
        return False


def _expire(upload: Upload) -> bool:
    note = f"Nothing came for {settings.UPLOAD_STALE_HOURS} hours. Upload it again."
    with transaction.atomic():
        current = locked(upload.pk)
        if current.state not in {State.STARTING, State.UPLOADING} or current.touched_at > upload.touched_at:
            return False
        move(current, State.EXPIRED, actor=CLOCK, action=Action.UPLOAD_EXPIRED, note=note)
    sending.discard_parts(upload=current)
    return True


def _finish(upload: Upload) -> None:
    sending.finish(upload=upload, actor=CLOCK)


def _remove(upload: Upload) -> None:
    removal.carry_out(upload=upload, actor=CLOCK)


def _discard(upload: Upload) -> None:
    sending.discard_parts(upload=upload)


def _release(upload: Upload) -> bool:
    return release(upload=upload, actor=CLOCK)


def _record_end(store: MultipartStore, begun: Begun) -> None:
    uri = f"s3://{store.place.bucket}/{begun.key}"
    with transaction.atomic():
        audit.record(
            action=Action.UPLOAD_EXPIRED,
            actor=CLOCK,
            obj=ObjectRef(type="multipart_upload", id=begun.multipart_id[:100], label=uri),
            details={"uri": uri[:2048], "multipart_id": begun.multipart_id},
        )
