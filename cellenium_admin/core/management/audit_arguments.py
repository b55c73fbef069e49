"""The arguments of `audit`, one parser for each action."""

from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from cellenium_admin.core.models import Action
from cellenium_admin.core.services.audit_export import FORMATS


def declare(actions: Any) -> None:
    """Add every action to the subparsers of the command."""
    _declare_verify(
        actions.add_parser("verify", help="recompute every hash; exit with 1 at the first row that is wrong")
    )
    tailing = actions.add_parser("tail", help="print the newest events, the newest last")
    tailing.add_argument("--limit", type=int, default=20, metavar="N", help="how many (20)")
    actions.add_parser("checkpoint", help="sign the newest event now and write that to CELLENIUM_CHECKPOINT_TARGET")
    making = actions.add_parser("keygen", help="make a key pair for checkpoints: PATH and PATH.pub")
    making.add_argument("path", type=Path, metavar="PATH", help="where the private key is to lie")
    rotating = actions.add_parser("rotate-key", help="hand over to another key, by a checkpoint signed by both")
    rotating.add_argument("path", type=Path, metavar="NEW", help="the private key that signs from then on")
    _declare_export(actions.add_parser("export", help="copy events into a file; the trail tells of it"))


def _declare_verify(parser: Any) -> None:
    parser.add_argument(
        "--from", dest="start", type=int, default=1, metavar="N", help="begin at event N and trust those before it"
    )
    parser.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="PLACE",
        help="compare with a checkpoint, or with all in a directory or s3://bucket/prefix/; may be given several times",
    )
    parser.add_argument(
        "--public-key",
        action="append",
        default=[],
        metavar="FILE",
        help="a key to trust, several times if need be (CELLENIUM_CHECKPOINT_PUBLIC_KEY_FILES)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _declare_export(parser: Any) -> None:
    parser.add_argument("--format", dest="form", choices=FORMATS, default="ndjson", help="ndjson can be verified")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a manifest goes beside it")
    parser.add_argument("--force", action="store_true", help="replace FILE and its manifest")
    parser.add_argument("--reason", default="", metavar="TEXT", help="what it is for; kept in the trail")
    parser.add_argument("--from", dest="first", type=int, metavar="N", help="the first event")
    parser.add_argument("--to", dest="last", type=int, metavar="N", help="the last event")
    parser.add_argument(
        "--since", type=_time, metavar="TIME", help="ISO 8601 with an offset, such as 2026-05-01T00:00Z"
    )
    parser.add_argument("--until", type=_time, metavar="TIME", help="up to but without this moment")
    parser.add_argument("--actor", default="", metavar="WHO", help="id or label of whoever did it")
    parser.add_argument("--action", dest="actions", action="append", choices=Action.values, metavar="ACTION")
    parser.add_argument("--object-type", default="", metavar="TYPE")
    parser.add_argument("--object-id", default="", metavar="ID")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time in ISO 8601") from None
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no offset: add Z for UTC")
    return found
