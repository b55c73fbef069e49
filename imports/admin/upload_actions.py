"""What administrators can do about an upload: let it in, give it up, remove it. Each with a reason."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from imports.models import ImportRun, Upload
from imports.services import removal, sending, upkeep

Values = Mapping[str, Any]
State = Upload.State


class UploadAction(ConfirmedAction):
    """What all have in common."""

    administrators_only = True
    states: tuple[str, ...] = ()

    def applies(self, row: Upload) -> bool:
        """Fit the states in which it makes sense."""
        return row.state in self.states

    def fingerprint(self, row: Upload) -> str:
        """Give where it stands: an upload has no version."""
        return f"{row.state} {row.revision}"


class Release(UploadAction):
    """Has a file imported although its owner's quota is full."""

    name, title, button = "release", "Import now", "Import it beyond the quota"
    states = (State.HELD,)

    def preview(self, row: Upload, values: Values, user: User) -> Preview:
        """Tell that nothing is called."""
        return Preview(notes=["Without this it is imported as soon as the owner's other files are."])

    def perform(self, row: Upload, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Let it in."""
        upkeep.release(upload=row, actor=_actor(request), reason=values["reason"], even_beyond_quota=True)
        return Done([Outcome(messages.SUCCESS, f"{row} waits for its import.")])


class Cancel(UploadAction):
    """Gives up what is being sent."""

    name, title, button, destructive = "cancel", "Cancel", "Cancel this upload", True
    states = (State.STARTING, State.UPLOADING)

    def preview(self, row: Upload, values: Values, user: User) -> Preview:
        """Tell the call."""
        calls = [f"AbortMultipartUpload {row.uri}"] if row.multipart_id else []
        return Preview(calls, warnings=["The parts that have arrived are thrown away."])

    def perform(self, row: Upload, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Cancel."""
        sending.cancel(upload=row, actor=_actor(request), reason=values["reason"])
        return Done([Outcome(messages.SUCCESS, f"{row} is cancelled.")])


class Remove(UploadAction):
    """Deletes a file from the bucket."""

    name, title, button, destructive = "remove", "Remove the file", "Delete it from the bucket", True
    states = (State.RECEIVED, State.HELD, State.UNRECOGNIZED, State.REMOVING)

    def applies(self, row: Upload) -> bool:
        """Fit files in a bucket that nobody is importing."""
        busy = row.runs.filter(state__in=ImportRun.UNFINISHED).exists()
        return super().applies(row) and row.uri.startswith("s3://") and not busy

    def preview(self, row: Upload, values: Values, user: User) -> Preview:
        """Tell the call, and what stays."""
        note = "This revision alone is deleted. A study that was made of it stays."
        warning = f"It was put there by {row.owner}." if row.owner else "Nobody's prefix: see who has put it there."
        return Preview([f"DeleteObject {row.uri} {row.revision}"], [note], [warning])

    def perform(self, row: Upload, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Remove."""
        removal.remove(upload=row, actor=_actor(request), reason=values["reason"])
        return Done([Outcome(messages.SUCCESS, f"{row} is removed from the bucket.")])


def _actor(request: HttpRequest) -> Actor:
    return Actor.of(request.user)  # type: ignore[arg-type]
