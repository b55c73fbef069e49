"""S3: our evaluator decides, SeaweedFS keeps the objects and decides once more."""

from grants.sandbox.s3.service import S3Service

__all__ = ["S3Service"]
