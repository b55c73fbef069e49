"""The server that keeps the sandbox's objects and judges every request once more: SeaweedFS."""

import base64
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from cellenium_admin.embedded import EmbeddedSeaweedFS, EmbeddedServerError, passwords
from cellenium_admin.embedded.ports import LOOPBACK
from grants.sandbox.errors import AwsError
from grants.sandbox.seaweed_admin import UNREACHABLE, AdminConnection, SeaweedError
from grants.sandbox.seaweed_bucket_policies import USER_PREFIX, USERS_ACCOUNT, BucketPolicyWriter
from grants.sandbox.seaweed_directory import IamDirectory
from grants.sandbox.seaweed_policies import LONGEST_SESSION_POLICY, identity_document, session_document
from grants.sandbox.seaweed_slots import RoleSlots, slot_name

logger = logging.getLogger(__name__)

SLOTS = 2_000
_ISSUER = "cellenium-admin-sandbox"
_BROKER = "sandbox:broker"  # a colon is in no name IAM accepts, so that no user of the sandbox can be it
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"total_max_attempts": 1},
    signature_version="s3v4",
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class SeaweedCredentials:
    """Keys of a session that SeaweedFS honours."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


class SeaweedFS:
    """SeaweedFS with IAM: users, keys, roles and bucket policies are pushed to it; used from one thread.

    All of it is in the server's data and survives its end, even a kill. What is there is known, so that pushing the
    same again costs nothing. Names of users and roles are IAM's.
    """

    def __init__(self, directory: Path, *, account: str, port: int | None = None) -> None:
        """Prepare the server whose state is below `directory`; nothing runs before `start`."""
        self._state, self._account = directory, account
        options = [
            f"-s3.iam.config={directory.resolve() / 'iam.json'}",
            "-filer.saveToFilerLimit=65536",  # users and policies are read only when they are no larger than this
        ]
        self._server = EmbeddedSeaweedFS(directory, port=port, options=options)
        self._admin = AdminConnection(LOOPBACK, self._server.port)
        self._directory = IamDirectory(LOOPBACK, self._server.port)
        self._broker = ("", "")
        self._clients: dict[str, Any] = {}

    @property
    def endpoint_url(self) -> str:
        """Return the address of its S3 interface."""
        return self._server.endpoint_url

    @property
    def root_access_key_id(self) -> str:
        """Return the access key of the account's root, known after the first start."""
        return self._server.access_key_id

    @property
    def root_secret_access_key(self) -> str:
        """Return its secret."""
        return self._server.secret_access_key

    @property
    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._server.alive

    @property
    def pid(self) -> int | None:
        """Return the server's process id."""
        return self._server.pid

    def start(self) -> None:
        """Start the server and make sure of the broker, the user that assumes every role."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._slots = RoleSlots(self._state / "slots.json", SLOTS)
        keys = passwords.kept(
            self._state / "broker.json",
            {
                "access_key_id": lambda: f"AKIA{secrets.token_hex(8).upper()}",
                "secret_access_key": lambda: secrets.token_urlsafe(30),
                "signing_key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
            },
        )
        passwords.write_private(self._state / "iam.json", json.dumps(self._configuration(keys["signing_key"])))
        self._server.start()
        self._admin.close()
        self._directory.open(json.loads((self._state / "ports.json").read_text())["filer"])
        self._broker = (keys["access_key_id"], keys["secret_access_key"])
        self._put_credentials(_BROKER, self._broker[0], [_key(*self._broker, active=True)])

    def stop(self) -> None:
        """Stop the server; what was acknowledged is on disk."""
        self._admin.close()
        self._directory.close()
        self._server.stop()

    def ensure(self) -> bool:
        """Start the server again when it has died; True when it had to and runs now.

        While it cannot be started, for want of memory or disk, the log says so and the next call tries again.
        """
        if self._server.alive:
            return False
        try:
            self.start()
        except (EmbeddedServerError, OSError, AwsError) as error:
            logger.error("SeaweedFS ended and could not be started again: %s", error)  # noqa: TRY400 - it says it all
            return False
        logger.warning("SeaweedFS ended by itself and runs again.")
        return True

    def put_user(self, name: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Make sure the user exists and has the rights of exactly these policy documents."""
        self._directory.put_policy(_own(name), identity_document(documents, user=name))
        self._directory.put_identity(self._identity(_own(name)))
        self._directory.settle()

    def delete_user(self, name: str) -> None:
        """Delete the user with everything of theirs; no error when there is none."""
        self._directory.remove_identity(_own(name))
        self._directory.remove_policy(_own(name))
        self._directory.settle()

    def put_key(self, user: str, access_key_id: str, secret_access_key: str, *, active: bool) -> None:
        """Make sure the user's key exists and is active or not."""
        self._put_credentials(_own(user), access_key_id, [_key(access_key_id, secret_access_key, active=active)])

    def delete_key(self, user: str, access_key_id: str) -> None:
        """Delete a key; no error when there is none."""
        if self._directory.identity(_own(user)) is not None:
            self._put_credentials(_own(user), access_key_id, [])

    def put_role(self, name: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Make sure sessions of the role, old and new, have the rights of exactly these policy documents."""
        self._directory.put_policy(self._slot_of(name), identity_document(documents))
        self._directory.settle()

    def delete_role(self, name: str) -> None:
        """Take all rights from sessions of the role; no error when there is no such role."""
        if (slot := self._slots.give_back(name)) is not None:
            self._directory.remove_policy(slot_name(slot))
            self._directory.settle()

    def assume(
        self, role: str, *, session_name: str, duration: int, policies: Sequence[Mapping[str, Any]]
    ) -> SeaweedCredentials:
        """Get a session of a role for `duration` seconds, bounded by the session policies as far as SeaweedFS can."""
        parameters = {
            "RoleArn": f"arn:aws:iam::role/{self._slot_of(role)}",
            "RoleSessionName": session_name,
            "DurationSeconds": str(duration),
        }
        if (document := session_document(policies)) is not None and len(
            text := _text(document)
        ) <= LONGEST_SESSION_POLICY:
            parameters["Policy"] = text
        try:
            answer = self._admin.call("sts", "AssumeRole", parameters, self._broker)["Credentials"]
        except SeaweedError as refusal:
            raise _failure(f"AssumeRole: {refusal}") from refusal
        return SeaweedCredentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])

    def put_bucket_policy(self, bucket: str, document: Mapping[str, Any] | None) -> None:
        """Give a bucket this policy, or none, also when it has none; principals are the sandbox's account's."""
        written = document and BucketPolicyWriter(self._account, self._slot_of).write(bucket, document)
        try:
            if written:
                self.client().put_bucket_policy(Bucket=bucket, Policy=_text(written))
            else:
                self.client().delete_bucket_policy(Bucket=bucket)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"].get("Code") != "NoSuchBucketPolicy":
                raise _failure(error.response["Error"].get("Message", "")) from error
        except botocore.exceptions.BotoCoreError as error:
            raise AwsError("ServiceUnavailable", UNREACHABLE, HTTPStatus.SERVICE_UNAVAILABLE) from error

    def client(self, service: str = "s3") -> Any:
        """Give a boto3 client signed as the account's root that tries once and gives up after seconds."""
        if service not in self._clients:
            make: Any = boto3.client  # its type knows literal names of services only
            self._clients[service] = make(
                service,
                endpoint_url=self.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id=self.root_access_key_id,
                aws_secret_access_key=self.root_secret_access_key,
                config=_CONFIG,
            )
        return self._clients[service]

    def _slot_of(self, role: str) -> str:
        return slot_name(self._slots.take(role))

    def _configuration(self, signing_key: str) -> dict[str, Any]:
        broker = f"arn:aws:iam::{USERS_ACCOUNT}:user/{_BROKER}"
        trust = {"Effect": "Allow", "Principal": {"AWS": broker}, "Action": ["sts:AssumeRole"]}
        return {
            "sts": {
                "tokenDuration": "1h",
                "maxSessionLength": "12h",
                "issuer": _ISSUER,
                "signingKey": signing_key,
                "accountId": self._account,
            },
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "policies": [],
            "roles": [
                {
                    "roleName": slot_name(slot),
                    "roleArn": f"arn:aws:iam::role/{slot_name(slot)}",
                    "attachedPolicies": [slot_name(slot)],
                    "trustPolicy": {"Version": "2012-10-17", "Statement": [trust]},
                }
                for slot in range(SLOTS)
            ],
        }

    def _identity(self, name: str) -> dict[str, Any]:
        return self._directory.identity(name) or {"name": name, "credentials": [], "policy_names": [name]}

    def _put_credentials(self, name: str, access_key_id: str, keys: list[dict[str, str]]) -> None:
        """Put these keys where one key was, so that the same keys make the same file."""
        identity = self._identity(name)
        credentials = identity["credentials"]
        places = [place for place, key in enumerate(credentials) if key["access_key"] == access_key_id]
        place = places[0] if places else len(credentials)
        credentials[place : place + 1] = keys
        self._directory.put_identity(identity)
        self._directory.settle()


def _own(user: str) -> str:
    """Give the name that SeaweedFS has for a user of the sandbox, and for the policy of this user."""
    return f"{USER_PREFIX}{user}"


def _key(access_key_id: str, secret_access_key: str, *, active: bool) -> dict[str, str]:
    status = "Active" if active else "Inactive"
    return {"access_key": access_key_id, "secret_key": secret_access_key, "status": status}


def _failure(what: str) -> AwsError:
    return AwsError(
        "InternalFailure",
        f"The object store of the sandbox refused what its administrator asked for ({what}).",
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
