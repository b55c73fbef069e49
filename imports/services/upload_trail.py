"""What the trail tells of uploads, and the one way to change their state."""

from typing import Any

from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Outcome
from cellenium_admin.core.services import audit
from imports.models import Upload


def facts_of(upload: Upload) -> dict[str, Any]:
    """Describe an upload for the trail."""
    return {
        "uri": upload.uri,
        "revision": upload.revision,
        "state": upload.state,
        "source": upload.source,
        "filename": upload.filename,
        "size": upload.size,
        "part_size": upload.part_size,
        "owner": str(upload.owner) if upload.owner else None,
        "owner_id": str(upload.owner_id) if upload.owner_id else None,
    }


def move(
    upload: Upload,
    state: Upload.State,
    *,
    actor: Actor,
    action: Action | None,
    note: str = "",
    reason: str = "",
    outcome: Outcome = Outcome.OK,
    **fields: Any,
) -> None:
    """Bring a locked upload into another state, with its event; without an action nobody needs to know."""
    before = facts_of(upload)
    upload.state, upload.note, upload.touched_at = state, note, timezone.now()
    for name, value in fields.items():
        setattr(upload, name, value)
    upload.save(update_fields=["state", "note", "touched_at", *fields])
    if action is not None:
        changed = {name: value for name, value in facts_of(upload).items() if before[name] != value}
        audit.record(
            action=action,
            actor=actor,
            obj=upload,
            before={name: before[name] for name in changed},
            after=changed,
            details=facts_of(upload),
            reason=reason,
            outcome=outcome,
        )


def locked(upload_id: Any) -> Upload:
    """Lock an upload inside a transaction."""
    return Upload.objects.select_for_update(of=("self",)).select_related("owner").get(pk=upload_id)
