"""Is the trail signed, with a key and into a place that work, and as often as it was said?"""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.models import Action, AuditCheckpoint, AuditEvent
from cellenium_admin.core.services.audit_checkpoints import configured_signer
from cellenium_admin.core.services.audit_statements import file_name
from cellenium_admin.core.services.setup_findings import Finding, doubtful, good, wrong

NAME = "checkpoints"
SET_UP = "Make a key with `audit keygen`, then set CELLENIUM_CHECKPOINT_KEY_FILE and CELLENIUM_CHECKPOINT_TARGET."


def checkpoint_finding() -> Finding:
    """Look at key and place, then at the oldest event that is not signed; changes nothing."""
    if not settings.CHECKPOINT_KEY_FILE:
        return doubtful(NAME, "None is signed: the owner of the database could rewrite the whole trail unseen.", SET_UP)
    try:
        signer = configured_signer()
        # Behind the highest number there is nothing, so this asks for one page at most.
        list(signer.place.names(file_name(2**63 - 1)))
    except ApplicationError as error:
        return wrong(NAME, error.detail, "See docs/audit-trail.md; the key is for worker hosts.")
    if not settings.CHECKPOINT_SECONDS:
        return doubtful(
            NAME, "They are signed by hand only.", "Set CELLENIUM_CHECKPOINT_SECONDS, or run `audit checkpoint`."
        )
    unsigned = _oldest_unsigned()
    if unsigned and unsigned.at < timezone.now() - timedelta(seconds=2 * settings.CHECKPOINT_SECONDS):
        detail = f"Event {unsigned.seq} of {unsigned.at:%Y-%m-%d %H:%M:%SZ} is not signed yet."
        return doubtful(NAME, detail, "Run `audit checkpoint` and see what it says; look whether beat and workers run.")
    key = f"{Path(settings.CHECKPOINT_KEY_FILE).name} ({signer.key.public.id})"
    return good(NAME, f"Every {settings.CHECKPOINT_SECONDS} s, with {key}, to {settings.CHECKPOINT_TARGET}.")


def _oldest_unsigned() -> AuditEvent | None:
    try:
        last = AuditCheckpoint.objects.exclude(written_at=None).first()
        since = AuditEvent.objects.filter(seq__gt=last.seq if last else 0).exclude(action=Action.CHECKPOINT_SIGNED)
        return since.order_by("seq").first()
    except DatabaseError:  # the findings about the database say what is wrong there
        return None
