"""Signs how far the trail has come and keeps the statement where the database's owner cannot write.

The newest checkpoint in that place, not the one in the database, is what the next one follows.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError
from cellenium_admin.core.models import Action, AuditCheckpoint, AuditEvent, Outcome
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit_chain import database_trail, verify
from cellenium_admin.core.services.audit_diagnosis import Breach, Head, Kind
from cellenium_admin.core.services.audit_signatures import PublicKey, SigningKey, load_public_key, load_signing_key
from cellenium_admin.core.services.audit_statements import NAME, BadCheckpointError, Checkpoint, Statement, file_name
from cellenium_admin.core.storage.write_once import AlreadyWrittenError, WriteOncePlace, open_place

logger = logging.getLogger(__name__)


class TrailBrokenError(ConflictError):
    """The trail, or what was signed of it, is not what it was: nothing is signed until somebody has looked."""

    code = "trail_broken"

    def __init__(self, breach: Breach) -> None:
        """Keep what was found."""
        super().__init__(f"Nothing was signed. At seq {breach.seq}: {breach.kind}: {breach.explanation}.")
        self.breach = breach


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs, the keys trusted besides it, and where checkpoints are kept."""

    key: SigningKey
    trusted: tuple[PublicKey, ...]
    place: WriteOncePlace


def configured_signer() -> Signer:
    """Open what the settings name. Raises InvalidInputError when they name nothing, KeyFileError."""
    if not settings.CHECKPOINT_KEY_FILE or not settings.CHECKPOINT_TARGET:
        raise InvalidInputError(
            "Set CELLENIUM_CHECKPOINT_KEY_FILE to a key made by `audit keygen`, and CELLENIUM_CHECKPOINT_TARGET."
        )
    key = load_signing_key(Path(settings.CHECKPOINT_KEY_FILE))
    others = [load_public_key(Path(path)) for path in settings.CHECKPOINT_PUBLIC_KEY_FILES]
    return Signer(key=key, trusted=(key.public, *others), place=open_place(settings.CHECKPOINT_TARGET))


def sign(*, actor: Actor) -> AuditCheckpoint | None:
    """Sign the newest event and write the statement to the configured place; None when nothing happened since.

    The stretch since the last checkpoint is verified first. Raises TrailBrokenError, which is logged and in the
    trail by then, ConflictError for a key that is not to sign, UnavailableError for a place that does not answer.
    """
    with _alarming(actor):
        signer = configured_signer()
        last = _last(signer)
        head = _verified_head(last)
        if not _has_moved(last, head):
            return None
        checkpoint = Checkpoint.sign(_statement(signer, last, head), signer.key)
        return _keep(checkpoint, signer, action=Action.CHECKPOINT_SIGNED, actor=actor)


def change_key(*, new_key: SigningKey, actor: Actor) -> AuditCheckpoint:
    """Hand over to another key by a checkpoint that both sign. Raises as `sign` does."""
    with _alarming(actor):
        signer = configured_signer()
        if new_key.public == signer.key.public:
            raise InvalidInputError("That is the key that signs now; make another with `audit keygen`.")
        last = _last(signer)
        if last is None:
            raise ConflictError("Nothing was signed yet: set CELLENIUM_CHECKPOINT_KEY_FILE to the new key.")
        statement = _statement(signer, last, _verified_head(last), next_key=new_key.public.raw.hex())
        checkpoint = Checkpoint.sign(statement, signer.key, new_key)
        return _keep(checkpoint, signer, action=Action.CHECKPOINT_KEY_CHANGED, actor=actor)


@contextmanager
def _alarming(actor: Actor) -> Iterator[None]:
    """Tell the log and, by a failed attempt, the curators: a task's error alone may be read by nobody."""
    try:
        yield
    except TrailBrokenError as error:
        logger.error("Audit trail: %s", error.detail)  # noqa: TRY400 -- what was found says it all
        details = {"code": error.code, "detail": error.detail, "seq": error.breach.seq}
        with transaction.atomic():
            audit.record(action=Action.CHECKPOINT_SIGNED, actor=actor, details=details, outcome=Outcome.FAILED)
        raise


def _last(signer: Signer) -> Checkpoint | None:
    """Find the checkpoint to go on from, finishing what an interrupted attempt left.

    A row is believed only as far as its signature goes: what the place holds beyond it comes first.
    """
    row, place = AuditCheckpoint.objects.first(), signer.place
    known = _genuine(_parsed(row.document.encode(), "the row", file_name(row.seq)), signer) if row else None
    if row is not None and row.written_at is None:
        _write(row, place)
    names = [name for name in place.names(known.name if known else "") if NAME.fullmatch(name)]
    if names:
        return _in_turn(_genuine(_parsed(place.read(names[-1]), place.uri(names[-1]), names[-1]), signer), signer)
    if row is None or row.uri != place.uri(file_name(row.seq)):
        return known
    return _in_turn(_genuine(_unchanged(row, place), signer), signer)


