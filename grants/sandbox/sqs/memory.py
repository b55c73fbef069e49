"""The queues and messages in SQLite: each change is there before its answer is given.

Which messages are in flight is not: after a restart all that were not deleted can be received again.
"""

import json
import pickle
from collections.abc import Iterable

from moto.sqs.models import Message, Queue, SQSBackend

from grants.sandbox.sqs.attributes import SETTABLE
from grants.sandbox.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS sqs_queues (
    name TEXT PRIMARY KEY, created REAL NOT NULL, modified REAL NOT NULL, attributes TEXT NOT NULL, tags TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sqs_messages (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, message BLOB NOT NULL,
    queue TEXT NOT NULL REFERENCES sqs_queues ON DELETE CASCADE
);
"""


class Memory:
    """Loads and keeps queues and messages."""

    def __init__(self, state: State) -> None:
        """Keep them in the sandbox's file."""
        self._state = state

    def load(self, backend: SQSBackend) -> None:
        """Fill an empty backend with what was kept; whose dead letters go where is found out later."""
        for row in self._state.all("SELECT * FROM sqs_queues"):
            given = json.loads(row["attributes"])
            redrive = given.pop("RedrivePolicy", None)
            queue = backend.create_queue(row["name"], json.loads(row["tags"]), **given)
            queue.redrive_policy = json.loads(redrive) if redrive else None
            queue.created_timestamp, queue.last_modified_timestamp = row["created"], row["modified"]
            kept = self._state.all("SELECT message FROM sqs_messages WHERE queue = ? ORDER BY position", [row["name"]])
            for found in kept:
                queue.add_message(_message(found["message"]))

    def keep_queue(self, queue: Queue) -> None:
        """Keep a queue's attributes and tags."""
        known = queue.attributes
        attributes = {name: known[name] for name in SETTABLE if known.get(name) is not None}
        made, changed = queue.created_timestamp, queue.last_modified_timestamp
        self._state.run(
            "INSERT INTO sqs_queues (name, created, modified, attributes, tags) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET modified = excluded.modified, attributes = excluded.attributes, "
            "tags = excluded.tags",
            [queue.name, made, changed, json.dumps(attributes), json.dumps(queue.tags)],
        )

    def delete_queue(self, name: str) -> None:
        """Forget a queue with its messages."""
        self._state.run("DELETE FROM sqs_queues WHERE name = ?", [name])

    def keep_messages(self, queue: Queue, messages: Iterable[Message]) -> None:
        """Keep messages that came to a queue, sent or from the queue they were received from too often."""
        last = self._state.one("SELECT max(position) AS position FROM sqs_messages")
        position = (last["position"] if last else None) or 0
        rows = [
            (message.id, position + number, pickle.dumps(vars(message)), queue.name)
            for number, message in enumerate(messages, 1)
        ]
        self._state.many("INSERT OR REPLACE INTO sqs_messages VALUES (?, ?, ?, ?)", rows)

    def delete_messages(self, ids: Iterable[str]) -> None:
        """Forget messages."""
        self._state.many("DELETE FROM sqs_messages WHERE id = ?", [[number] for number in ids])

    def forget_all(self) -> None:
        """Forget every queue."""
        self._state.run("DELETE FROM sqs_queues")


def _message(kept: bytes) -> Message:
    """Give a message that nobody has in hand."""
    fields = pickle.loads(kept)  # noqa: S301  our own file, readable and writable by its owner alone
    message = Message(fields["id"], fields["body"])
    message.__dict__.update(fields)
    message.visible_at = 0.0
    return message
