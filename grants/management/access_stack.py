"""`access up`, `plan` and `destroy`."""

import json
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grants.management.desk import Desk
from grants.services import stack, stack_destroy, stack_print
from grants.services.stack_desired import Stack, desired
from grants.services.stack_steps import Step

PENDING = 3
COLUMNS = ("part", "resource", "status", "detail")


def add_arguments(subparsers: "_SubParsersAction[Any]") -> None:
    """Declare the three commands."""
    up = _with_bucket(subparsers.add_parser("up", help="make the stack of a bucket, or put it right"))
    up.add_argument("--print", action="store_true", dest="print_only", help="print policies and a checklist instead")
    up.add_argument("--to", type=Path, metavar="DIR", help="with --print: write them as files")
    up.set_defaults(handler=bring_up, needs_aws=True)
    plan = _with_bucket(subparsers.add_parser("plan", help="what `up` would do; exit code 3 when there is something"))
    plan.set_defaults(handler=show_plan, needs_aws=True)
    down = subparsers.add_parser("destroy", help="take the stack down; the bucket stays")
    down.add_argument("--of", dest="of_bucket", default="", metavar="NAME", help="the bucket (that of the h5ad store)")
    down.add_argument("--bucket", dest="confirm_bucket", default="", metavar="NAME", help="also delete it, when empty")
    down.add_argument("--revoke-grants", action="store_true", help="also revoke the grants that are there")
    down.set_defaults(handler=take_down, needs_aws=True)


def bring_up(desk: Desk, options: Mapping[str, Any]) -> int:
    """Make what is missing, telling each part."""
    wanted = desired(desk.aws, bucket=options["bucket"])
    if options["print_only"]:
        return _print(desk, wanted, options["to"])
    found = stack.plan(desk.aws, wanted)
    calls = _calls(found)
    if calls:
        desk.confirm(f"To make the stack of {wanted.bucket}:", calls)
    stack.up(aws=desk.aws, stack=wanted, actor=desk.actor, report=lambda step: _tell(desk, step))
    desk.show([_row(step) for step in stack.plan(desk.aws, wanted)], COLUMNS)
    return 0


def show_plan(desk: Desk, options: Mapping[str, Any]) -> int:
    """Show each part and the exact calls."""
    found = stack.plan(desk.aws, desired(desk.aws, bucket=options["bucket"]))
    if desk.output == "json":
        desk.show([{**_row(step), "calls": [str(call) for call in step.calls]} for step in found], COLUMNS)
    else:
        desk.show([_row(step) for step in found], COLUMNS)
        for call in _calls(found):
            desk.note(f"  {call}")
    return 0 if all(step.status == "ok" for step in found) else PENDING


def take_down(desk: Desk, options: Mapping[str, Any]) -> int:
    """Take away what is ours."""
    wanted = desired(desk.aws, bucket=options["of_bucket"])
    what = [f"the stack of {wanted.bucket}", *(["the bucket itself"] if options["confirm_bucket"] else [])]
    desk.confirm("To take down, as far as it is ours:", what)
    stack_destroy.destroy(
        aws=desk.aws,
        stack=wanted,
        actor=desk.actor,
        report=lambda step: _tell(desk, step),
        revoke_grants=options["revoke_grants"],
        confirm_bucket=options["confirm_bucket"],
    )
    return 0


def _with_bucket(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--bucket", default="", metavar="NAME", help="instead of the bucket of the h5ad store")
    return parser


def _print(desk: Desk, wanted: Stack, directory: Path | None) -> int:
    if directory is None:
        desk.stdout.write(stack_print.everything(wanted))
        return 0
    directory.mkdir(parents=True, exist_ok=True)
    for name, document in stack_print.documents(wanted).items():
        (directory / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (directory / "checklist.sh").write_text(stack_print.checklist(wanted) + "\n", encoding="utf-8")
    desk.note(f"Written to {directory}.")
    return 0


def _calls(found: list[Step]) -> list[str]:
    return [str(call) for step in found for call in step.calls] + [
        step.detail for step in found if step.part == stack.LOCATION and step.status == "missing"
    ]


def _tell(desk: Desk, step: Step) -> None:
    desk.note(f"{step.part} {step.resource}: {step.status}{f' ({step.detail})' if step.detail else ''}")


def _row(step: Step) -> dict[str, str]:
    return {"part": step.part, "resource": step.resource, "status": step.status, "detail": step.detail}
