"""The command line of the sandbox, shared by `python -m grants.sandbox` and `manage.py sandbox`."""

import argparse
import asyncio
import json
import re
import sys
from pathlib import Path

from cellenium_admin.embedded.ports import kept_ports
from grants.sandbox import seeds
from grants.sandbox.control_client import SandboxControl, SandboxControlError
from grants.sandbox.server import AlreadyRunningError, Server
from grants.sandbox.world import DEFAULT_ACCOUNT, DEFAULT_REGION

STATE = Path(".sandbox")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    parser.add_argument("--state", type=Path, default=STATE, metavar="DIR", help="where all is kept (default .sandbox)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: chosen once, then kept)")
    parser.add_argument(
        "--seed", choices=sorted(seeds.SEEDS), help="put something in: demo = bucket and users, events = and a queue"
    )
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, help=f"the account's number (default {DEFAULT_ACCOUNT})")
    parser.add_argument("--region", default=DEFAULT_REGION, help=f"the Region (default {DEFAULT_REGION})")
    parser.add_argument(
        "command", nargs="?", default="serve",
        choices=["serve", "clock", "knobs", "faults", "calls", "lifecycle", "reset"],
        help="serve (default), or ask or turn a sandbox that runs",
    )  # fmt: skip
    parser.add_argument(
        "values", nargs="*", default=[],
        help="clock: +2h, -30m, reset; knobs: list_lag=5 ...; faults: a JSON list, clear; calls: a service, clear",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run one command and give its exit code."""
    try:
        if options.command == "serve":
            return _serve(options)
        _show(_TURNS[options.command](SandboxControl.of(options.state), list(options.values)))
    except (SandboxControlError, AlreadyRunningError, ValueError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def _serve(options: argparse.Namespace) -> int:
    state = options.state.resolve()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = options.port or kept_ports(state / "ports.json", ["front"], twin_offset=0)["front"]
    server = Server(state, port, account=options.account, region=options.region)
    try:
        asyncio.run(server.run(lambda: _announce(server, state, options.seed)))
    finally:
        server.close()
    return 0


def _announce(server: Server, state: Path, seed: str | None) -> None:
    if seed:
        seeds.apply(seed, variables=server.variables, directory=state)
    print(f"A local AWS answers at {server.url} (S3, SQS, IAM, STS, S3 Access Grants).")
    print(f"Clients: . {state}/env; aws sts get-caller-identity")
    print("Ctrl-C ends it; what it holds is kept.", flush=True)


def _clock(control: SandboxControl, values: list[str]) -> object:
    if not values:
        return control.clock()
    if values == ["reset"]:
        return control.move_clock(0)
    return control.move_clock(float(control.clock()["offset_seconds"]) + sum(map(_seconds, values)))


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise ValueError(f"{text} is no span of time; write +2h, -30m, +10s or +1d")
    return float(found[1]) * _UNITS[found[2]]


def _knobs(control: SandboxControl, values: list[str]) -> object:
    pairs = [value.partition("=") for value in values]
    turned = {name: value == "true" if value in {"true", "false"} else float(value) for name, _, value in pairs}
    return control.set_knobs(**turned) if turned else control.knobs()


def _faults(control: SandboxControl, values: list[str]) -> object:
    if values == ["clear"]:
        control.clear_faults()
        return []
    read = [json.loads(value) for value in values]
    return control.faults([fault for found in read for fault in (found if isinstance(found, list) else [found])])


def _calls(control: SandboxControl, values: list[str]) -> object:
    if values == ["clear"]:
        control.clear_calls()
        return []
    return control.calls(*values)


def _lifecycle(control: SandboxControl, _values: list[str]) -> object:
    return control.run_lifecycle()


def _reset(control: SandboxControl, _values: list[str]) -> object:
    control.reset()
    return {"status": "empty"}


_TURNS = {
    "clock": _clock,
    "knobs": _knobs,
    "faults": _faults,
    "calls": _calls,
    "lifecycle": _lifecycle,
    "reset": _reset,
}


def _show(answer: object) -> None:
    print(json.dumps(answer, indent=1))
