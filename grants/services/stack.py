"""The stack of a bucket: brought up, looked at, taken down. Whatever is not ours is named and left alone."""

from collections.abc import Callable
from dataclasses import dataclass

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from grants.aws.gateway import Aws
from grants.models import Location, Operation, Origin, State
from grants.services import locations, operations, previews, stack_calls, stack_steps, stack_upload_steps
from grants.services.stack_desired import Stack
from grants.services.stack_steps import Step

Report = Callable[[Step], None]
LOCATION = "location"


@dataclass(frozen=True, slots=True)
class LocationStep:
    """The location of the stack, which is a row and an operation besides being in AWS."""

    step: Step
    location: Location | None


def plan(aws: Aws, stack: Stack) -> list[Step]:
    """Look at every part, changing nothing."""
    return [*stack_steps.steps(aws, stack), _location(stack).step, *stack_upload_steps.steps(aws, stack)]


def up(*, aws: Aws, stack: Stack, actor: Actor, report: Report) -> list[Step]:
    """Make what is missing and put right what was changed; doing it again after any crash goes on where it stopped.

    Gives what it found, part by part. Raises AwsError, ConflictError where something of another owner stands in the
    way.
    """
    done = [_made(step, actor, report) for step in stack_steps.steps(aws, stack)]
    found = _location(stack)
    report(found.step)
    _register(aws, stack, found, actor)
    uploads = [_made(step, actor, report) for step in stack_upload_steps.steps(aws, stack)]
    return [*done, found.step, *uploads]


def _made(step: Step, actor: Actor, report: Report) -> Step:
    report(step)
    if step.status == "foreign":
        raise ConflictError(f"{step.part} {step.resource}: {step.detail}", code="not_ours")
    for call in step.calls:
        stack_calls.make(call, part=step.part, actor=actor)
    return step


def _location(stack: Stack) -> LocationStep:
    row = Location.objects.existing().filter(scope=stack.scope).order_by("state").first()
    if row is not None and row.state == State.ACTIVE:
        return LocationStep(Step(LOCATION, stack.scope, "ok", detail=row.origin), row)
    said = previews.register_location(stack.scope, stack.role_arn("location role"))
    detail = said[0] if row is None else f"{row.state}: its operation is carried out again"
    return LocationStep(Step(LOCATION, stack.scope, "missing", detail=detail), row)


def _register(aws: Aws, stack: Stack, found: LocationStep, actor: Actor) -> None:
    if found.step.status == "ok":
        return
    if found.location is None:
        _, operation = locations.register(
            scope=stack.scope, role_arn=stack.role_arn("location role"), actor=actor, reason="access up"
        )
    else:
        operation = _open_operation(found.location, actor)
    done = operations.execute(operation_id=operation.pk, aws=aws)
    if done.state != Operation.State.SUCCEEDED:
        raise ConflictError(
            f"The location is {done.state}: {done.error_detail or done.error_code}. Run `access up` again.",
            code=done.error_code or "not_done",
        )


def _open_operation(location: Location, actor: Actor) -> Operation:
    operation = Operation.objects.of(location).filter(kind=Operation.Kind.CREATE_LOCATION).order_by("-number").first()
    if operation is None or location.origin != Origin.MANAGED:
        raise ConflictError(f"The location {location} is {location.state} and not ours to make.", code="not_ours")
    if operation.state == Operation.State.FAILED:
        return operations.retry(operation=operation, actor=actor, reason="access up")
    return operation
