"""How the row an operation is about moves on, inside the transaction that ends the operation."""

from typing import Any, TypeVar

from django.utils import timezone

from grants.models import State
from grants.models.lifecycle import Lifecycle
from grants.models.operation import Operation
from grants.services import facts
from grants.services.operation_calls import Change

Row = TypeVar("Row", bound=Lifecycle)


def subject(model: type[Row], operation: Operation) -> Row:
    """Lock and give the row an operation is about."""
    rows: Any = model._default_manager  # noqa: SLF001 -- Django's documented interface
    row: Row = rows.select_for_update(of=("self",)).get(pk=operation.subject_id)
    return row


def confirm(row: Lifecycle, **fields: Any) -> Change:
    """Note what AWS has confirmed; a row that is wanted away by now stays so, and the next operation takes it away."""
    state = State.ACTIVE if row.state in {State.PENDING_CREATE, State.FAILED} else row.state
    return change(row, state=state, confirmed_at=timezone.now(), drift="", **fields)


def gone(row: Lifecycle, **fields: Any) -> Change:
    """Note that AWS does not have it any more."""
    if row.state == State.DELETED:
        return Change()
    return change(row, state=State.DELETED, deleted_at=timezone.now(), drift="", **fields)


def fail(row: Lifecycle) -> Change:
    """Note that it could not be made; what could not be taken away is still to be taken away."""
    return change(row, state=State.FAILED) if row.state == State.PENDING_CREATE else Change()


def revive(row: Lifecycle) -> Change:
    """Wish for it again."""
    return change(row, state=State.PENDING_CREATE) if row.state == State.FAILED else Change()


def change(row: Lifecycle, **fields: Any) -> Change:
    """Write fields with the next version, and give what differed."""
    before = facts.of(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    after = facts.of(row)
    changed = [name for name in after if before[name] != after[name]]
    return Change({name: before[name] for name in changed}, {name: after[name] for name in changed})
