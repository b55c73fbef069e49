"""AWS behind a request: what was intended is carried out at once where that is quick, else by the workers."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db.models import Model

from cellenium_admin.core.exceptions import UnavailableError
from grants.aws.errors import AwsError
from grants.aws.factory import connect
from grants.aws.gateway import Aws
from grants.models import Operation
from grants.services import operations

# How long a request goes on with what the workers would do as well.
PATIENCE_SECONDS = 15
logger = logging.getLogger(__name__)


@contextmanager
def speaking_to_aws() -> Iterator[Aws]:
    """Connect; raises UnavailableError for what AWS does not answer or refuse to us, which no caller can mend."""
    try:
        yield connect()
    except AwsError as error:
        raise UnavailableError(_sentence(error), code="aws_unavailable") from error


def carry_out(operation_ids: Iterable[UUID]) -> None:
    """Carry operations out in their order, as far as patience goes; what is left waits for the workers.

    The wish is committed by now, so AWS being away is no error of the request: its answer says `pending_...`.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        with speaking_to_aws() as aws:
            for operation_id in operation_ids:
                if time.monotonic() > until:
                    break
                operations.execute(operation_id=operation_id, aws=aws)
    except UnavailableError as error:
        logger.warning("Operations are left to the workers: %s", error)


def carry_out_about(row: Model) -> None:
    """Carry out what is still to be done about a row."""
    carry_out(Operation.objects.of(row).unfinished().order_by("number").values_list("pk", flat=True))


def _sentence(error: AwsError) -> str:
    return f"AWS did not do this: {(error.message or error.code).rstrip('.')}."
