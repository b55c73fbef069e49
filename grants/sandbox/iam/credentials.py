"""Signing certificates and SSH public keys: uploaded, listed and deleted, as a user's deletion needs."""

from moto.iam.models import SigningCertificate, SshPublicKey, User

from grants.sandbox.calls import Call
from grants.sandbox.iam import pages, refusals, shapes, ssh_keys
from grants.sandbox.iam.desk import Answer, Desk, Operation

CERTIFICATES_PER_USER, SSH_KEYS_PER_USER = 2, 5


def _upload_signing_certificate(desk: Desk, call: Call) -> Answer:
    user = desk.user_or_self(call)
    if len(user.signing_certificates) >= CERTIFICATES_PER_USER:
        raise refusals.quota("CertificatesPerUser", CERTIFICATES_PER_USER)
    certificate = desk.account.upload_signing_certificate(user.name, call.parameters["CertificateBody"])
    del user.signing_certificates[certificate.id]
    certificate.id, certificate.upload_date = certificate.id.upper(), desk.now()
    user.signing_certificates[certificate.id] = certificate
    return {"Certificate": shapes.signing_certificate(certificate)}


def _update_signing_certificate(desk: Desk, call: Call) -> Answer:
    certificate = _certificate(desk.user_or_self(call), call.parameters["CertificateId"])
    certificate.status = call.parameters["Status"]
    return {}


def _delete_signing_certificate(desk: Desk, call: Call) -> Answer:
    user = desk.user_or_self(call)
    del user.signing_certificates[_certificate(user, call.parameters["CertificateId"]).id]
    return {}


def _list_signing_certificates(desk: Desk, call: Call) -> Answer:
    return pages.page(
        "Certificates",
        desk.user_or_self(call).signing_certificates.values(),
        call.parameters,
        key=lambda certificate: str(certificate.id),
        shape=shapes.signing_certificate,
    )


def _upload_ssh_public_key(desk: Desk, call: Call) -> Answer:
    user, body = desk.user(call), call.parameters["SSHPublicKeyBody"]
    parsed = ssh_keys.parsed(body)
    if len(user.ssh_public_keys) >= SSH_KEYS_PER_USER:
        raise refusals.quota("SSHPublicKeysPerUser", SSH_KEYS_PER_USER)
    key = user.upload_ssh_public_key(body)
    key.upload_date, key.fingerprint = desk.now(), ssh_keys.fingerprint(parsed)
    return {"SSHPublicKey": shapes.ssh_key(key)}


def _get_ssh_public_key(desk: Desk, call: Call) -> Answer:
    shown = shapes.ssh_key(_ssh_key(desk.user(call), call.parameters["SSHPublicKeyId"]))
    body = ssh_keys.encoded(shown["SSHPublicKeyBody"], call.parameters["Encoding"])
    return {"SSHPublicKey": {**shown, "SSHPublicKeyBody": body}}


def _update_ssh_public_key(desk: Desk, call: Call) -> Answer:
    _ssh_key(desk.user_or_self(call), call.parameters["SSHPublicKeyId"]).status = call.parameters["Status"]
    return {}


def _delete_ssh_public_key(desk: Desk, call: Call) -> Answer:
    user = desk.user_or_self(call)
    user.delete_ssh_public_key(_ssh_key(user, call.parameters["SSHPublicKeyId"]).ssh_public_key_id)
    return {}


def _list_ssh_public_keys(desk: Desk, call: Call) -> Answer:
    return pages.page(
        "SSHPublicKeys",
        desk.user_or_self(call).ssh_public_keys,
        call.parameters,
        key=lambda key: str(key.ssh_public_key_id),
        shape=lambda key: shapes.ssh_key(key, whole=False),
    )


def _certificate(user: User, certificate_id: str) -> SigningCertificate:
    if certificate_id not in user.signing_certificates:
        raise refusals.no_such_entity(f"The Certificate with id {certificate_id} cannot be found.")
    return user.signing_certificates[certificate_id]


def _ssh_key(user: User, key_id: str) -> SshPublicKey:
    found = next((key for key in user.ssh_public_keys if key.ssh_public_key_id == key_id), None)
    if found is None:
        raise refusals.no_such_entity(f"The Public Key with id {key_id} cannot be found.")
    return found


OPERATIONS: dict[str, Operation] = {
    "UploadSigningCertificate": _upload_signing_certificate,
    "UpdateSigningCertificate": _update_signing_certificate,
    "DeleteSigningCertificate": _delete_signing_certificate,
    "ListSigningCertificates": _list_signing_certificates,
    "UploadSSHPublicKey": _upload_ssh_public_key,
    "GetSSHPublicKey": _get_ssh_public_key,
    "UpdateSSHPublicKey": _update_ssh_public_key,
    "DeleteSSHPublicKey": _delete_ssh_public_key,
    "ListSSHPublicKeys": _list_ssh_public_keys,
}
