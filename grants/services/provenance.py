"""Whether something in AWS is what an operation of ours has made, where no answer has told its id.

A tag proves little: whoever may tag can put ours on anything. What we made bears the id of the very operation, which
this database knows to have been about it, and it is no older than that operation.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Model

from grants.models import Operation
from grants.services import ownership

# AWS takes no request whose time is further off than this.
# Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#RESTAuthenticationTimeStamp
CLOCKS_DIFFER = timedelta(minutes=15)


def made_for(subject: Model, tags: Mapping[str, str], *, kind: str, created_at: datetime) -> bool:
    """Tell whether an operation of this kind about this very row has made it; `created_at` is AWS's word."""
    operation = _named(tags, kind)
    return operation is not None and _fits(operation, created_at) and operation.subject_id == str(subject.pk)


def made_under(natural_key: str, tags: Mapping[str, str], *, kind: str, created_at: datetime) -> bool:
    """Tell whether an operation of this kind under this natural key has made it, for whichever row."""
    operation = _named(tags, kind)
    return operation is not None and _fits(operation, created_at) and operation.natural_key == natural_key


def _named(tags: Mapping[str, str], kind: str) -> Operation | None:
    if not ownership.is_ours(tags):
        return None
    try:
        number = UUID(tags.get(ownership.OPERATION_TAG, ""))
    except ValueError:
        return None
    return Operation.objects.filter(pk=number, kind=kind).first()


def _fits(operation: Operation, created_at: datetime) -> bool:
    return operation.attempts > 0 and created_at >= operation.created_at - CLOCKS_DIFFER
