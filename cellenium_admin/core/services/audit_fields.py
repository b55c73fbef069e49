"""What each action may tell: the fields of its state (`before`, `after`) and of its circumstances (`details`).

A field that is not listed cannot reach the trail, so neither can a secret by way of a dumped object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellenium_admin.core.models import Action

MAX_TEXT = 4096
MAX_DEPTH = 8
MAX_ITEMS = 200
INT64 = range(-(2**63), 2**63)

# None stands for "not set" in every field.
FieldTypes = Mapping[str, type[str] | type[int] | type[bool] | type[list[Any]] | type[dict[str, Any]]]


class AuditFieldError(ValueError):
    """An event was to tell what its action does not list, or a value that cannot be kept."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields an action may tell, with their types."""

    state: FieldTypes = field(default_factory=dict)
    details: FieldTypes = field(default_factory=dict)


TOKEN: FieldTypes = {"name": str, "key": str, "scopes": list, "user": str, "expires_at": str}
LOGIN: FieldTypes = {
    "method": str,
    "issuer": str,
    "subject": str,
    "email": str,
    "upload_prefix": str,
    "holder": str,
    "holder_id": str,
}
USER_ANNOTATION: FieldTypes = {"name": str, "color": str, "visibility": str}
ACCESS: FieldTypes = {"user": str, "user_id": str, "group": str, "role": str, "may_download": bool}
FILE: FieldTypes = {"uri": str, "revision": str}
UPLOAD: FieldTypes = {
    **FILE,
    "state": str,
    "source": str,
    "filename": str,
    "size": int,
    "part_size": int,
    "parts": int,
    "multipart_id": str,
    "owner": str,
    "owner_id": str,
    "expires_at": str,
    "quota_bytes": int,
    "quota_files": int,
    "used_bytes": int,
    "used_files": int,
}
RUN: FieldTypes = {**FILE, "run_id": str, "upload_id": str, "job_id": str, "attempt": int}
FINDINGS: FieldTypes = {"findings": int, "errors": int, "warnings": int}
VERSION: FieldTypes = {
    "study_id": str,
    "version_id": str,
    "number": int,
    "cell_count": int,
    "gene_count": int,
    "sha256": str,
}
FEATURE_TABLE: FieldTypes = {
    "organism_tax_id": int,
    "table": str,
    "table_version": str,
    "source": str,
    "sha256": str,
    "genes": int,
}
QUESTION: FieldTypes = {
    "analysis_id": str,
    "job_id": str,
    "version_id": str,
    "kind": str,
    "method": str,
    "layer": str,
    "feature": str,
    "annotation": str,
    "cells": int,
}

GRANT: FieldTypes = {
    "state": str,
    "origin": str,
    "principal": str,
    "principal_id": str,
    "location": str,
    "scope": str,
    "sub_prefix": str,
    "permission": str,
    "is_object": bool,
    "expires_at": str,
    "review_at": str,
    "aws_id": str,
    "drift": str,
}
LOCATION: FieldTypes = {"state": str, "origin": str, "scope": str, "role_arn": str, "aws_id": str, "drift": str}
PRINCIPAL: FieldTypes = {
    "state": str,
    "origin": str,
    "kind": str,
    "name": str,
    "arn": str,
    "unique_id": str,
    "user": str,
    "user_id": str,
    "drift": str,
}
KEY: FieldTypes = {
    "state": str,
    "origin": str,
    "principal": str,
    "access_key_id": str,
    "is_enabled": bool,
    "drift": str,
}
REQUEST: FieldTypes = {
    "state": str,
    "requester": str,
    "principal": str,
    "scope": str,
    "permission": str,
    "wanted_until": str,
    "grant_id": str,
}
CUT: FieldTypes = {
    "state": str,
    "origin": str,
    "role_arn": str,
    "user_ids": list,
    "sessions_before": str,
    "expires_at": str,
    "grant_id": str,
}
# Whatever an operation is about may change state with it.
SUBJECT: FieldTypes = {**GRANT, **LOCATION, **PRINCIPAL, **KEY, **CUT}
OPERATION: FieldTypes = {
    "operation_id": str,
    "kind": str,
    "attempt": int,
    "aws_request_id": str,
    "aws_code": str,
    "calls": list,
    "next_attempt_at": str,
    "result": dict,
}
ISSUANCE: FieldTypes = {
    "issuance_id": str,
    "method": str,
    "purpose": str,
    "prefix": str,
    "capped_by": str,
    "principal": str,
    "grant_id": str,
    "role_arn": str,
    "scope": str,
    "permission": str,
    "duration_seconds": int,
    "expires_at": str,
    "access_key_id": str,
    "aws_user_id": str,
}
RECONCILE: FieldTypes = {"run_id": str, "plan_hash": str, "counts": dict, "seen": dict, "findings": int, "kind": str}
STEP: FieldTypes = {"step": str, "call": str, "resource": str, "aws_request_id": str, "parameters": dict}

