"""The account's entities in SQLite: one row, rewritten whole after each change."""

import pickle
from datetime import datetime

import moto
from moto.core.model_instances import reset_model_data

from grants.sandbox.iam.account import Account
from grants.sandbox.state import State

PARTITION = "aws"
_FORMAT = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS iam_snapshot (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    format INTEGER NOT NULL,
    moto TEXT NOT NULL,
    account TEXT NOT NULL,
    entities BLOB NOT NULL
);
"""


class SnapshotError(RuntimeError):
    """The state was written by another version, or for another account."""


class Snapshots:
    """Loads and keeps an account; what was kept survives `kill -9`."""

    def __init__(self, state: State, account: str) -> None:
        """Keep the account of this number in the sandbox's file."""
        self._state, self._account = state, account

    def load(self, now: datetime) -> Account:
        """Give the account as it was kept last, or one made `now`; SnapshotError when another version wrote it."""
        reset_model_data()  # moto keeps a list of everything ever made, which the entities of before are still in
        row = self._state.one("SELECT * FROM iam_snapshot")
        if row is None:
            return self._kept(Account(PARTITION, self._account, now))
        written, expected = (row["format"], row["moto"]), (_FORMAT, moto.__version__)
        if written != expected or row["account"] != self._account:
            raise SnapshotError(
                f"The sandbox's users were kept by moto {row['moto']} (format {row['format']}) for account "
                f"{row['account']}; this is moto {moto.__version__} (format {_FORMAT}) for account {self._account}. "
                "Start with an empty state directory, or with the version that wrote this one."
            )
        account = pickle.loads(row["entities"])  # noqa: S301  our own file, readable and writable by its owner alone
        assert isinstance(account, Account)  # noqa: S101  for the type checker: nothing else is ever written there
        return account

    def _kept(self, account: Account) -> Account:
        self.keep(account)
        return account

    def keep(self, account: Account) -> None:
        """Write the account in one statement, so that a crash leaves the old one or the new one."""
        self._state.run(
            "INSERT OR REPLACE INTO iam_snapshot VALUES (1, ?, ?, ?, ?)",
            (_FORMAT, moto.__version__, self._account, pickle.dumps(account, protocol=pickle.HIGHEST_PROTOCOL)),
        )
