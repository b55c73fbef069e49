"""What a test may turn: how long AWS takes to notice a change, and how strict the connection is taken to be."""

from dataclasses import dataclass
from datetime import timedelta

NONE = timedelta(0)


@dataclass(slots=True)
class Knobs:
    """Lags by the sandbox's clock, all zero unless turned.

    Source: access-grants propagation as Terraform's AWS provider retries it, see docs/sandbox.md.
    """

    grantee_lag: timedelta = NONE
    """After CreateUser or CreateRole, CreateAccessGrant answers InvalidRequest "Invalid Grantee in the request"."""
    role_lag: timedelta = NONE
    """After CreateRole or a change of its trust, Create/UpdateAccessGrantsLocation answers InvalidIamRole."""
    deletion_lag: timedelta = NONE
    """After DeleteAccessGrant, DeleteAccessGrantsLocation still answers AccessGrantsLocationNotEmptyError."""
    list_lag: timedelta = NONE
    """How long lists of users, roles, locations and grants do not show what was created, and show what was deleted."""
    key_lag: timedelta = NONE
    """After CreateAccessKey, requests signed with it answer InvalidAccessKeyId (S3) or InvalidClientTokenId."""
    policy_lag: timedelta = NONE
    """After a change of a policy, decisions still follow the old one."""
    event_lag: timedelta = NONE
    """By the machine's clock: between a change of an object and the message about it."""
    event_copies: int = 1
    """How often a message about a change arrives; 0 loses it. AWS promises at least once."""
    event_disorder: bool = False
    """Each message waits for the next, which goes before it; the last waits a second."""
    secure_transport: bool = True
    """What `aws:SecureTransport` is: the sandbox speaks HTTP on loopback and stands for an AWS that speaks TLS."""
