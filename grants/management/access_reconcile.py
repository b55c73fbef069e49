"""`access reconcile` and `access adopt`."""

from argparse import _SubParsersAction
from collections.abc import Mapping
from typing import Any

from grants.management import access_finding as find
from grants.management.desk import FAILED, Desk
from grants.models import ReconcileRun
from grants.services import adoption, reconcile

PENDING = 3
COLUMNS = ("kind", "subject", "remedy", "repair", "when")


def add_arguments(subparsers: "_SubParsersAction[Any]") -> None:
    """Declare both commands."""
    parser = subparsers.add_parser(
        "reconcile", help="compare AWS with the database: a plan, exit code 3 when there is something to do"
    )
    parser.add_argument("--apply", metavar="HASH", nargs="?", const="", help="carry the plan out; with a hash, only it")
    parser.set_defaults(handler=run, needs_aws=True)
    adopt = subparsers.add_parser("adopt", help="take over what is in AWS already; nothing there changes")
    adopt.add_argument("--all", action="store_true", help="everything that is foreign")
    adopt.add_argument("--grant", action="append", default=[], metavar="ID", help="with its location and principal")
    adopt.add_argument("--location", action="append", default=[], metavar="LOCATION")
    adopt.add_argument("--user", action="append", default=[], metavar="NAME")
    adopt.add_argument("--reason", default="by command")
    adopt.set_defaults(handler=take_over, needs_aws=True)


def run(desk: Desk, options: Mapping[str, Any]) -> int:
    """Compare, and carry the plan out when asked to."""
    found = reconcile.plan(aws=desk.aws, actor=desk.actor)
    if options["apply"] is None:
        _show(desk, found)
        return PENDING if _doable(found) else 0
    calls = [call for entry in _doable(found) for call in entry["repair"]["calls"]]
    if not calls:
        _show(desk, found)
        return 0
    desk.confirm(f"To carry out the plan {found.plan_hash}:", calls)
    done = reconcile.apply(expected_hash=options["apply"] or found.plan_hash, aws=desk.aws, actor=desk.actor)
    desk.note(f"operations: {done.seen.get('operations')}")
    return 0 if set(done.seen.get("operations", {})) <= {"succeeded"} else FAILED


def take_over(desk: Desk, options: Mapping[str, Any]) -> int:
    """Read AWS, so that all of it is known, then adopt."""
    reconcile.plan(aws=desk.aws, actor=desk.actor)
    if options["all"]:
        counts = adoption.adopt_all(actor=desk.actor, reason=options["reason"])
    else:
        counts = adoption.adopt(
            actor=desk.actor,
            grants=[find.grant(text) for text in options["grant"]],
            locations=[find.location(text) for text in options["location"]],
            principals=[find.principal(text) for text in options["user"]],
            reason=options["reason"],
        )
    desk.show_one(counts)
    return 0


def _show(desk: Desk, found: ReconcileRun) -> None:
    if desk.output == "json":
        desk.show_one(
            {"hash": found.plan_hash, "counts": found.counts, "obstacles": found.obstacles, "plan": found.plan}
        )
        return
    rows = [
        {
            **entry,
            "repair": "; ".join(entry["repair"]["calls"]) if entry["repair"] else "",
            "when": ("seen once, waits" if entry["waits"] else "by --apply") if entry["repair"] else "by a person",
        }
        for entry in found.plan
    ]
    if rows:
        desk.show(rows, COLUMNS)
    seen = ", ".join(f"{number} {name}" for name, number in found.seen.items())
    desk.note(f"AWS has {seen}; {len(rows)} differences; plan {found.plan_hash}")
    for obstacle in found.obstacles:
        desk.note(f"Not applied as it is: {obstacle}")


def _doable(found: ReconcileRun) -> list[dict[str, Any]]:
    return [entry for entry in found.plan if entry["repair"] and not entry["waits"]]
