"""`access explain`: who can reach a key and how, what somebody can reach, what a grant would add."""

from argparse import _SubParsersAction
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError
from grants.management import access_finding as find
from grants.management.desk import Desk
from grants.models import Permission, Principal
from grants.reach import Reach
from grants.services import explain

COLUMNS = ("who", "way", "scope", "may", "because", "expires", "but")
QUESTIONS = ("key", "principal", "user", "what_if")


def add_arguments(subparsers: "_SubParsersAction[Any]") -> None:
    """Declare `explain`."""
    parser = subparsers.add_parser("explain", help="who reaches a key, what somebody reaches, what a grant adds")
    parser.add_argument("key", metavar="s3://BUCKET/KEY", nargs="?", help="a key, or a prefix that ends in *")
    parser.add_argument("--principal", metavar="ARN_OR_NAME", help="what this IAM user or role can reach")
    parser.add_argument("--user", metavar="EMAIL", help="what the principals of this account can reach")
    parser.add_argument(
        "--what-if", nargs=3, metavar=("PRINCIPAL", "LOCATION", "PREFIX"), help="what this grant would add"
    )
    parser.add_argument("--permission", choices=Permission.values, default=Permission.READ, help="of --what-if")
    parser.set_defaults(handler=answer, needs_aws=True)


def answer(desk: Desk, options: Mapping[str, Any]) -> int:
    """Answer one question."""
    if sum(bool(options[name]) for name in QUESTIONS) != 1:
        raise InvalidInputError("Ask one question: s3://bucket/key, --principal, --user or --what-if.")
    if options["what_if"]:
        return _what_if(desk, options)
    answers = _answers(desk, options)
    desk.show([_whole(one) if desk.output == "json" else _row(one) for one in answers], COLUMNS)
    return 0


def _answers(desk: Desk, options: Mapping[str, Any]) -> list[Reach]:
    if options["key"]:
        return explain.who_can_reach(key_uri=options["key"], aws=desk.aws)
    if options["user"]:
        return explain.reach_of_user(user=find.user(options["user"]), aws=desk.aws)
    return explain.reach_of(principal=_principal(options["principal"]), aws=desk.aws)


def _principal(text: str) -> Principal | str:
    """Give the row, or the text as it is for an identity that only AWS knows."""
    try:
        return find.principal(text)
    except NotFoundError:
        return text


def _what_if(desk: Desk, options: Mapping[str, Any]) -> int:
    principal, location, prefix = options["what_if"]
    found = explain.what_if(
        location=find.location(location),
        principal=find.principal(principal),
        sub_prefix=prefix,
        permission=options["permission"],
        aws=desk.aws,
    )
    if desk.output == "json":
        desk.show_one(asdict(found))
        return 0
    overlaps = [f"{one.relation}: {one.permission} on {one.scope} ({one.grant_id})" for one in found.overlaps]
    desk.show_one(
        {
            "who": found.principal_arn,
            "grant": f"{found.permission} on {found.scope}",
            "adds": _short(found.adds) or "nothing",
            "has already": _short(found.already) or "nothing",
            "overlaps": "; ".join(overlaps),
            "sessions": "; ".join(found.rules),
            "but": _but(found.needs, found.doubts, found.notes),
        }
    )
    return 0


def _whole(one: Reach) -> dict[str, Any]:
    return asdict(one) | {"expires_at": one.expires_at and one.expires_at.isoformat(), "reaches": one.reaches}


def _row(one: Reach) -> dict[str, Any]:
    via = "".join(f" as {arn}" for arn in one.via)
    person = f" ({one.linked_user})" if one.linked_user else ""
    return {
        "who": f"{one.principal_arn}{person}{via}",
        "way": one.way,
        "scope": one.scope,
        "may": _short(one.actions, one.list_prefix) or "nothing",
        "because": one.because,
        "expires": one.expires_at and one.expires_at.isoformat(timespec="minutes"),
        "but": _but(one.needs, one.doubts, one.notes),
    }


def _short(actions: tuple[str, ...], prefix: str | None = None) -> str:
    names = [action.removeprefix("s3:") for action in actions]
    return ", ".join(f"{name} (prefix {prefix})" if name == "ListBucket" and prefix else name for name in names)


def _but(needs: tuple[str, ...], doubts: tuple[str, ...], notes: tuple[str, ...]) -> str:
    told = (("needs ", needs), ("not certain: ", doubts), ("", notes))
    return "; ".join(f"{word}{text}" for word, texts in told for text in texts)
