"""The sandbox's IAM: answers its operations, knows who an access key belongs to, and keeps SeaweedFS informed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.models import Role, User

from grants.sandbox.calls import Call, Caller
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import (
    callers,
    constraints,
    desk,
    documents,
    effective,
    key_usage,
    operations,
    refusals,
    rendering,
    snapshots,
    trust,
)
from grants.sandbox.iam.account import Account
from grants.sandbox.iam.effective import Documents, Rights
from grants.sandbox.iam.policy_history import PolicyHistory
from grants.sandbox.iam.views import KeyView, RoleView
from grants.sandbox.world import World

_READERS = ("Get", "List", "Simulate")


class IamService:
    """One account's IAM; used from one thread. A change is in SQLite before its answer is given."""

    SCHEMA = snapshots.SCHEMA + key_usage.SCHEMA + rendering.SCHEMA

    def __init__(self, world: World) -> None:
        """Load what was kept last; nothing is pushed to SeaweedFS before `push_all`."""
        self._world = world
        self._snapshots = snapshots.Snapshots(world.state, world.account)
        self._usage = key_usage.KeyUsage(world.state)
        self._rendering = rendering.Rendering(world)
        self._adopt(self._snapshots.load(world.clock.now()))
        self._history = PolicyHistory(self._account, self._bound)

    def handle(self, call: Call) -> Mapping[str, Any]:
        """Answer one call with the members of its output in botocore's model; AwsError says no."""
        operation = operations.ALL.get(call.operation)
        if operation is None:
            raise refusals.not_done(call.operation)
        constraints.check(call.operation, call.parameters)
        if call.operation.startswith(_READERS):
            return operation(self._desk, call)
        return self._change(operation, call)

    def push_all(self) -> None:
        """Render everything to SeaweedFS again, after it was started; what is there and no longer here is deleted."""
        self._rendering.everything(self._account, self._rights())

    def reset(self) -> None:
        """Empty the account."""
        self._adopt(Account(snapshots.PARTITION, self._world.account, self._world.clock.now()))
        self._settle()
        self._usage.forget()

    def key(self, access_key_id: str) -> KeyView | None:
        """Find a long-lived access key, also an inactive one; None when there is none."""
        seaweed = self._world.seaweed
        if access_key_id == seaweed.root_access_key_id:
            return KeyView(access_key_id, seaweed.root_secret_access_key, True, None, self._account.created)
        key = self._account.access_keys.get(access_key_id)
        if key is None or key.user_name is None:
            return None
        active = key.status == "Active"
        return KeyView(access_key_id, key.secret_access_key, active, key.user_name, key.create_date)

    def caller(self, key: KeyView) -> Caller:
        """Give the root or the user a key belongs to, with the policies decisions follow at this moment."""
        account = self._world.account
        if key.user_name is None:
            return callers.root(account, key)
        user = self._account.users[key.user_name]
        policies = tuple(documents.parsed(text, "identity") for text in self._followed(user))
        return callers.user(user, account, key, policies, self._account.tags_of(user))

    def touch_key(self, access_key_id: str, service: str, region: str) -> None:
        """Note that a key was used for a service in a Region; GetAccessKeyLastUsed tells it."""
        if access_key_id in self._account.access_keys:
            self._usage.note(access_key_id, service, region, self._world.clock.now())

    def role(self, name_or_arn: str) -> RoleView | None:
        """Find a role by name or ARN; None when there is none."""
        if self._world.knobs.policy_lag:
            self._views.clear()
        if name_or_arn not in self._views:
            role = self._account.role_or_none(name_or_arn)
            if role is None:
                return None
            self._views[name_or_arn] = self._view(role)
        return self._views[name_or_arn]

    def principal_created(self, arn: str) -> datetime | None:
        """Tell when the IAM user or role of this ARN was created; None when there is none."""
        principal = self._account.principal(arn)
        return None if principal is None else principal.create_date

    def managed_policy(self, arn: str) -> Mapping[str, Any] | None:
        """Give the default version of a managed policy, the account's or AWS's; None when there is none."""
        policy = self._account.policy_or_none(arn)
        if policy is None:
            return None
        found: Mapping[str, Any] = documents.loaded(
            next(version.document for version in policy.versions if version.version_id == policy.default_version_id)
        )
        return found

    def _change(self, operation: desk.Operation, call: Call) -> Mapping[str, Any]:
        """Change the entities, tell SeaweedFS, then keep them.

        An operation refuses before it changes anything. SeaweedFS comes before SQLite: what a crash leaves there alone
        is refused by the front, and deleted at the next start.
        """
        try:
            answer = operation(self._desk, call)
        except AwsError:
            raise
        except BaseException as error:
            self._forget_change()
            if isinstance(error, ServiceException):
                raise AwsError(error.code or "ValidationError", error.message or "") from error
            raise
        self._look_again()
        self._settle()
        return answer

    def _settle(self) -> None:
        try:
            self._history.note(self._account, self._bound, self._world.clock.now())
            self._rendering.differences(self._account, self._rights())
            self._snapshots.keep(self._account)
        except BaseException:
            self._forget_change()
            raise

    def _forget_change(self) -> None:
        self._adopt(self._snapshots.load(self._account.created))
        self._history.note(self._account, self._bound, self._world.clock.now())

    def _adopt(self, account: Account) -> None:
        self._account = account
        self._desk = desk.Desk(self._world, account, self._usage)
        self._look_again()

    def _look_again(self) -> None:
        self._bound = effective.rights(self._account)
        self._views: dict[str, RoleView] = {}

    def _rights(self) -> Rights:
        """Give the documents decisions follow at this moment, which may be those of a while ago."""
        if not self._world.knobs.policy_lag:
            return self._bound
        return self._history.at(self._account, self._world.clock.now() - self._world.knobs.policy_lag)

    def _followed(self, principal: User | Role) -> Documents:
        """Give one principal's documents among them, and make sure that SeaweedFS follows the same."""
        kind = "users" if isinstance(principal, User) else "roles"
        bound: Documents = getattr(self._bound, kind)[principal.name]
        if self._world.knobs.policy_lag:
            bound = self._history.of(principal.id, self._world.clock.now() - self._world.knobs.policy_lag)
        put = self._rendering.user if isinstance(principal, User) else self._rendering.role
        put(principal.name, bound)
        return bound

    def _view(self, role: Role) -> RoleView:
        bound = self._followed(role)
        return RoleView(
            name=role.name,
            arn=role.arn,
            role_id=role.id,
            path=role.path,
            trust=documents.parsed(trust.current(self._account, role), "trust"),
            documents=tuple(documents.loaded(text) for text in bound),
            policies=tuple(documents.parsed(text, "identity") for text in bound),
            max_session_duration=int(role.max_session_duration or 0),
            created=role.create_date,
            trust_changed=self._account.trust_changed[role.id],
            tags=desk.role_tags(role),
        )
