"""Admin pages of the shared kernel."""

from cellenium_admin.core.admin.audit import AuditEventAdmin
from cellenium_admin.core.admin.audit_checkpoint import AuditCheckpointAdmin
from cellenium_admin.core.admin.job import JobAdmin
from cellenium_admin.core.admin.user import UserAdmin

__all__ = ["AuditCheckpointAdmin", "AuditEventAdmin", "JobAdmin", "UserAdmin"]
