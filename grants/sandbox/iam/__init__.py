"""The sandbox's IAM: moto keeps the entities, this package adds AWS's rules, authorization and a memory."""

from grants.sandbox.iam.service import IamService
from grants.sandbox.iam.views import KeyView, RoleView

__all__ = ["IamService", "KeyView", "RoleView"]
