"""Locations, principals, grants, and everything that is known of them."""

from grants.models.access_key import AccessKey
from grants.models.access_request import AccessRequest
from grants.models.choices import Drift, Origin, Permission, State
from grants.models.cut import Cut
from grants.models.grant import Grant
from grants.models.issuance import Issuance
from grants.models.location import Location
from grants.models.operation import Operation
from grants.models.principal import Principal
from grants.models.reconcile_run import ReconcileRun, Sighting

__all__ = [
    "AccessKey",
    "AccessRequest",
    "Cut",
    "Drift",
    "Grant",
    "Issuance",
    "Location",
    "Operation",
    "Origin",
    "Permission",
    "Principal",
    "ReconcileRun",
    "Sighting",
    "State",
]
