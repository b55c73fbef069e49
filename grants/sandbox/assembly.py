"""Puts the parts of the sandbox together."""

from datetime import timedelta
from pathlib import Path

from grants.sandbox.access_grants import AccessGrantsService
from grants.sandbox.clock import Clock
from grants.sandbox.iam import IamService
from grants.sandbox.s3 import S3Service
from grants.sandbox.seaweed import SeaweedFS
from grants.sandbox.sessions import Sessions
from grants.sandbox.sqs import SqsService
from grants.sandbox.state import State
from grants.sandbox.sts import StsService
from grants.sandbox.world import DEFAULT_ACCOUNT, DEFAULT_REGION, World

SCHEMA = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);"


class Sandbox:
    """One AWS account in one Region, with all its services, kept in one directory."""

    def __init__(self, directory: Path, *, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> None:
        """Start SeaweedFS, load what is kept in `directory` and render it to SeaweedFS."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        services = (IamService, Sessions, AccessGrantsService, S3Service, SqsService)
        schemas = (SCHEMA, *(service.SCHEMA for service in services))
        state = State(directory / "sandbox.sqlite3", schemas)
        seaweed = SeaweedFS(directory / "seaweedfs", account=account)
        seaweed.start()
        self.world = World(
            directory=directory,
            state=state,
            clock=Clock(_offset(state)),
            seaweed=seaweed,
            account=account,
            region=region,
        )
        self.iam = IamService(self.world)
        self.sessions = Sessions(self.world, self.iam)
        self.sts = StsService(self.world, self.iam, self.sessions)
        self.access_grants = AccessGrantsService(self.world, self.iam, self.sessions)
        self.sqs = SqsService(self.world)
        self.s3 = S3Service(self.world, self.iam, self.sessions, self.sqs)
        self.push_all()

    def push_all(self) -> None:
        """Render users, roles and bucket policies to SeaweedFS, which may have forgotten some."""
        self.iam.push_all()
        self.s3.push_all()

    def move_clock(self, offset: timedelta) -> None:
        """Set how far AWS's time is from the machine's; kept over restarts."""
        seconds = str(offset.total_seconds())
        self.world.state.run("INSERT OR REPLACE INTO settings (name, value) VALUES ('clock_offset', ?)", [seconds])
        self.world.clock.move(offset)

    def reset(self) -> None:
        """Empty the account: buckets first, for deleting them needs nothing else."""
        self.s3.reset()
        self.sqs.reset()
        self.access_grants.reset()
        self.sessions.reset()
        self.iam.reset()
        self.move_clock(timedelta(0))

    def close(self) -> None:
        """Stop SeaweedFS and close the file."""
        self.world.seaweed.stop()
        self.world.state.close()


def _offset(state: State) -> timedelta:
    row = state.one("SELECT value FROM settings WHERE name = 'clock_offset'")
    return timedelta(seconds=float(row["value"])) if row else timedelta(0)
