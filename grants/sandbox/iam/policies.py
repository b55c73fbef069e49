"""Managed policies and their versions."""

from collections.abc import Iterable

from moto.iam.models import ManagedPolicy, PolicyVersion, Role, User

from grants.sandbox.calls import Call
from grants.sandbox.iam import catalogue, documents, pages, refusals, shapes, tags
from grants.sandbox.iam.account import Holder
from grants.sandbox.iam.desk import Answer, Desk, Operation

QUOTA, SIZE, VERSIONS = 1_500, 6_144, 5


def _create_policy(desk: Desk, call: Call) -> Answer:
    account, parameters = desk.account, call.parameters
    name, path = parameters["PolicyName"], parameters.get("Path") or "/"
    given = tags.given(call)
    desk.require(call, account.arn("policy", f"{path}{name}"), tags.request_context(given))
    own = [policy for arn, policy in account.managed_policies.items() if not arn.startswith(catalogue.PREFIX)]
    if name.lower() in {policy.name.lower() for policy in own}:
        raise refusals.already_exists(f"A policy called {name} already exists. Duplicate names are not allowed.")
    _check(parameters["PolicyDocument"])
    if len(own) >= QUOTA:
        raise refusals.quota("PoliciesPerAccount", QUOTA)
    policy = account.create_policy(parameters.get("Description") or "", path, parameters["PolicyDocument"], name, [])
    policy.id, policy.create_date, policy.update_date = account.new_id("ANPA"), desk.now(), desk.now()
    policy.versions[0].create_date = policy.create_date
    tags.put(account, policy, given)
    return {"Policy": shapes.policy(policy)}


def _get_policy(desk: Desk, call: Call) -> Answer:
    return {"Policy": shapes.policy(_policy(desk, call))}


def _list_policies(desk: Desk, call: Call) -> Answer:
    parameters = call.parameters
    prefix, scope = parameters.get("PathPrefix", "/"), parameters.get("Scope", "All")
    desk.require(call, f"policy path {prefix}")
    found: dict[str, ManagedPolicy] = {} if scope == "Local" else {**catalogue.everything()}
    found |= desk.account.managed_policies
    shown = [
        policy
        for policy in found.values()
        if policy.path.startswith(prefix)
        and (scope != "Local" or not policy.arn.startswith(catalogue.PREFIX))
        and (scope != "AWS" or policy.arn.startswith(catalogue.PREFIX))
        and (policy.attachment_count or not parameters.get("OnlyAttached"))
    ]
    return pages.page(
        "Policies",
        [] if parameters.get("PolicyUsageFilter") == "PermissionsBoundary" else shown,
        parameters,
        key=lambda policy: str(policy.arn),
        shape=lambda policy: shapes.policy(policy, whole=False),
    )


def _delete_policy(desk: Desk, call: Call) -> Answer:
    policy = _own(_policy(desk, call))
    if policy.attachment_count:
        raise refusals.delete_conflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise refusals.delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    desk.account.delete_policy(policy.arn)
    return {}


def _create_policy_version(desk: Desk, call: Call) -> Answer:
    policy, document = _own(_policy(desk, call)), call.parameters["PolicyDocument"]
    _check(document)
    if len(policy.versions) >= VERSIONS:
        raise refusals.limit_exceeded(
            f"A managed policy can have up to {VERSIONS} versions. "
            "Before you create a new version, you must delete an existing version."
        )
    default = bool(call.parameters.get("SetAsDefault"))
    version = desk.account.create_policy_version(policy.arn, document, default)
    version.create_date = policy.update_date = desk.now()
    return {"PolicyVersion": shapes.policy_version(version, whole=False)}


def _get_policy_version(desk: Desk, call: Call) -> Answer:
    return {"PolicyVersion": shapes.policy_version(_version(_policy(desk, call), call))}


def _list_policy_versions(desk: Desk, call: Call) -> Answer:
    return pages.page(
        "Versions",
        _policy(desk, call).versions,
        call.parameters,
        key=lambda version: str(version.version_id).zfill(8),
        shape=lambda version: shapes.policy_version(version, whole=False),
    )


def _set_default_policy_version(desk: Desk, call: Call) -> Answer:
    policy = _own(_policy(desk, call))
    chosen = _version(policy, call)
    for version in policy.versions:
        version.is_default = version is chosen
    policy.default_version_id, policy.update_date = chosen.version_id, desk.now()
    return {}


def _delete_policy_version(desk: Desk, call: Call) -> Answer:
    policy = _own(_policy(desk, call))
    version = _version(policy, call)
    if version.is_default:
        raise refusals.delete_conflict("Cannot delete the default version of a policy.")
    desk.account.delete_policy_version(policy.arn, version.version_id)
    return {}


def _list_entities_for_policy(desk: Desk, call: Call) -> Answer:
    policy, wanted = _policy(desk, call), call.parameters.get("EntityFilter")
    prefix = call.parameters.get("PathPrefix", "/")
    holders = (
        holder
        for holder in desk.account.holders()
        if policy.arn in holder.managed_policies
        and holder.path.startswith(prefix)
        and (wanted is None or wanted == _kind(holder))
    )
    paged = pages.page("Entities", holders, call.parameters, key=lambda holder: str(holder.arn), shape=lambda it: it)
    return {**_sorted_by_kind(paged.pop("Entities")), **paged}


def _sorted_by_kind(holders: Iterable[Holder]) -> dict[str, list[shapes.Shape]]:
    answer: dict[str, list[shapes.Shape]] = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
    for holder in holders:
        kind = _kind(holder)
        answer[f"Policy{kind}s"].append({f"{kind}Name": holder.name, f"{kind}Id": holder.id})
    return answer


def _kind(holder: Holder) -> str:
    if isinstance(holder, User):
        return "User"
    return "Role" if isinstance(holder, Role) else "Group"


def _policy(desk: Desk, call: Call) -> ManagedPolicy:
    desk.require_policy(call, call.parameters["PolicyArn"])
    return desk.account.policy(call.parameters["PolicyArn"])


def _own(policy: ManagedPolicy) -> ManagedPolicy:
    if policy.arn.startswith(catalogue.PREFIX):
        raise refusals.invalid_input(f"Cannot perform the operation on the protected policy {policy.name}.")
    return policy


def _version(policy: ManagedPolicy, call: Call) -> PolicyVersion:
    wanted = call.parameters["VersionId"]
    found = next((version for version in policy.versions if version.version_id == wanted), None)
    if found is None:
        raise refusals.no_such_entity(f"Policy {policy.arn} version {wanted} does not exist or is not attachable.")
    return found


def _check(document: str) -> None:
    documents.check_identity(document)
    if documents.size(document) > SIZE:
        raise refusals.quota("PolicySize", SIZE)


OPERATIONS: dict[str, Operation] = {
    "CreatePolicy": _create_policy,
    "GetPolicy": _get_policy,
    "ListPolicies": _list_policies,
    "DeletePolicy": _delete_policy,
    "CreatePolicyVersion": _create_policy_version,
    "GetPolicyVersion": _get_policy_version,
    "ListPolicyVersions": _list_policy_versions,
    "SetDefaultPolicyVersion": _set_default_policy_version,
    "DeletePolicyVersion": _delete_policy_version,
    "ListEntitiesForPolicy": _list_entities_for_policy,
}
