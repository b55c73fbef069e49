"""Rows of the shared kernel."""

from cellenium_admin.core.models.api_token import ApiToken, TokenScope
from cellenium_admin.core.models.audit_checkpoint import AuditCheckpoint
from cellenium_admin.core.models.audit_event import Action, AuditEvent, Outcome
from cellenium_admin.core.models.audit_head import AuditHead
from cellenium_admin.core.models.audit_pending import AuditPending
from cellenium_admin.core.models.idempotency_key import IdempotencyKey
from cellenium_admin.core.models.job import Job
from cellenium_admin.core.models.job_event import JobEvent
from cellenium_admin.core.models.user import SystemRole, User

__all__ = [
    "Action",
    "ApiToken",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditHead",
    "AuditPending",
    "IdempotencyKey",
    "Job",
    "JobEvent",
    "Outcome",
    "SystemRole",
    "TokenScope",
    "User",
]
