"""Queues of SQS and their attributes by boto3; messages are read elsewhere."""

from collections.abc import Mapping

from grants.aws.calls import Caller
from grants.aws.gateway import ObservedQueue, Receipt


class Boto3Queues:
    """Queues of one Region, of our own account."""

    def __init__(self, caller: Caller) -> None:
        """Speak through a client of SQS."""
        self._caller = caller

    def queue(self, name: str) -> ObservedQueue | None:
        """Give a queue with all its attributes, or None when there is none."""
        where = self._caller.ask_or_none("get_queue_url", QueueName=name)
        if where is None:
            return None
        url = where["QueueUrl"]
        found = self._caller.ask_or_none("get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
        if found is None:
            return None
        attributes = found["Attributes"]
        return ObservedQueue(name=name, url=url, arn=attributes["QueueArn"], attributes=attributes)

    def tags(self, url: str) -> dict[str, str]:
        """Give the tags of a queue."""
        return dict(self._caller.ask("list_queue_tags", QueueUrl=url).get("Tags") or {})

    def create(self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]) -> Receipt:
        """Make a queue; AWS takes the same call again as long as the attributes are the same."""
        wish = {"Attributes": dict(attributes), "tags": dict(tags)}
        return self._caller.change("create_queue", QueueName=name, **wish)[1]

    def change(self, url: str, attributes: Mapping[str, str]) -> Receipt:
        """Set some attributes; the others stay. It takes AWS up to a minute to heed them everywhere."""
        return self._caller.change("set_queue_attributes", QueueUrl=url, Attributes=dict(attributes))[1]

    def delete(self, url: str) -> Receipt:
        """Delete a queue with its messages; AWS wants a minute to pass before another of this name is made."""
        return self._caller.change("delete_queue", QueueUrl=url)[1]
