"""How we know our own things in AWS again: a path for IAM, and two tags on everything."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings

PATH = "/cellenium-admin/"
DEPLOYMENT_TAG = "cellenium-admin:deployment"
OPERATION_TAG = "cellenium-admin:operation"


def tags(operation_id: UUID | str) -> dict[str, str]:
    """Give the tags of what an operation makes."""
    return {DEPLOYMENT_TAG: settings.DEPLOYMENT, OPERATION_TAG: str(operation_id)}


def is_ours(found: Mapping[str, str]) -> bool:
    """Tell whether these tags are of this deployment; another one in the same account is somebody else."""
    return found.get(DEPLOYMENT_TAG) == str(settings.DEPLOYMENT)


def made_by(found: Mapping[str, str], operation_id: UUID | str) -> bool:
    """Tell whether this very operation has made what bears these tags."""
    return is_ours(found) and found.get(OPERATION_TAG) == str(operation_id)
