"""Lists that lag behind: the knob `list_lag`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from grants.sandbox.iam.desk import Desk


def visible(desk: Desk, created: datetime) -> bool:
    """Tell whether lists show by now what was created then."""
    return created <= desk.now() - desk.world.knobs.list_lag


def with_ghosts(desk: Desk, kind: str, shown: Iterable[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Add the deleted users or roles that lists still show, by the member `name` that no two may share."""
    listed = {shape[name]: shape for shape in shown}
    shown_until = desk.now() - desk.world.knobs.list_lag
    for gone in desk.account.gone:
        if gone.kind == kind and gone.deleted > shown_until >= gone.created:
            listed.setdefault(gone.shape[name], dict(gone.shape))
    return list(listed.values())
