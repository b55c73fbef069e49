"""Whatever people, clocks, workers and strangers do in whatever order, with faults at every arrow: nothing is lost.

A Hypothesis state machine over the services, on the sandbox. After each step the trail verifies and nobody holds in AWS
what no row and no report knows; at the end faults stop, and rounds of workers and reconcile make both sides equal.
"""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.models import AuditEvent
from cellenium_admin.core.services.audit_chain import database_trail, verify
from grants.aws.errors import AwsError
from grants.models import AccessKey, Grant, Operation, Origin, Principal, ReconcileRun, State
from grants.services import (
    cuts,
    grants,
    keys,
    locations,
    operations,
    ownership,
    principals,
    reconcile,
    requests,
    schedule,
)
from tests.builders.grants import access_request
from tests.builders.people import person
from tests.grants.services.conftest import Stack, stack
from tests.support import crashes
from tests.support.database import reset

__all__ = ["stack"]
pytestmark = [pytest.mark.django_db(transaction=True)]

PREFIXES = ("a/*", "b/*", "b/c/*")
PERMISSIONS = ("READ", "READWRITE")
MOST_USERS, ROUNDS = 3, 8
CALLS = ("CreateAccessGrant", "DeleteAccessGrant", "CreateUser", "AddUserToGroup", "DeleteUser", "PutRolePolicy")
S3_CONTROL = {"CreateAccessGrant", "DeleteAccessGrant"}
FAULTS = (
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "status", "status": 503, "when": "before"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "throttle"},
    {"kind": "error", "code": "AccessDenied", "status": 403},
    {"kind": "error", "code": "ConcurrentModification", "status": 409},
)
WHICH = st.integers(min_value=0, max_value=7)


