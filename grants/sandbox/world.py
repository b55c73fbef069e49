"""What all parts of the sandbox share."""

from dataclasses import dataclass, field
from pathlib import Path

from grants.sandbox.clock import Clock
from grants.sandbox.knobs import Knobs
from grants.sandbox.seaweed import SeaweedFS
from grants.sandbox.state import State

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-central-1"


@dataclass(slots=True)
class World:
    """One AWS account in one Region: its clock, its memory, its knobs and the server that keeps the objects."""

    directory: Path
    state: State
    clock: Clock
    seaweed: SeaweedFS
    knobs: Knobs = field(default_factory=Knobs)
    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
