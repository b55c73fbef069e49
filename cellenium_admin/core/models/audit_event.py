"""The append-only trail. Rows are written by a database function only; see migration `0002`."""

from typing import Any, NoReturn

from django.db import models

from cellenium_admin.core.models.user import User


class Action(models.TextChoices):
    """The closed list of what the trail tells of."""

    USER_CREATED = "user.created"
    USER_ROLES_CHANGED = "user.roles_changed"
    USER_DEACTIVATED = "user.deactivated"
    USER_GROUPS_CHANGED = "user.groups_changed"
    USER_EMAIL_CHANGED = "user.email_changed"
    USER_IDENTITY_LINKED = "user.identity_linked"
    USER_PREFIX_REFUSED = "user.prefix_refused"
    USER_LOGGED_IN = "user.logged_in"
    USER_LOGGED_OUT = "user.logged_out"
    USER_LOGIN_FAILED = "user.login_failed"
    TOKEN_CREATED = "api_token.created"  # noqa: S105 -- the name of an action
    TOKEN_REVOKED = "api_token.revoked"  # noqa: S105
    JOB_CANCELLED = "job.cancelled"
    UPLOAD_FOUND = "upload.found"
    UPLOAD_STARTED = "upload.started"
    UPLOAD_COMPLETED = "upload.completed"
    UPLOAD_CANCELLED = "upload.cancelled"
    UPLOAD_EXPIRED = "upload.expired"
    UPLOAD_HELD = "upload.held"
    UPLOAD_RELEASED = "upload.released"
    UPLOAD_REFUSED = "upload.refused"
    UPLOAD_REMOVAL_ORDERED = "upload.removal_ordered"
    UPLOAD_REMOVED = "upload.removed"
    IMPORT_STARTED = "import.started"
    IMPORT_PUBLISHED = "import.published"
    IMPORT_REJECTED = "import.rejected"
    IMPORT_FAILED = "import.failed"
    IMPORT_CANCELLED = "import.cancelled"
    IMPORT_RETRIED = "import.retried"
    IMPORT_CHECKED = "import.checked"
    FEATURES_LOADED = "features.loaded"
    STUDY_CREATED = "study.created"
    STUDY_ACCESS_GRANTED = "study.access_granted"
    STUDY_ACCESS_REVOKED = "study.access_revoked"
    STUDY_SOURCE_CHANGED = "study.source_changed"
    STUDY_VISIBILITY_CHANGED = "study.visibility_changed"
    USER_ANNOTATION_CREATED = "user_annotation.created"
    USER_ANNOTATION_CHANGED = "user_annotation.changed"
    USER_ANNOTATION_REMOVED = "user_annotation.removed"
    ANALYSIS_REQUESTED = "analysis.requested"
    TRAIL_READ = "trail.read"
    TRAIL_EXPORTED = "trail.exported"
    CHECKPOINT_SIGNED = "checkpoint.signed"
    CHECKPOINT_KEY_CHANGED = "checkpoint.key_changed"
    LOCATION_REGISTERED = "location.registered"
    LOCATION_ADOPTED = "location.adopted"
    LOCATION_ROLE_CHANGED = "location.role_changed"
    LOCATION_REMOVED = "location.removed"
    PRINCIPAL_CREATED = "principal.created"
    PRINCIPAL_REGISTERED = "principal.registered"
    PRINCIPAL_ADOPTED = "principal.adopted"
    PRINCIPAL_LINKED = "principal.linked"
    PRINCIPAL_REMOVED = "principal.removed"
    KEY_CREATED = "access_key.created"
    KEY_STATUS_CHANGED = "access_key.status_changed"
    KEY_REMOVED = "access_key.removed"
    GRANT_CREATED = "grant.created"
    GRANT_EXTENDED = "grant.extended"
    GRANT_REVOKED = "grant.revoked"
    GRANT_EXPIRED = "grant.expired"
    GRANT_ADOPTED = "grant.adopted"
    GRANT_REVIEWED = "grant.reviewed"
    ACCESS_REQUESTED = "access_request.made"
    ACCESS_APPROVED = "access_request.approved"
    ACCESS_REJECTED = "access_request.rejected"
    ACCESS_CANCELLED = "access_request.cancelled"
    ACCESS_LAPSED = "access_request.lapsed"
    OPERATION_STARTED = "operation.started"
    OPERATION_SUCCEEDED = "operation.succeeded"
    OPERATION_DELAYED = "operation.delayed"
    OPERATION_FAILED = "operation.failed"
    OPERATION_RETRIED = "operation.retried"
    OPERATION_CANCELLED = "operation.cancelled"
    SESSIONS_CUT = "sessions.cut"
    CUT_LIFTED = "sessions.cut_lifted"
    CREDENTIALS_REQUESTED = "credentials.requested"
    CREDENTIALS_ISSUED = "credentials.issued"
    CREDENTIALS_FAILED = "credentials.failed"
    CREDENTIALS_REFUSED = "credentials.refused"
    RECONCILE_PLANNED = "reconcile.planned"
    RECONCILE_APPLIED = "reconcile.applied"
    FOREIGN_SEEN = "reconcile.foreign_seen"
    DRIFT_SEEN = "reconcile.drift_seen"
    STACK_CHANGING = "stack.changing"
    STACK_CHANGED = "stack.changed"


class Outcome(models.TextChoices):
    """How it ended."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


class AppendOnlyError(TypeError):
    """The trail was to be written past `audit.record`; the database would refuse it too."""

    def __init__(self) -> None:
        """Say what to do instead."""
        super().__init__("The audit trail is append-only and written by audit.record alone.")


def refuse(*_: Any, **__: Any) -> NoReturn:
    """Stand in for every way in which Django would write."""
    raise AppendOnlyError


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Vocabulary of selections from the trail; nothing in it writes."""

    def visible_to(self, user: User) -> "AuditEventQuerySet":
        """Select what this user may read: everything for curators and administrators, nothing for others."""
        return self if user.is_curator else self.none()

    # The first of these because `update_or_create` begins with it.
    select_for_update = update = delete = bulk_create = bulk_update = refuse
    # What Django itself calls for a model's save() and delete(), and for cascades.
    _update = _insert = _raw_delete = refuse


class AuditEvent(models.Model):
    """One line of the trail; ids and labels are copied, so nothing it names can take it along when deleted."""

    seq = models.BigIntegerField(primary_key=True, editable=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=50, choices=Action.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    actor_type = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=100)
    actor_label = models.CharField(max_length=254)
    on_behalf_of = models.CharField(max_length=254)
    request_id = models.CharField(max_length=36)
    address = models.CharField(max_length=45)
    object_type = models.CharField(max_length=50)
    object_id = models.CharField(max_length=255)
    object_label = models.CharField(max_length=1024)
    before = models.JSONField()
    after = models.JSONField()
    details = models.JSONField()
    reason = models.CharField(max_length=1000)
    version = models.SmallIntegerField()
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    objects = AuditEventQuerySet.as_manager()
    save = delete = refuse

    class Meta:
        base_manager_name = "objects"
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["action", "-seq"], name="audit_event_action"),
            models.Index(fields=["actor_id", "-seq"], name="audit_event_actor"),
            models.Index(fields=["object_type", "object_id", "-seq"], name="audit_event_object"),
            models.Index(fields=["request_id"], name="audit_event_request"),
            models.Index(fields=["at"], name="audit_event_at"),
        ]

    def __str__(self) -> str:
        """Show number and action."""
        return f"{self.seq} {self.action}"