class Machine(RuleBasedStateMachine):
    """One account, one location, a few users; `context` is the test's stack, actor and control."""

    context: dict[str, Any] = {}

    @initialize()
    def begin(self) -> None:
        """Start from an empty database beside a new name of the installation."""
        self.stack: Stack = self.context["stack"]
        self.aws, self.control = self.stack.gateway, self.context["control"]
        self.control.clear_faults()
        reset(connections["default"].settings_dict["NAME"])
        self.context["settings"].DEPLOYMENT = self.stack.aws.name("machine")
        self.curator, self.member = person("curator", "curator"), person("uploader")
        self.actor = Actor.of(self.curator)
        self.stack.bucket = self.stack.aws.make_bucket()
        self.stack.scope = f"s3://{self.stack.bucket}/"
        self.location, operation = locations.register(
            scope=self.stack.scope, role_arn=self.stack.role_arn, actor=self.actor
        )
        operations.execute(operation_id=operation.pk, aws=self.aws)
        self.location.refresh_from_db()
        self.names = itertools.count()
        self.add_user()

    # What people do -------------------------------------------------------------------------------------------

    @precondition(lambda self: Principal.objects.existing().filter(origin=Origin.MANAGED).count() < MOST_USERS)
    @rule()
    def add_user(self) -> None:
        name = f"{self.context['settings'].DEPLOYMENT}-{next(self.names)}"
        principals.create_user(name=name, user=self.member, actor=self.actor)

    @rule(who=WHICH, prefix=st.sampled_from(PREFIXES), permission=st.sampled_from(PERMISSIONS))
    def give(self, who: int, prefix: str, permission: str) -> None:
        if principal := self.one(Principal.objects.existing().filter(origin=Origin.MANAGED), who):
            self.may_refuse(
                grants.create,
                location=self.location,
                principal=principal,
                sub_prefix=prefix,
                permission=permission,
                actor=self.actor,
            )

    @rule(who=WHICH, prefix=st.sampled_from(PREFIXES), permission=st.sampled_from(PERMISSIONS))
    def ask_and_approve(self, who: int, prefix: str, permission: str) -> None:
        if principal := self.one(Principal.objects.existing().filter(origin=Origin.MANAGED), who):
            request = access_request(
                location=self.location,
                requester=self.member,
                sub_prefix=prefix,
                scope=f"{self.stack.scope}{prefix}",
                permission=permission,
            )
            self.may_refuse(requests.approve, request=request, decider=self.curator, principal=principal)

    @rule(which=WHICH)
    def revoke(self, which: int) -> None:
        if grant := self.one(Grant.objects.existing(), which):
            self.may_refuse(grants.revoke, grant=grant, actor=self.actor, reason="machine")

    @rule(which=WHICH)
    def extend(self, which: int) -> None:
        if grant := self.one(Grant.objects.existing(), which):
            later = timezone.now() + timedelta(days=60)
            self.may_refuse(grants.extend, grant=grant, expires_at=later, actor=self.actor, reason="machine")

    @rule(which=WHICH)
    def delete_user(self, which: int) -> None:
        if principal := self.one(Principal.objects.existing(), which):
            self.may_refuse(principals.remove, principal=principal, actor=self.actor, reason="machine")

    @rule(which=WHICH)
    def make_a_key(self, which: int) -> None:
        if principal := self.one(Principal.objects.active().filter(origin=Origin.MANAGED), which):
            self.may_refuse(keys.create, principal=principal, actor=self.actor, aws=self.aws)

    @rule()
    def cut(self) -> None:
        self.may_refuse(cuts.cut_all, role_arn=self.location.role_arn, actor=self.actor, reason="machine")

    @rule(which=WHICH)
    def try_again(self, which: int) -> None:
        if operation := self.one(Operation.objects.filter(state=Operation.State.FAILED), which):
            self.may_refuse(operations.retry, operation=operation, actor=self.actor, reason="machine")

    # What time and workers do ---------------------------------------------------------------------------------

    @rule(which=WHICH)
    def expire(self, which: int) -> None:
        if grant := self.one(Grant.objects.existing().filter(expires_at__isnull=False), which):
            Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        schedule.tick()

    @rule(how=st.sampled_from(("well", "well", "before the call", "before the outcome")))
    def work(self, how: str) -> None:
        event(f"a worker that ends {how}")
        crashes.be_due()
        operation = Operation.objects.unfinished().order_by("number").first()
        if operation is None:
            return
        if how == "before the call":
            with crashes.before_the_call():
                crashes.execute(operation, self.aws)
        elif how == "before the outcome":
            with crashes.before_the_outcome():
                crashes.execute(operation, self.aws)
        else:
            crashes.bury_the_dead()
            crashes.execute(operation, self.aws)

    @rule()
    def compare(self) -> None:
        self.may_refuse(reconcile.plan, aws=self.aws, actor=self.actor)

    @rule()
    def compare_and_repair(self) -> None:
        self.repair()

    @rule(fault=st.sampled_from(FAULTS), call=st.sampled_from(CALLS))
    def something_will_go_wrong(self, fault: dict[str, Any], call: str) -> None:
        event(f"{fault['kind']} {fault.get('when', '')}")
        service = "s3control" if call in S3_CONTROL else "iam"
        self.control.faults([{"service": service, "operation": call, **fault}])

    # What others do -------------------------------------------------------------------------------------------

    @rule(which=WHICH)
    def somebody_deletes_a_grant(self, which: int) -> None:
        if grant := self.one(Grant.objects.active(), which):
            self.outside(self.aws.access_grants.delete_grant, grant.aws_id)

    @rule(who=WHICH, prefix=st.sampled_from((*PREFIXES, "other*")))
    def somebody_makes_a_grant(self, who: int, prefix: str) -> None:
        if principal := self.one(Principal.objects.active().filter(origin=Origin.MANAGED), who):
            self.outside(
                self.aws.access_grants.create_grant,
                location_id=self.location.aws_id,
                sub_prefix=prefix,
                grantee=principal.arn,
                permission="READ",
                is_object=False,
                tags={},
            )

    @rule(which=WHICH)
    def somebody_takes_a_tag_away(self, which: int) -> None:
        if grant := self.one(Grant.objects.active().filter(origin=Origin.MANAGED), which):
            control = self.stack.aws("s3control")
            self.outside(
                control.untag_resource,
                AccountId=self.aws.account,
                ResourceArn=grant.arn,
                TagKeys=[ownership.DEPLOYMENT_TAG],
            )

    @rule(which=WHICH, again=st.booleans())
    def somebody_deletes_a_user(self, which: int, again: bool) -> None:
        if principal := self.one(Principal.objects.active().filter(origin=Origin.MANAGED), which):
            for kind, identity in self.outside(self.belongings, principal.name) or ():
                self.outside(self.aws.iam.remove_belonging, principal.name, kind, identity)
            self.outside(self.aws.iam.delete_user, principal.name)
            if again:
                self.outside(self.aws.iam.create_user, principal.name, ownership.PATH, {})

    # What has to hold -----------------------------------------------------------------------------------------

    @invariant()
    def the_trail_verifies(self) -> None:
        with database_trail() as trail:
            assert verify(trail).breach is None

    @invariant()
    def nothing_is_confirmed_that_aws_was_not_asked_for(self) -> None:
        started = AuditEvent.objects.filter(action="operation.started").count()
        ended = AuditEvent.objects.filter(
            action__in=["operation.succeeded", "operation.failed", "operation.delayed"]
        ).count()
        assert ended <= started

    @invariant()
    def no_key_is_active_without_its_id(self) -> None:
        assert not AccessKey.objects.active().filter(access_key_id="").exists()

    def teardown(self) -> None:
        """Let faults stop; some rounds later both sides are equal, and what is not ours is reported."""
        if not hasattr(self, "location"):
            return
        self.control.clear_faults()
        for _ in range(ROUNDS):
            for operation in Operation.objects.filter(state=Operation.State.FAILED):
                self.may_refuse(operations.retry, operation=operation, actor=self.actor, reason="mended")
            crashes.settle(self.aws)
            if self.repair() and not Operation.objects.filter(state__in=["pending", "running", "failed"]).exists():
                break
        run = reconcile.plan(aws=self.aws, actor=self.actor)
        left = [entry for entry in run.plan if entry["repair"] and self.is_here(entry)]
        assert not left, left
        self.both_sides_are_equal(run)
        event(f"converged with {len(run.plan)} reports")
        self.leave_nothing_behind()

    def leave_nothing_behind(self) -> None:
        """Empty our part of the account, so that the next life does not have to read all of the former ones."""
        for grant in list(self.aws.access_grants.grants()):
            if self.stack.scope in grant.scope:
                self.aws.access_grants.delete_grant(grant.id)
        self.aws.access_grants.delete_location(self.location.aws_id)
        for user in list(self.aws.iam.users(ownership.PATH)):
            if user.name.startswith(self.context["settings"].DEPLOYMENT):
                for kind, identity in self.belongings(user.name):
                    self.aws.iam.remove_belonging(user.name, kind, identity)
                self.aws.iam.delete_user(user.name)

    def both_sides_are_equal(self, run: ReconcileRun) -> None:
        there = {grant.id: grant for grant in self.aws.access_grants.grants() if self.stack.scope in grant.scope}
        known = {grant.aws_id: grant for grant in Grant.objects.existing()}
        reported = {entry["subject_id"] for entry in run.plan}
        for aws_id, found in there.items():
            assert aws_id in known, f"nobody knows of {found}"
        for grant in Grant.objects.filter(origin=Origin.MANAGED):
            blocked = Operation.objects.of(grant).filter(state=Operation.State.FAILED).exists()
            if grant.state == State.ACTIVE:
                assert grant.aws_id in there or str(grant.pk) in reported, grant
            elif grant.state == State.DELETED:
                assert grant.aws_id not in there, grant
            else:
                assert blocked, f"{grant} is {grant.state} and nobody is told why"
        for principal in Principal.objects.filter(origin=Origin.MANAGED, state=State.DELETED):
            user = self.aws.iam.user(principal.name)
            assert user is None or user.unique_id != principal.unique_id

    # Hands ----------------------------------------------------------------------------------------------------

    def repair(self) -> bool:
        """Compare, and repair where nothing speaks against it; tells whether there was nothing to repair."""
        try:
            run = reconcile.plan(aws=self.aws, actor=self.actor)
            wanted = [entry for entry in run.plan if entry["repair"]]
            if wanted and not run.obstacles:
                reconcile.apply(expected_hash=run.plan_hash, aws=self.aws, actor=self.actor)
        except (ApplicationError, AwsError) as error:
            event(f"reconcile said {getattr(error, 'code', type(error).__name__)}")
            return False
        return not wanted

    def belongings(self, name: str) -> list[tuple[str, str]]:
        return list(self.aws.iam.user_belongings(name).in_order())

    def is_here(self, entry: dict[str, Any]) -> bool:
        here = (self.stack.bucket, self.context["settings"].DEPLOYMENT)
        return any(text in entry["subject"] for text in here)

    @staticmethod
    def one(rows: Any, which: int) -> Any:
        found = list(rows.order_by("created_at", "pk")) if rows.model is not Operation else list(rows)
        return found[which % len(found)] if found else None

    @staticmethod
    def may_refuse(service: Any, **arguments: Any) -> Any:
        """Call a service that may say no; whatever else it raises is a finding of this test."""
        try:
            return service(**arguments)
        except ApplicationError as error:
            event(f"{service.__name__} said {error.code}")
            return None
        except AwsError as error:
            event(f"{service.__name__} met {type(error).__name__}")
            return None

    @staticmethod
    def outside(call: Any, *arguments: Any, **more: Any) -> Any:
        """Do something in AWS that may fail: there are faults about."""
        try:
            return call(*arguments, **more)
        except Exception as error:  # noqa: BLE001 -- boto3's and ours alike: strangers meet faults too
            event(f"a stranger met {type(error).__name__}")
            return None


@pytest.fixture
def machine(stack: Stack, sandbox: Any, settings: Any) -> Iterator[type[Machine]]:
    settings.RECONCILE_MAX_DELETION_PERCENT = 100
    settings.OPERATION_MAX_ATTEMPTS = 4
    Machine.context = {"stack": stack, "control": sandbox.control, "settings": settings}
    yield Machine
    sandbox.control.clear_faults()


def run(machine: type[Machine], *, examples: int, steps: int) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        # A life takes seconds: making a failing one shorter would take longer than reading it.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)


def test_a_few_lives(machine: type[Machine]) -> None:
    run(machine, examples=6, steps=15)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_lives(machine: type[Machine]) -> None:
    run(machine, examples=60, steps=30)


@pytest.mark.slow
def test_the_machine_notices_what_is_lost(machine: type[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same machine on a product that forgets what it has made: it must not pass."""
    monkeypatch.setattr(ownership, "made_by", lambda *_: False)
    monkeypatch.setattr(ownership, "is_ours", lambda *_: False)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run(machine, examples=30, steps=15)
