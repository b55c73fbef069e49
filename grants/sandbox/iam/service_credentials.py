"""Service-specific credentials: passwords for one service such as CodeCommit, as a user's deletion needs."""

import secrets

from grants.sandbox.calls import Call
from grants.sandbox.iam import refusals, shapes
from grants.sandbox.iam.account import ServiceCredential
from grants.sandbox.iam.desk import Answer, Desk, Operation

PER_SERVICE = 2
SERVICES = ("codecommit.amazonaws.com", "cassandra.amazonaws.com")


def _create(desk: Desk, call: Call) -> Answer:
    user, service = desk.user(call), call.parameters["ServiceName"]
    if service not in SERVICES:
        raise refusals.no_such_entity(f"No such service {service} is supported for Service Specific Credentials.")
    others = [credential for credential in desk.account.credentials_of(user) if credential.service == service]
    if len(others) >= PER_SERVICE:
        raise refusals.quota("ServiceSpecificCredentialsPerUser", PER_SERVICE)
    credential = ServiceCredential(
        credential_id=desk.account.new_id("ACCA"),
        user_name=user.name,
        service=service,
        service_user_name=f"{user.name}-at-{desk.account.account_id}",
        created=desk.now(),
        password=secrets.token_urlsafe(32),
    )
    desk.account.service_credentials[credential.credential_id] = credential
    shown = {**shapes.service_credential(credential), "ServicePassword": credential.password}
    return {"ServiceSpecificCredential": shown}


def _list(desk: Desk, call: Call) -> Answer:
    wanted = call.parameters.get("ServiceName")
    found = desk.account.credentials_of(desk.user_or_self(call))
    shown = [credential for credential in found if wanted in {None, credential.service}]
    return {"ServiceSpecificCredentials": [shapes.service_credential(credential) for credential in shown]}


def _change_status(desk: Desk, call: Call) -> Answer:
    _find(desk, call).status = call.parameters["Status"]
    return {}


def _remove(desk: Desk, call: Call) -> Answer:
    del desk.account.service_credentials[_find(desk, call).credential_id]
    return {}


def _find(desk: Desk, call: Call) -> ServiceCredential:
    user, wanted = desk.user_or_self(call), call.parameters["ServiceSpecificCredentialId"]
    for credential in desk.account.credentials_of(user):
        if credential.credential_id == wanted:
            return credential
    raise refusals.no_such_entity(f"No such credential {wanted} exists.")


OPERATIONS: dict[str, Operation] = {
    "CreateServiceSpecificCredential": _create,
    "ListServiceSpecificCredentials": _list,
    "UpdateServiceSpecificCredential": _change_status,
    "DeleteServiceSpecificCredential": _remove,
}
