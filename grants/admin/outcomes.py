"""Carrying operations out right after their commit, and telling what AWS made of each."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.urls import reverse
from django.utils.html import format_html

from cellenium_admin.core.admin.confirm import Outcome
from cellenium_admin.core.exceptions import ApplicationError, UnavailableError
from grants.aws import factory
from grants.aws.errors import AwsError
from grants.aws.gateway import Aws
from grants.models import Operation
from grants.services import operations

REMEDIES = {
    "AccessDenied": "The service's own AWS identity may not do this: compare its policies with `access up --print`",
    "AccessDeniedException": "The service's own AWS identity may not do this: compare its policies with `access up"
    " --print`",
    "ExpiredToken": "The service's own AWS credentials are over: renew them",
    "not_ours": "Decide about what is there: adopt it, or take it away in AWS",
}


@contextmanager
def connected() -> Iterator[Aws]:
    """Connect to AWS for what cannot be left to a worker. Raises UnavailableError when AWS says no to any of it."""
    try:
        yield factory.connect()
    except AwsError as error:
        raise UnavailableError(f"AWS did not do what was asked: {error}.") from error


def carry_out(intended: Iterable[Operation]) -> list[Outcome]:
    """Carry out operations whose transaction has committed; whatever AWS does not take now, a worker takes later."""
    ids = [operation.pk for operation in intended]
    try:
        aws = factory.connect()
    except (AwsError, ApplicationError) as error:
        return [Outcome(messages.WARNING, f"It is recorded, but AWS cannot be asked now: {error} A worker goes on.")]
    return [outcome_of(operation) for operation in operations.execute_all(operation_ids=ids, aws=aws)]


def outcome_of(operation: Operation) -> Outcome:
    """Tell how one operation stands: done, waiting and for what, or failed and what to do."""
    what = f"{operation.get_kind_display()}: {operation.subject_label}"
    link = reverse("admin:grants_operation_change", args=[operation.pk])
    if operation.state == Operation.State.SUCCEEDED:
        return Outcome(messages.SUCCESS, format_html("{} - done in AWS{}.", what, remark(operation)))
    if operation.state == Operation.State.FAILED:
        told = '{} - failed: {} {}, then <a class="link" href="{}">retry it</a>.'
        return Outcome(messages.ERROR, format_html(told, what, operation.error_detail, remedy(operation), link))
    told = '{} - waiting{}. It is tried again by itself; <a class="link" href="{}">follow it here</a>.'
    why = f" ({operation.error_detail})" if operation.error_detail else ""
    return Outcome(messages.WARNING, format_html(told, what, why, link))


def remark(operation: Operation) -> str:
    """Say what was special about a success."""
    result = operation.result
    if result.get("already_gone"):
        return ", where it was gone already"
    if result.get("superseded"):
        return ": nothing, it was not wanted any more"
    return f", but: {result['left_alone']}" if result.get("left_alone") else ""


def remedy(operation: Operation) -> str:
    """Say what a person can do about a failure."""
    return REMEDIES.get(operation.error_code, "Mend what it names")