def _unchanged(row: AuditCheckpoint, place: WriteOncePlace) -> Checkpoint:
    found, name = place.read(file_name(row.seq)), file_name(row.seq)
    if found is None:
        raise TrailBrokenError(Breach(row.seq, Kind.GAP, f"the checkpoint {row.uri} is not there any more"))
    if found != row.document.encode():
        what = f"the checkpoint {row.uri} is not the one that was written there"
        raise TrailBrokenError(Breach(row.seq, Kind.FORGED, what))
    return _parsed(found, row.uri, name)


def _parsed(document: bytes | None, where: str, name: str) -> Checkpoint:
    try:
        return Checkpoint.parse(document or b"", name=name)
    except BadCheckpointError as error:
        seq = int(name.removesuffix(".json"))
        raise TrailBrokenError(Breach(seq, Kind.FORGED, f"{where}: {error}")) from error


def _in_turn(checkpoint: Checkpoint, signer: Signer) -> Checkpoint:
    """Let a checkpoint of the configured place be followed by the key that is to follow it."""
    wanted, given = checkpoint.signing_key_after, signer.key.public.id
    if wanted != given:
        raise ConflictError(
            f"The key {wanted} signs there, and CELLENIUM_CHECKPOINT_KEY_FILE holds {given}: hand over with "
            "`audit rotate-key`, or begin in another CELLENIUM_CHECKPOINT_TARGET when the old key is lost.",
            code="wrong_key",
        )
    return checkpoint


def _genuine(checkpoint: Checkpoint, signer: Signer) -> Checkpoint:
    statement = checkpoint.statement
    if statement.deployment != settings.DEPLOYMENT:
        what = f"the newest checkpoint is one of the deployment {statement.deployment!r}; give each its own place"
        raise TrailBrokenError(Breach(statement.seq, Kind.FOREIGN, what))
    signed = any(checkpoint.is_signed_by(key) for key in signer.trusted)
    if not signed and not checkpoint.is_accepted_by(signer.key.public):
        what = f"no trusted key has signed the newest checkpoint, which names the key {statement.key_id}"
        raise TrailBrokenError(Breach(statement.seq, Kind.FORGED, what))
    return checkpoint


def _verified_head(last: Checkpoint | None) -> Head:
    """Recompute the chain from the last checkpoint on; what came before was verified when that was signed."""
    seq = last.statement.seq if last else 0
    anchors = {seq: bytes.fromhex(last.statement.hash)} if last else {}
    with database_trail() as trail:
        verdict = verify(trail, start=max(seq, 1), anchors=anchors)
        head = trail.head()
    if verdict.breach or head is None:
        raise TrailBrokenError(verdict.breach or Breach(0, Kind.REMOVED, "the head of the chain is missing"))
    return head


def _has_moved(last: Checkpoint | None, head: Head) -> bool:
    """Tell whether anything happened but the signing itself, which would have no end."""
    since = AuditEvent.objects.filter(seq__gt=last.statement.seq if last else 0, seq__lte=head.seq)
    return since.exclude(action=Action.CHECKPOINT_SIGNED).exists()


def _statement(signer: Signer, last: Checkpoint | None, head: Head, *, next_key: str = "") -> Statement:
    return Statement(
        deployment=settings.DEPLOYMENT,
        seq=head.seq,
        hash=head.hash.hex(),
        events=head.seq - (last.statement.seq if last else 0),
        at=timezone.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        key_id=signer.key.public.id,
        previous=last.digest if last else "",
        next_key=next_key,
    )


def _keep(checkpoint: Checkpoint, signer: Signer, *, action: Action, actor: Actor) -> AuditCheckpoint:
    """Commit row and event, then write the file; a file that cannot be written now is written next time."""
    statement, uri = checkpoint.statement, signer.place.uri(checkpoint.name)
    try:
        with transaction.atomic():
            row = AuditCheckpoint.objects.create(
                seq=statement.seq,
                hash=bytes.fromhex(statement.hash),
                at=datetime.fromisoformat(statement.at),
                key_id=statement.key_id,
                previous=statement.previous,
                signature=bytes.fromhex(checkpoint.signature),
                document=checkpoint.document().decode(),
                uri=uri,
            )
            audit.record(action=action, actor=actor, obj=row, details=_told(checkpoint, uri))
    except IntegrityError as error:
        raise ConflictError("Another process signed at the same moment; this statement is dropped.") from error
    _write(row, signer.place)
    return row


def _told(checkpoint: Checkpoint, uri: str) -> dict[str, str | int]:
    statement = checkpoint.statement
    told: dict[str, str | int] = {
        "seq": statement.seq,
        "hash": statement.hash,
        "events": statement.events,
        "key_id": statement.key_id,
        "previous": statement.previous,
        "signature": checkpoint.signature,
        "uri": uri,
    }
    if statement.next_key:
        told |= {"next_key_id": checkpoint.signing_key_after, "next_signature": checkpoint.next_signature}
    return told


def _write(row: AuditCheckpoint, place: WriteOncePlace) -> None:
    name = file_name(row.seq)
    try:
        place.write(name, row.document.encode())
    except AlreadyWrittenError as error:
        raise TrailBrokenError(Breach(row.seq, Kind.FORGED, error.detail.rstrip("."))) from error
    row.uri, row.written_at = place.uri(name), timezone.now()
    row.save(update_fields=["uri", "written_at"])