CHECKPOINT: FieldTypes = {
    "seq": int,
    "hash": str,
    "events": int,
    "key_id": str,
    "next_key_id": str,
    "previous": str,
    "signature": str,
    "next_signature": str,
    "uri": str,
}
EXPORT: FieldTypes = {
    "file": str,
    "format": str,
    "filters": dict,
    "count": int,
    "first_seq": int,
    "last_seq": int,
    "head_seq": int,
    "head_hash": str,
    "checkpoint_seq": int,
    "sha256": str,
}

# What stood in the way of an attempt that did not succeed, whatever it was.
OBSTACLE: FieldTypes = {"code": str, "detail": str}

FIELDS: Mapping[Action, Fields] = {
    Action.USER_CREATED: Fields(
        state={
            "username": str,
            "email": str,
            "kind": str,
            "system_roles": list,
            "study_groups": list,
            "upload_prefix": str,
            "oidc_issuer": str,
            "oidc_subject": str,
        }
    ),
    Action.USER_ROLES_CHANGED: Fields(state={"system_roles": list}),
    Action.USER_DEACTIVATED: Fields(state={"is_active": bool}),
    Action.USER_GROUPS_CHANGED: Fields(state={"study_groups": list}),
    Action.USER_EMAIL_CHANGED: Fields(state={"email": str, "display_name": str}),
    Action.USER_IDENTITY_LINKED: Fields(state={"oidc_issuer": str, "oidc_subject": str}),
    Action.USER_PREFIX_REFUSED: Fields(details=LOGIN),
    Action.USER_LOGGED_IN: Fields(details=LOGIN),
    Action.USER_LOGGED_OUT: Fields(details=LOGIN),
    Action.USER_LOGIN_FAILED: Fields(details=LOGIN),
    Action.TOKEN_CREATED: Fields(state=TOKEN),
    Action.TOKEN_REVOKED: Fields(state=TOKEN),
    Action.JOB_CANCELLED: Fields(state={"state": str, "cancel_requested_at": str}),
    Action.UPLOAD_FOUND: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_STARTED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_COMPLETED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_CANCELLED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_EXPIRED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_HELD: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_RELEASED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_REFUSED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_REMOVAL_ORDERED: Fields(state=UPLOAD, details=UPLOAD),
    Action.UPLOAD_REMOVED: Fields(state=UPLOAD, details=UPLOAD),
    Action.IMPORT_STARTED: Fields(details=RUN),
    Action.IMPORT_PUBLISHED: Fields(details={**RUN, **FINDINGS, **VERSION}),
    Action.IMPORT_REJECTED: Fields(details={**RUN, **FINDINGS}),
    Action.IMPORT_FAILED: Fields(details=RUN),
    Action.IMPORT_CANCELLED: Fields(details={**RUN, **FINDINGS}),
    Action.IMPORT_RETRIED: Fields(details={**RUN, "earlier_run_id": str}),
    Action.IMPORT_CHECKED: Fields(details={**FILE, "job_id": str}),
    Action.FEATURES_LOADED: Fields(details=FEATURE_TABLE),
    Action.STUDY_CREATED: Fields(state={"name": str, "source_uri": str, "visibility": str}),
    Action.STUDY_ACCESS_GRANTED: Fields(state=ACCESS),
    Action.STUDY_ACCESS_REVOKED: Fields(state=ACCESS),
    Action.STUDY_SOURCE_CHANGED: Fields(state={"source_uri": str}),
    Action.STUDY_VISIBILITY_CHANGED: Fields(state={"visibility": str}),
    Action.USER_ANNOTATION_CREATED: Fields(state=USER_ANNOTATION, details={"study_id": str, "cells": int}),
    Action.USER_ANNOTATION_CHANGED: Fields(state=USER_ANNOTATION, details={"study_id": str}),
    Action.USER_ANNOTATION_REMOVED: Fields(state=USER_ANNOTATION, details={"study_id": str}),
    Action.ANALYSIS_REQUESTED: Fields(details=QUESTION),
    Action.TRAIL_READ: Fields(),
    Action.TRAIL_EXPORTED: Fields(details=EXPORT),
    Action.CHECKPOINT_SIGNED: Fields(details=CHECKPOINT),
    Action.CHECKPOINT_KEY_CHANGED: Fields(details=CHECKPOINT),
    Action.LOCATION_REGISTERED: Fields(state=LOCATION),
    Action.LOCATION_ADOPTED: Fields(state=LOCATION),
    Action.LOCATION_ROLE_CHANGED: Fields(state=LOCATION),
    Action.LOCATION_REMOVED: Fields(state=LOCATION),
    Action.PRINCIPAL_CREATED: Fields(state=PRINCIPAL),
    Action.PRINCIPAL_REGISTERED: Fields(state=PRINCIPAL),
    Action.PRINCIPAL_ADOPTED: Fields(state=PRINCIPAL),
    Action.PRINCIPAL_LINKED: Fields(state=PRINCIPAL),
    Action.PRINCIPAL_REMOVED: Fields(state=PRINCIPAL),
    Action.KEY_CREATED: Fields(state=KEY),
    Action.KEY_STATUS_CHANGED: Fields(state=KEY),
    Action.KEY_REMOVED: Fields(state=KEY),
    Action.GRANT_CREATED: Fields(state=GRANT, details={"request_id": str, "replaces": str}),
    Action.GRANT_EXTENDED: Fields(state=GRANT),
    Action.GRANT_REVOKED: Fields(state=GRANT, details={"live_sessions": list}),
    Action.GRANT_EXPIRED: Fields(state=GRANT, details={"late_seconds": int}),
    Action.GRANT_ADOPTED: Fields(state=GRANT),
    Action.GRANT_REVIEWED: Fields(state=GRANT),
    Action.ACCESS_REQUESTED: Fields(state=REQUEST),
    Action.ACCESS_APPROVED: Fields(state=REQUEST),
    Action.ACCESS_REJECTED: Fields(state=REQUEST),
    Action.ACCESS_CANCELLED: Fields(state=REQUEST),
    Action.ACCESS_LAPSED: Fields(state=REQUEST),
    Action.OPERATION_STARTED: Fields(state=SUBJECT, details=OPERATION),
    Action.OPERATION_SUCCEEDED: Fields(state=SUBJECT, details=OPERATION),
    Action.OPERATION_DELAYED: Fields(state=SUBJECT, details=OPERATION),
    Action.OPERATION_FAILED: Fields(state=SUBJECT, details=OPERATION),
    Action.OPERATION_RETRIED: Fields(state=SUBJECT, details=OPERATION),
    Action.OPERATION_CANCELLED: Fields(state=SUBJECT, details=OPERATION),
    Action.SESSIONS_CUT: Fields(state=CUT, details={"sessions": list}),
    Action.CUT_LIFTED: Fields(state=CUT),
    Action.CREDENTIALS_REQUESTED: Fields(details=ISSUANCE),
    Action.CREDENTIALS_ISSUED: Fields(details=ISSUANCE),
    Action.CREDENTIALS_FAILED: Fields(details=ISSUANCE),
    Action.CREDENTIALS_REFUSED: Fields(details=ISSUANCE),
    Action.RECONCILE_PLANNED: Fields(details=RECONCILE),
    Action.RECONCILE_APPLIED: Fields(details=RECONCILE),
    Action.FOREIGN_SEEN: Fields(state=SUBJECT, details=RECONCILE),
    Action.DRIFT_SEEN: Fields(state=SUBJECT, details=RECONCILE),
    Action.STACK_CHANGING: Fields(details=STEP),
    Action.STACK_CHANGED: Fields(details=STEP),
}


