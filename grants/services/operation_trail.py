"""How the trail refers to operations and to what they are about."""

from collections.abc import Mapping, Sequence
from typing import Any

from cellenium_admin.core.services.audit import ObjectRef
from grants.models import Operation


def subject_of(operation: Operation) -> ObjectRef:
    """Refer to the row the operation is about, or to the operation where there is none."""
    if operation.subject_type:
        return ObjectRef(operation.subject_type, operation.subject_id, operation.subject_label)
    return ObjectRef("operation", str(operation.pk), str(operation))


def details_of(operation: Operation, *, calls: Sequence[str] = (), **more: Any) -> Mapping[str, Any]:
    """Give the circumstances: which operation, which attempt, which AWS calls with their request ids."""
    details = {"operation_id": str(operation.pk), "kind": operation.kind, "attempt": operation.attempts}
    return details | ({"calls": list(calls)} if calls else {}) | more
