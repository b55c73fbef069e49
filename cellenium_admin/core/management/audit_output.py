"""How `audit` says what it found, for people and for programs."""

import json
from collections.abc import Iterator
from typing import Any

from cellenium_admin.core.models import AuditEvent
from cellenium_admin.core.services.audit_chain import Verdict
from cellenium_admin.core.services.audit_diagnosis import Breach
from cellenium_admin.core.services.audit_verification import Report


def verdict_line(verdict: Verdict) -> str:
    """Say how the chain was found."""
    if verdict.breach is None:
        return f"audit verify: ok ({verdict.events} events)"
    return _breach_line(verdict.breach)


def verdict_json(verdict: Verdict) -> str:
    """Say the same to a program."""
    return json.dumps(_verdict(verdict, [verdict.breach] if verdict.breach else []))


def report_lines(report: Report) -> Iterator[str]:
    """Say how the chain was found beside its checkpoints, one line for each thing that is wrong."""
    if not report.breaches:
        yield f"audit verify: ok ({report.verdict.events} events, {report.checkpoints} checkpoints)"
    yield from (_printable(_breach_line(breach)) for breach in report.breaches)


def report_json(report: Report) -> str:
    """Say the same to a program."""
    more = {"checkpoints": report.checkpoints, "breaches": [_breach(breach) for breach in report.breaches]}
    return json.dumps({**_verdict(report.verdict, list(report.breaches)), **more})


def event_line(event: AuditEvent) -> str:
    """Show an event in one line."""
    parts = [
        f"#{event.seq}",
        event.at.strftime("%Y-%m-%d %H:%M:%SZ"),
        event.action if event.outcome == "ok" else f"{event.action} ({event.outcome})",
        f"by {event.actor_label}",
        f"for {event.on_behalf_of}" if event.on_behalf_of else "",
        f"on {event.object_type} {event.object_label}" if event.object_type else "",
        f'because "{event.reason}"' if event.reason else "",
    ]
    return _printable("  ".join(part for part in parts if part))


def _breach_line(breach: Breach) -> str:
    return f"audit verify: FAILED at seq {breach.seq}: {breach.kind}: {breach.explanation}"


def _verdict(verdict: Verdict, breaches: list[Breach]) -> dict[str, Any]:
    if breaches:
        return {"ok": False, **_breach(breaches[0])}
    return {"ok": True, "events": verdict.events, "hash": verdict.hash.hex()}


def _breach(breach: Breach) -> dict[str, Any]:
    return {"seq": breach.seq, "kind": breach.kind, "explanation": breach.explanation}


def _printable(text: str) -> str:
    """Write control characters out, so that a label cannot steer the terminal of whoever reads the trail."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
