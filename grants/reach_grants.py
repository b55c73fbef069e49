"""What a grant gives: the caller's right to ask, the location's role, and the session S3 Access Grants makes. Pure.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-credentials.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from grants.policies import SERVICE
from grants.reach_account import Account, Identity
from grants.reach_answers import HeldGrant, Reach, Way, doubts_of
from grants.reach_askers import asker, earlier_grant_session, grant_session, service
from grants.reach_doubt import Asker, Verdict, judge
from grants.reach_keys import LIST, READING, WRITING, Finding, Place, findings
from grants.scopes import Scope

ASK = "s3:GetDataAccess"
TRUSTED = ("sts:AssumeRole", "sts:SetSourceIdentity")
_STATES = {
    "pending_create": "AWS has not confirmed it yet",
    "failed": "it could not be made, as far as is known",
}
_DRIFTS = {
    "missing": "the last reconcile did not find it in AWS",
    "changed": "the last reconcile found it changed in AWS",
    "role_changed": "the last reconcile found another role at its location",
}


def of_grant(account: Account, grant: HeldGrant, place: Place, *, requested: str = "") -> list[Reach]:
    """Say what a grant gives at a place in its scope, to a caller who asks for `requested`, or for all it gives.

    Two answers where some of it is certain and some is not; one without actions where it gives nothing.
    """
    case = _Case(account, grant, place, requested or grant.permission)
    case.look_at_the_grant()
    case.look_at_the_caller()
    role = case.look_at_the_role()
    if role is None:
        return [case.answer()]
    session = grant_session(account, role, grant.covered, case.permission)
    found = findings(session, place, promised(case.permission, grant.covered))
    case.look_at_the_session(role, found)
    return list(case.answers(session, found)) or [case.answer()]


def promised(permission: str, scope: Scope) -> tuple[str, ...]:
    """Give the actions a permission stands for; a grant on one object allows no list."""
    reads = (*READING, *((LIST,) if scope.is_prefix else ())) if "READ" in permission else ()
    return (*reads, *(WRITING if "WRITE" in permission else ()))


@dataclass(slots=True)
class _Case:
    """One grant looked at: what is missing, what else there is to know, and what is not certain."""

    account: Account
    grant: HeldGrant
    place: Place
    permission: str
    needs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def look_at_the_grant(self) -> None:
        grant, account = self.grant, self.account
        self.doubts += [told[word] for told, word in ((_STATES, grant.state), (_DRIFTS, grant.drift)) if word in told]
        if grant.state == "pending_delete":
            self.notes.append("it is being taken away")
        if grant.drift == "grantee_replaced":
            self.notes.append("its principal was deleted and made anew under the same name, and has the grant")
        if grant.expires_at is not None and grant.expires_at <= account.now:
            self.notes.append(
                f"past its expiry of {grant.expires_at:%Y-%m-%d %H:%M} UTC but still in AWS, which knows no expiry: "
                "it gives data access until it is deleted"
            )
        if grant.application_arn:
            self.doubts.append(f"only for callers who come through the application {grant.application_arn}")
        if not account.has_instance:
            self.needs.append(f"an S3 Access Grants instance in {account.region}: there is none")

    def look_at_the_caller(self) -> None:
        """Find out whether the principal may ask for data access at all."""
        if self.grant.is_directory:
            self.doubts.append("its grantee is in a directory: who comes as it is not known here")
            return
        grantee = self.account.identities.get(self.grant.principal_arn)
        if grantee is None:
            arn = self.grant.principal_arn
            self.needs.append(f"IAM has no {arn}; one made anew under that name would have this grant")
            return
        asking = asker(self.account, grantee)
        verdict = judge(asking, ASK, self.account.instance_arn)
        self.doubts += asking.doubts
        if not verdict.possible:
            self.needs.append(f"{ASK} on {self.account.instance_arn}: {verdict.because}")
        elif not verdict.certain:
            self._depends(ASK, verdict)

    def look_at_the_role(self) -> Identity | None:
        """Give the role of the location; S3 Access Grants must be trusted by it."""
        role = self.account.identities.get(self.grant.role_arn)
        if role is None:
            self.needs.append(f"the role {self.grant.role_arn} of its location: IAM has none")
            return None
        verdicts = [judge(service(self.account), action, role.arn, policy=role.trust) for action in TRUSTED]
        if role.trust is None or not all(verdict.possible for verdict in verdicts):
            self.needs.append(f"{role.arn} has to trust {SERVICE} with {' and '.join(TRUSTED)}, and does not")
        for verdict in verdicts:
            if verdict.possible and not verdict.certain:
                self._depends(f"the trust of {role.arn}", verdict)
        return role

    def look_at_the_session(self, role: Identity, found: Sequence[Finding]) -> None:
        """Find out what of its permission the session lacks, and whether sessions handed out before are cut."""
        refused: dict[str, list[str]] = {}
        for finding in found:
            if not finding.verdict.possible:
                reason = finding.verdict.because.replace(finding.action, "that")
                refused.setdefault(reason, []).append(finding.action)
        nothing = not any(finding.verdict.possible for finding in found)
        for reason, actions in refused.items():
            (self.needs if nothing else self.notes).append(f"not {', '.join(actions)}: {reason}")
        earlier = earlier_grant_session(self.account, role, self.grant.covered, self.permission)
        certain = [finding.action for finding in found if finding.verdict.possible and finding.verdict.certain]
        for finding in findings(earlier, self.place, certain[:1]):
            if not finding.verdict.certain or not finding.verdict.possible:
                why = (finding.verdict.otherwise or finding.verdict.because).replace(finding.action, "that")
                self.notes.append(f"sessions handed out before are cut, or some of them: {why}")

    def answers(self, session: Asker, found: Sequence[Finding]) -> Iterator[Reach]:
        """Give the actions that are possible, together where they depend on the same."""
        merged: dict[tuple[str, ...], list[Finding]] = {}
        for finding in found:
            if finding.verdict.possible:
                doubts = (*self.doubts, *doubts_of(finding, session, self.place))
                merged.setdefault(tuple(dict.fromkeys(doubts)), []).append(finding)
        for doubts, group in merged.items():
            prefix = next((finding.prefix for finding in group if finding.prefix is not None), None)
            actions = tuple(finding.action for finding in group)
            yield replace(self.answer(), actions=actions, list_prefix=prefix, doubts=doubts, certain=not doubts)

    def answer(self) -> Reach:
        """Give the answer without actions."""
        grant = self.grant
        return Reach(
            principal_arn=grant.principal_arn,
            way=Way.GRANT,
            scope=grant.scope,
            actions=(),
            because=f"grant {grant.id}: {self.permission} on {grant.scope}, by the role {grant.role_arn}",
            grant_id=grant.id,
            permission=self.permission,
            expires_at=grant.expires_at,
            origin=grant.origin,
            needs=tuple(self.needs),
            notes=tuple(self.notes),
            certain=not self.doubts,
            doubts=tuple(dict.fromkeys(self.doubts)),
        )

    def _depends(self, what: str, verdict: Verdict) -> None:
        self.doubts.append(f"{what} depends on {', '.join(verdict.depends_on)} of the request ({verdict.because})")
