"""Making the calls of a stack: intent and outcome of each in the trail, and patience with what AWS has not settled."""

import time
from collections.abc import Callable

from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Outcome
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from grants.aws.errors import AwsError, AwsNotSettledError, AwsThrottledError
from grants.services.stack_steps import Call

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


def make(call: Call, *, part: str, actor: Actor, pause: Callable[[float], None] = time.sleep) -> None:
    """Make one call; raises AwsError once AWS says no for good."""
    _record(Action.STACK_CHANGING, call, part, actor)
    try:
        receipt = _patiently(call, pause)
    except AwsError as error:
        details = {"code": error.code, "detail": error.message[:1000]}
        _record(Action.STACK_CHANGED, call, part, actor, outcome=Outcome.FAILED, **details)
        raise
    _record(Action.STACK_CHANGED, call, part, actor, aws_request_id=receipt)


def _patiently(call: Call, pause: Callable[[float], None]) -> str:
    for seconds in PAUSES:
        try:
            return call.make().request_id
        except (AwsNotSettledError, AwsThrottledError):
            pause(seconds)
    return call.make().request_id


def _record(
    action: Action, call: Call, part: str, actor: Actor, *, outcome: Outcome = Outcome.OK, **details: str
) -> None:
    about = {"step": part, "call": call.name, "resource": call.resource, "parameters": dict(call.parameters)}
    with transaction.atomic():
        audit.record(
            action=action,
            actor=actor,
            obj=ObjectRef("stack", call.resource[:255], f"{part} {call.resource}"[:1024]),
            details={**about, **details},
            outcome=outcome,
        )
