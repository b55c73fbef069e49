"""The sandbox's own interface under /_sandbox: its clock, its knobs, its faults and its log of calls."""

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web

from grants.sandbox.assembly import Sandbox
from grants.sandbox.call_log import CallLog
from grants.sandbox.errors import AwsError
from grants.sandbox.faults import FaultPlan
from grants.sandbox.knobs import Knobs

PREFIX = "/_sandbox/"
FARTHEST = timedelta(days=36_500)
MOST_COPIES = 100
_SWITCHES = {"secure_transport", "event_disorder"}
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105

Answer = dict[str, Any] | list[dict[str, Any]]


class Control:
    """Answers `/_sandbox/...`; whoever has the token of `control.json` may turn everything."""

    def __init__(self, sandbox: Sandbox, faults: FaultPlan, calls: CallLog, token: str) -> None:
        """Turn the parts of `sandbox`."""
        self._sandbox, self._faults, self._calls, self._token = sandbox, faults, calls, token
        self._routes: dict[tuple[str, str], Callable[[Any, Any], Answer]] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._clock,
            ("PUT", "clock"): self._move_clock,
            ("GET", "knobs"): self._knobs,
            ("PUT", "knobs"): self._turn,
            ("GET", "faults"): lambda _body, _query: self._faults.listed(),
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "calls"): lambda _body, query: self._calls.listed(query.get("service"), query.get("operation")),
            ("DELETE", "calls"): self._clear_calls,
            ("POST", "lifecycle"): lambda _body, _query: self._sandbox.s3.run_lifecycle(),
            ("POST", "reset"): self._reset,
        }

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer one request in JSON."""
        given = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return _error(HTTPStatus.FORBIDDEN, f"Send the token of control.json in the header {TOKEN_HEADER}.")
        route = self._routes.get((request.method, path.removeprefix(PREFIX).rstrip("/")))
        if route is None:
            known = ", ".join(sorted(f"{method} {PREFIX}{name}" for method, name in self._routes))
            return _error(HTTPStatus.NOT_FOUND, f"There is no {request.method} {path}; there is {known}.")
        try:
            text = await request.text()
            return web.json_response(route(json.loads(text) if text else None, request.query))
        except AwsError as error:
            return _error(HTTPStatus.BAD_REQUEST, error.message)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            return _error(HTTPStatus.BAD_REQUEST, f"The body is not what {path} takes: {error}")

    def _health(self, _body: Any, _query: Any) -> Answer:
        world = self._sandbox.world
        return {"status": "ok", "account": world.account, "region": world.region, "seaweedfs": world.seaweed.alive}

    def _clock(self, _body: Any, _query: Any) -> Answer:
        clock = self._sandbox.world.clock
        return {"now": clock.now().isoformat(), "offset_seconds": clock.offset.total_seconds()}

    def _move_clock(self, body: Any, query: Any) -> Answer:
        offset = timedelta(seconds=float(body["offset_seconds"]))
        if abs(offset) > FARTHEST:
            raise AwsError("ValidationError", f"The clock moves by {FARTHEST.days} days at most.")
        self._sandbox.move_clock(offset)
        return self._clock(body, query)

    def _knobs(self, _body: Any, _query: Any) -> Answer:
        return {
            name: value.total_seconds() if isinstance(value, timedelta) else value
            for name, value in asdict(self._sandbox.world.knobs).items()
        }

    def _turn(self, body: Any, query: Any) -> Answer:
        knobs = self._sandbox.world.knobs
        known = {field.name for field in fields(Knobs)}
        unknown = sorted(set(body) - known)
        if unknown:
            raise AwsError("ValidationError", f"There is no knob {unknown[0]}; there are {', '.join(sorted(known))}.")
        turned = {name: _read(name, value) for name, value in body.items()}
        for name, value in turned.items():
            setattr(knobs, name, value)
        return self._knobs(body, query)

    def _add_faults(self, body: Any, _query: Any) -> Answer:
        self._faults.add([body] if isinstance(body, dict) else body)
        return self._faults.listed()

    def _clear_faults(self, _body: Any, _query: Any) -> Answer:
        self._faults.clear()
        return []

    def _clear_calls(self, _body: Any, _query: Any) -> Answer:
        self._calls.clear()
        return []

    def _reset(self, _body: Any, _query: Any) -> Answer:
        self._faults.clear()
        self._calls.clear()
        self._sandbox.world.knobs = Knobs()
        self._sandbox.reset()
        return {"status": "empty"}


def _read(name: str, value: Any) -> timedelta | bool | int:
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise AwsError("ValidationError", f"{name} is true or false.")
        return value
    if name == "event_copies":
        if isinstance(value, bool) or value != int(value) or not 0 <= value <= MOST_COPIES:
            raise AwsError("ValidationError", f"event_copies is a whole number from 0 to {MOST_COPIES}.")
        return int(value)
    lag = timedelta(seconds=float(value))
    if not timedelta(0) <= lag <= FARTHEST:
        raise AwsError("ValidationError", f"{name} is a number of seconds from 0 to {FARTHEST.days} days.")
    return lag


def _error(status: HTTPStatus, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
