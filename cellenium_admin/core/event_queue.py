"""The queue to which the bucket tells of new objects: read, and forgotten only once what it says is kept.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ways-to-add-notification-config-to-bucket.html
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cellenium_admin.core import aws
from cellenium_admin.core.exceptions import UnavailableError

MOST_MESSAGES, LONGEST_WAIT = 10, 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the queue delivered it; `receipt` takes it out of the queue."""

    id: str
    receipt: str
    body: str


class EventQueue:
    """An SQS queue by its address; messages come at least once, in any order."""

    def __init__(self, url: str) -> None:
        """Open it for one piece of work."""
        self._url = url
        self._client = aws.client("sqs")

    def receive(self, *, wait_seconds: int = 0) -> list[Message]:
        """Give up to ten messages, waiting up to 20 s for the first. Raises UnavailableError."""
        with self._answering():
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=MOST_MESSAGES, WaitTimeSeconds=min(wait_seconds, LONGEST_WAIT)
            )
        return [Message(one["MessageId"], one["ReceiptHandle"], one["Body"]) for one in answer.get("Messages", ())]

    def delete(self, messages: Sequence[Message]) -> None:
        """Take messages out of the queue; one that stays comes again. Raises UnavailableError."""
        entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(messages)]
        if entries:
            with self._answering():
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise UnavailableError(f"The queue {self._url} cannot be used: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError(f"The queue {self._url} does not answer: {error}") from error
