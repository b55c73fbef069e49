"""The outbox, emptied by schedule: whatever nobody has carried out, or a dead worker has left."""

import logging
from uuid import UUID

from grants.aws.gateway import Aws
from grants.services import operation_claims, operations

logger = logging.getLogger(__name__)

MOST = 1000


def drain(*, aws: Aws, limit: int = MOST) -> int:
    """Carry out what is due, in order, and give how many were tried; several workers at once do no harm.

    What breaks unexpectedly is logged and left to its lease, so that it cannot keep the others waiting.
    """
    tried: set[UUID] = set()
    while len(tried) < limit:
        batch = list(operation_claims.due().exclude(pk__in=tried).values_list("pk", flat=True)[:100])
        if not batch:
            break
        for operation_id in batch:
            tried.add(operation_id)
            try:
                operations.execute(operation_id=operation_id, aws=aws)
            except Exception:
                logger.exception("Operation %s broke; the others go on.", operation_id)
    return len(tried)


def is_due() -> bool:
    """Tell whether there is anything to carry out at this moment."""
    return operation_claims.due().exists()
