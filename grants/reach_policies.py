"""Ways that are no grants: what policies of identities and of the bucket give, to whom, in the account and beside."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from grants.evaluator import RESOURCE
from grants.reach_account import Account, Identity
from grants.reach_answers import Reach, Way, doubts_of, grouped
from grants.reach_askers import asker, root
from grants.reach_doubt import Asker
from grants.reach_keys import ACTIONS, Place, findings
from grants.reach_outsiders import ANYBODY, Outsider, outsiders
from grants.reach_patterns import Pattern, patterns

CLOSED = "S3 Block Public Access of the bucket would have to be off"
PERHAPS_CLOSED = "public access may be blocked for the bucket or the whole account"


def direct(account: Account, identity: Identity, place: Place, scope: str) -> list[Reach]:
    """Say what an identity may do at a place; also that its policies could not be read, where that hides something."""
    asking = asker(account, identity)
    answers = list(_direct(identity.arn, asking, place, scope))
    if not answers and asking.doubts:
        because = "what could be read of its policies allows nothing there"
        answers.append(_unknown(identity.arn, Way.IDENTITY, scope, because, asking.doubts))
    return answers


def of_root(account: Account, place: Place, scope: str) -> Iterator[Reach]:
    """Tell of the root once: what it may do, certainly or not."""
    asking = root(account)
    answers = list(_direct(asking.principal.arn, asking, place, scope))
    if answers:
        may = {action for answer in answers for action in answer.actions}
        doubts = tuple(dict.fromkeys(doubt for answer in answers for doubt in answer.doubts))
        because = "the root of the account may do everything that the bucket's policy does not deny it"
        yield replace(
            _unknown(asking.principal.arn, Way.IDENTITY, scope, because, doubts),
            actions=tuple(action for action in ACTIONS if action in may),
        )


def of_outsiders(account: Account, place: Place, scope: str) -> Iterator[Reach]:
    """Say what the bucket's policy gives to whom IAM of this account does not hold."""
    if place.policy is None:
        if place.doubts:
            yield _unknown(
                ANYBODY, Way.BUCKET, scope, f"the policy of bucket {place.bucket} is not known", place.doubts
            )
        return
    for outsider in outsiders(account, place.policy):
        if outsider.asker is None:
            because = f"{place.policy.label} names it"
            yield _unknown(outsider.name, Way.BUCKET, scope, because, (outsider.doubt,))
        else:
            yield from _of_outsider(outsider, outsider.asker, place, scope)


def by_resources(account: Account, identity: Identity, buckets: Mapping[str, Place]) -> Iterator[Reach]:
    """Say what somebody's own policies and the buckets' give, and where a Deny leaves nothing of it."""
    asking = asker(account, identity)
    for pattern in patterns(asking, buckets):
        answers = list(_direct(identity.arn, asking, pattern.place, pattern.text, pattern.actions))
        yield from answers or _denied(identity.arn, asking, pattern)


def _of_outsider(outsider: Outsider, asking: Asker, place: Place, scope: str) -> Iterator[Reach]:
    public = outsider.name == ANYBODY
    for answer in _direct(outsider.name, asking, place, scope):
        more = PERHAPS_CLOSED if public and not place.is_closed else outsider.doubt
        doubts = tuple(filter(None, (*answer.doubts, more)))
        needs = (CLOSED,) if public and place.is_closed else ()
        yield replace(answer, way=Way.BUCKET, needs=needs, certain=not doubts, doubts=doubts)


def _direct(
    name: str, asking: Asker, place: Place, scope: str, actions_asked: Iterable[str] = ACTIONS
) -> Iterator[Reach]:
    for finding, actions, prefix in grouped(findings(asking, place, actions_asked)):
        doubts = doubts_of(finding, asking, place)
        yield Reach(
            principal_arn=name,
            way=Way.BUCKET if finding.verdict.kind == RESOURCE else Way.IDENTITY,
            scope=scope,
            actions=actions,
            because=finding.verdict.because,
            list_prefix=prefix,
            certain=not doubts,
            doubts=doubts,
        )


def _denied(name: str, asking: Asker, pattern: Pattern) -> Iterator[Reach]:
    verdicts = [finding.verdict for finding in findings(asking, pattern.place, pattern.actions)]
    because = next((verdict.because for verdict in verdicts if verdict.explicit), "")
    if because:
        yield replace(_unknown(name, Way.IDENTITY, pattern.text, because, ()), needs=(because,))


def _unknown(name: str, way: Way, scope: str, because: str, doubts: tuple[str, ...]) -> Reach:
    return Reach(
        principal_arn=name, way=way, scope=scope, actions=(), because=because, certain=not doubts, doubts=doubts
    )
