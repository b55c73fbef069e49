"""The Deny on a location's role: written whole from the cuts that are wanted, taken away when none is."""

from grants import policies
from grants.aws.errors import AwsNotFoundError
from grants.aws.gateway import Aws
from grants.models import Cut, Operation, State
from grants.services import settlement
from grants.services.operation_calls import Calls, Change, Executor, Result

POLICY_NAME = "cellenium-admin-cut"


def _put(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Write the policy as all cuts of this role want it at this moment; doing so twice is the same as once."""
    role_arn = operation.args["role_arn"]
    role = role_arn.rpartition("/")[2]
    cuts = list(Cut.objects.existing().exclude(state=State.FAILED).filter(role_arn=role_arn))
    wanted = [cut for cut in cuts if cut.state != State.PENDING_DELETE]
    if wanted:
        calls.note("PutRolePolicy", aws.iam.put_role_policy(role, POLICY_NAME, document_of(wanted)))
    else:
        try:
            calls.note("DeleteRolePolicy", aws.iam.delete_role_policy(role, POLICY_NAME))
        except AwsNotFoundError:
            calls.made.append("DeleteRolePolicy: there was none")
    return {"in_force": [str(cut.pk) for cut in wanted], "lifted": [str(cut.pk) for cut in cuts if cut not in wanted]}


def document_of(cuts: list[Cut]) -> policies.Document:
    """Give the policy that all these cuts make together."""
    user_ids = sorted({user_id for cut in cuts for user_id in cut.user_ids})
    moments = [cut.sessions_before for cut in cuts if cut.sessions_before]
    return policies.cut_policy(user_ids, max(moments, default=None))


def _settled(operation: Operation, result: Result) -> Change:
    changes = {}
    for cut in Cut.objects.select_for_update(of=("self",)).filter(pk__in=[*result["in_force"], *result["lifted"]]):
        if str(cut.pk) in result["in_force"]:
            changes[str(cut.pk)] = settlement.confirm(cut)
        elif cut.state == State.PENDING_DELETE:
            changes[str(cut.pk)] = settlement.gone(cut)
    return changes.get(operation.subject_id, Change())


def _failed(operation: Operation) -> Change:
    return settlement.fail(settlement.subject(Cut, operation))


def _revived(operation: Operation) -> Change:
    return settlement.revive(settlement.subject(Cut, operation))


PUT = Executor(_put, _settled, _failed, _revived)
