"""S3 Access Grants: who may ask for which data, and sessions limited to it."""

from grants.sandbox.access_grants.service import AccessGrantsService

__all__ = ["AccessGrantsService"]