def state(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """Take what an event tells of before or after; raises AuditFieldError."""
    return _checked(action, given, FIELDS[action].state)


def details(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """Take the circumstances an event tells; raises AuditFieldError."""
    return _checked(action, given, {**FIELDS[action].details, **OBSTACLE})


def storable_text(text: str, *, name: str, limit: int) -> str:
    """Give the text back unless PostgreSQL could not keep it whole; raises AuditFieldError.

    PostgreSQL knows no NUL, UTF-8 no lone surrogates, and an id cut short would name something else.
    """
    if len(text) > limit:
        raise AuditFieldError(f"{name} has {len(text)} characters; the trail keeps {limit}.")
    if "\0" in text or not _is_unicode(text):
        raise AuditFieldError(f"{name} holds a NUL character or half a surrogate pair; take it out first.")
    return str(text)


def label_text(text: str, *, limit: int) -> str:
    """Make a label fit: labels are for reading, the id beside it says what is meant."""
    readable = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    return readable[:limit]


def _checked(action: Action, given: Mapping[str, Any], allowed: FieldTypes) -> dict[str, Any]:
    return {name: _field(action, name, value, allowed) for name, value in given.items()}


def _field(action: Action, name: str, value: Any, allowed: FieldTypes) -> Any:
    if name not in allowed:
        raise AuditFieldError(f"{action} does not tell {name!r}; list it in core/services/audit_fields.py first.")
    wanted = allowed[name]
    if value is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        raise AuditFieldError(f"{name} of {action} must be {wanted.__name__}, not {type(value).__name__}.")
    return _storable(value, name=name, depth=MAX_DEPTH)


def _storable(value: Any, *, name: str, depth: int) -> Any:
    """Copy a value down to plain JSON types with one way to write each, which rules floats out."""
    match value:
        case None | bool():
            return value
        case int() if value in INT64:
            return int(value)
        case str():
            return storable_text(value, name=name, limit=MAX_TEXT)
        case list() if depth and len(value) <= MAX_ITEMS:
            return [_storable(item, name=name, depth=depth - 1) for item in value]
        case dict() if depth and len(value) <= MAX_ITEMS:
            return {_key(key, name): _storable(item, name=name, depth=depth - 1) for key, item in value.items()}
    raise AuditFieldError(
        f"{name} holds a {type(value).__name__} the trail cannot keep: give text, whole numbers of 64 bits, booleans,"
        f" None, or lists and objects of them with at most {MAX_ITEMS} items and {MAX_DEPTH} levels."
    )


def _key(key: Any, name: str) -> str:
    if not isinstance(key, str):
        raise AuditFieldError(f"{name} holds the key {key!r}; keys are text.")
    return storable_text(key, name=f"a key of {name}", limit=MAX_TEXT)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
