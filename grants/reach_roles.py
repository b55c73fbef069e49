"""Who may become which role: directly, and by one role after another. Pure.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from grants.evaluator import Match
from grants.reach_account import Account, Identity
from grants.reach_askers import asker
from grants.reach_doubt import Asker, judge
from grants.reach_outsiders import outsiders

ASSUME = "sts:AssumeRole"


@dataclass(frozen=True, slots=True)
class Path:
    """Roles that somebody assumes one after another, and why they may; `doubts` when that is not certain."""

    principal_arn: str
    roles: tuple[str, ...]
    because: str
    doubts: tuple[str, ...] = ()


class Roles:
    """The roles of an account, and who may become them."""

    def __init__(self, account: Account) -> None:
        """Find out once who has a policy that speaks of becoming roles at all."""
        self._account = account
        self._askers = {arn: asker(account, identity) for arn, identity in account.identities.items()}
        self._roles = [identity for identity in account.identities.values() if identity.is_role]
        self._may = {arn for arn, asking in self._askers.items() if _may_assume_some(asking)}

    def assumable(self, arn: str) -> list[Path]:
        """Give the roles a principal may become, each by the shortest way, a certain one before a doubtful one."""
        return _walk(Path(arn, (), ""), self._from, lambda path: path.roles[-1] if path.roles else arn)

    def assumers(self, role_arn: str) -> list[Path]:
        """Give all who may become a role, likewise; S3 Access Grants, which does so for grants, is left out."""
        return _walk(Path(role_arn, (), ""), self._to, lambda path: path.principal_arn)

    def _from(self, path: Path) -> Iterator[Path]:
        here = path.roles[-1] if path.roles else path.principal_arn
        for role in self._roles:
            step = self._step(here, role) if role.arn != here else None
            if step is not None:
                because, doubts = step
                roles = (*path.roles, role.arn)
                yield Path(path.principal_arn, roles, _then(path.because, because), _all(path.doubts, doubts))

    def _to(self, path: Path) -> Iterator[Path]:
        role = self._account.identities.get(path.principal_arn)
        if role is None or role.trust is None:
            return
        roles = (role.arn, *path.roles)
        for arn in self._askers:
            step = self._step(arn, role) if arn != role.arn else None
            if step is not None:
                because, doubts = step
                yield Path(arn, roles, _then(because, path.because), _all(doubts, path.doubts))
        for outsider in outsiders(self._account, role.trust):
            named = (f"{role.trust.label} names it", ())
            step = _judged(outsider.asker, role) if outsider.asker else named
            if step is not None:
                because, doubts = step
                more = (outsider.doubt,) if outsider.doubt else ()
                yield Path(outsider.name, roles, _then(because, path.because), _all(doubts, more, path.doubts))

    def _step(self, arn: str, role: Identity) -> tuple[str, tuple[str, ...]] | None:
        """Say by which statement an identity may assume a role, and what that depends on; None when it may not."""
        asking = self._askers.get(arn)
        if asking is None or role.trust is None:
            return None
        match = max((one.names(asking.principal) for one in role.trust.policy.allowances), default=Match.NO)
        # Where the account is named, the identity's own policies decide.
        if match is Match.NO or (match is Match.ACCOUNT and arn not in self._may):
            return None
        return _judged(asking, role)


def _walk(start: Path, steps: Callable[[Path], Iterable[Path]], end: Callable[[Path], str]) -> list[Path]:
    """Follow all steps, breadth first: the certain ones alone, then the doubtful too for what is not found yet."""
    found: dict[str, Path] = {}
    for doubtful in (False, True):
        seen, queue = {end(start)}, deque([start])
        while queue:
            for path in steps(queue.popleft()):
                if end(path) in seen or (path.doubts and not doubtful):
                    continue
                seen.add(end(path))
                queue.append(found.setdefault(end(path), path))
    return list(found.values())


def _may_assume_some(asking: Asker) -> bool:
    return any(
        statement.actions.matches(ASSUME, {}) != statement.all_actions_but
        for bound in asking.identity
        for statement in bound.policy.allowances
    )


def _judged(asking: Asker, role: Identity) -> tuple[str, tuple[str, ...]] | None:
    tags = {f"{name}:ResourceTag/{key}": value for key, value in role.tags.items() for name in ("aws", "iam")}
    verdict = judge(asking, ASSUME, role.arn, policy=role.trust, more=tags)
    if not verdict.possible:
        return None
    because = f"may assume {role.arn} by {verdict.because}"
    depends = () if verdict.certain else (f"depends on {', '.join(verdict.depends_on)} of the request ({because})",)
    return because, (*depends, *asking.doubts)


def _then(first: str, second: str) -> str:
    return ", then ".join(part for part in (first, second) if part)


def _all(*doubts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(doubt for some in doubts for doubt in some))
