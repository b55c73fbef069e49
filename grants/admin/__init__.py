"""Admin pages of access grants."""

from grants.admin.access_request import AccessRequestAdmin
from grants.admin.cut import CutAdmin
from grants.admin.grant import GrantAdmin
from grants.admin.issuance import IssuanceAdmin
from grants.admin.location import LocationAdmin
from grants.admin.operation import OperationAdmin
from grants.admin.principal import PrincipalAdmin
from grants.admin.reconcile import ReconcileRunAdmin

__all__ = [
    "AccessRequestAdmin",
    "CutAdmin",
    "GrantAdmin",
    "IssuanceAdmin",
    "LocationAdmin",
    "OperationAdmin",
    "PrincipalAdmin",
    "ReconcileRunAdmin",
]
