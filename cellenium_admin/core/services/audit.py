"""The one writer of the trail. What it records gets its number and hash in the database as the commit's last step."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from cellenium_admin.core import context
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import FieldError, InvalidInputError, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, Outcome
from cellenium_admin.core.services import audit_fields
from cellenium_admin.core.services.audit_fields import label_text, storable_text

NOTHING: Mapping[str, Any] = MappingProxyType({})


def _column_lengths() -> Mapping[str, int]:
    fields = (field for field in AuditEvent._meta.concrete_fields if isinstance(field, models.CharField))  # noqa: SLF001
    return {field.name: field.max_length or 0 for field in fields}


LENGTHS = _column_lengths()


class OutsideTransactionError(RuntimeError):
    """`audit.record` was called where nothing would roll back together with its event."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """What an event is about, by copied id and label, so that the trail outlives the row."""

    type: str
    id: str
    label: str

    @classmethod
    def of(cls, instance: models.Model) -> Self:
        """Refer to a row by its model, its key and the name it has now."""
        return cls(type=instance._meta.model_name or "", id=str(instance.pk), label=str(instance))  # noqa: SLF001


def record(
    *,
    action: Action,
    actor: Actor,
    obj: models.Model | ObjectRef | None = None,
    before: Mapping[str, Any] = NOTHING,
    after: Mapping[str, Any] = NOTHING,
    details: Mapping[str, Any] = NOTHING,
    reason: str = "",
    outcome: Outcome = Outcome.OK,
    on_behalf_of: str = "",
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Record an event together with the change it tells of: both commit, or neither.

    The event can be read once the transaction has committed, not before. Fields are those listed in
    `audit_fields`; raises OutsideTransactionError outside of `atomic()`, AuditFieldError for fields and values
    the trail does not take, InvalidInputError for a reason that is too long.
    """
    if not connections[using].in_atomic_block:
        raise OutsideTransactionError(f"Record {action} inside transaction.atomic(), together with the change.")
    _insert(
        {
            "action": Action(action).value,
            "outcome": Outcome(outcome).value,
            **_actor_columns(actor, on_behalf_of),
            **_object_columns(obj),
            **_context_columns(),
            "before": audit_fields.state(action, before),
            "after": audit_fields.state(action, after),
            "details": audit_fields.details(action, details),
            "reason": _checked_reason(reason),
        },
        using=using,
    )


def record_refusal(error: RefusedError, *, actor: Actor) -> None:
    """Record a refused attempt in a transaction of its own, which the end of the refused one cannot take along.

    Raises RuntimeError inside of `atomic()`: the edge calls this after its transaction has ended.
    """
    attempt = error.attempt
    refers = attempt.object_type or attempt.object_id or attempt.object_label
    subject = ObjectRef(type=attempt.object_type, id=attempt.object_id, label=attempt.object_label)
    with transaction.atomic(durable=True):
        record(
            action=Action(attempt.action),
            actor=actor,
            obj=subject if refers else None,
            details={"code": error.code, **attempt.details},
            outcome=Outcome.REFUSED,
        )


def _insert(event: Mapping[str, Any], *, using: str) -> None:
    """Put the event in the queue; the role may insert here and not even read back, hence no ORM."""
    with connections[using].cursor() as cursor:
        cursor.execute("INSERT INTO core_auditpending (event) VALUES (%s)", [json.dumps(event)])


def _actor_columns(actor: Actor, on_behalf_of: str) -> dict[str, str]:
    return {
        "actor_type": _identifier("actor_type", actor.type),
        "actor_id": _identifier("actor_id", actor.id),
        "actor_label": _label("actor_label", actor.label),
        "on_behalf_of": _label("on_behalf_of", on_behalf_of),
    }


def _object_columns(obj: models.Model | ObjectRef | None) -> dict[str, str]:
    if isinstance(obj, models.Model):
        obj = ObjectRef.of(obj)
    obj = obj or ObjectRef(type="", id="", label="")
    return {
        "object_type": _identifier("object_type", obj.type),
        "object_id": _identifier("object_id", obj.id),
        "object_label": _label("object_label", obj.label),
    }


def _context_columns() -> dict[str, str]:
    here = context.current()
    return {
        "request_id": _identifier("request_id", here.request_id),
        "address": _identifier("address", here.address),
    }


def _identifier(column: str, text: str) -> str:
    return storable_text(text, name=column, limit=LENGTHS[column])


def _label(column: str, text: str) -> str:
    return label_text(text, limit=LENGTHS[column])


def _checked_reason(reason: str) -> str:
    try:
        return storable_text(reason, name="The reason", limit=LENGTHS["reason"])
    except audit_fields.AuditFieldError as error:
        raise InvalidInputError(str(error), errors=[FieldError("/reason", "invalid", str(error))]) from error
