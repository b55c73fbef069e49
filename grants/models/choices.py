"""Words that several models share."""

from django.db import models


class State(models.TextChoices):
    """Where something stands between our wish and AWS's confirmation."""

    PENDING_CREATE = "pending_create"
    ACTIVE = "active"
    PENDING_DELETE = "pending_delete"
    DELETED = "deleted"
    FAILED = "failed"


# What may follow what; the database refuses everything else (migration 0002).
TRANSITIONS: dict[str, tuple[str, ...]] = {
    State.PENDING_CREATE: (State.ACTIVE, State.FAILED, State.PENDING_DELETE),
    State.ACTIVE: (State.PENDING_DELETE, State.DELETED, State.PENDING_CREATE),
    State.PENDING_DELETE: (State.DELETED,),
    State.FAILED: (State.PENDING_CREATE, State.PENDING_DELETE, State.DELETED),
    State.DELETED: (),
}


class Origin(models.TextChoices):
    """Whose work it is: ours, taken over from before us, or somebody else's that we only report."""

    MANAGED = "managed"
    ADOPTED = "adopted"
    FOREIGN = "foreign"


class Permission(models.TextChoices):
    """The levels of S3 Access Grants; WRITE includes deletion."""

    READ = "READ"
    WRITE = "WRITE"
    READWRITE = "READWRITE"


class Drift(models.TextChoices):
    """What the last reconcile found different in AWS; empty when nothing."""

    NONE = "", "none"
    MISSING = "missing"
    CHANGED = "changed"
    GRANTEE_GONE = "grantee_gone"
    GRANTEE_REPLACED = "grantee_replaced"
    ROLE_CHANGED = "role_changed"
    TAG_LOST = "tag_lost"
    GROUP_DRIFT = "group_drift"
    KEY_UNKNOWN = "key_unknown"
    KEY_OLD = "key_old"
