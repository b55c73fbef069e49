"""The role of a location: it must exist and trust S3 Access Grants.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-location-register.html
"""

from grants import evaluator
from grants.evaluator import Principal, Request
from grants.policies import SERVICE
from grants.sandbox import authorization
from grants.sandbox.access_grants.desk import Desk
from grants.sandbox.access_grants.refusals import refusal
from grants.sandbox.calls import Call
from grants.sandbox.iam import RoleView

ACTIONS = ("sts:AssumeRole", "sts:SetSourceIdentity")


def require_usable(desk: Desk, call: Call, arn: str) -> None:
    """Raise InvalidIamRole unless a location may have this role, AccessDenied unless the caller may pass it.

    The knob `role_lag` counts from the role's creation or the last change of its trust.
    """
    authorization.require(call, "iam:PassRole", arn, {"iam:PassedToService": SERVICE})
    role = desk.iam.role(arn)
    if role is None or role.arn != arn or not trusts(desk, role):
        raise _invalid(arn)
    if desk.lags(max(role.created, role.trust_changed), desk.world.knobs.role_lag):
        raise _invalid(arn)


def assumed(desk: Desk, arn: str) -> RoleView:
    """Give the role a session is to be made of; raises StsNotAuthorizedError when it is gone or trusts no more."""
    role = desk.iam.role(arn)
    if role is None or not trusts(desk, role):
        message = f"S3 Access Grants is not authorized to assume {arn}: let its trust policy allow {SERVICE}"
        raise refusal("StsNotAuthorizedError", f"{message} the actions {' and '.join(ACTIONS)}")
    return role


def trusts(desk: Desk, role: RoleView) -> bool:
    """Tell whether a role's trust policy lets this account's instance assume it and set who it is for."""
    principal = Principal(arn=SERVICE, principal_arn=SERVICE, account=desk.world.account, service=SERVICE)
    context = {
        "aws:SourceAccount": desk.world.account,
        "aws:SourceArn": desk.instance_arn,
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": SERVICE,
    }
    return all(
        evaluator.evaluate(Request(principal, action, role.arn, context), resource=role.trust).allowed
        for action in ACTIONS
    )


def _invalid(arn: str) -> Exception:
    return refusal("InvalidIamRole", f"The IAM role {arn} does not exist or cannot be assumed by S3 Access Grants")
