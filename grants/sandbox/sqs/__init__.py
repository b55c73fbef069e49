"""SQS: moto keeps the queues in memory, our evaluator decides, SQLite remembers."""

from grants.sandbox.sqs.service import SqsService

__all__ = ["SqsService"]
