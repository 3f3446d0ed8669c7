"""The machine-readable form of a verdict; `docs/schema.md` explains it and `verdict.schema.json` holds it."""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ..model import Failure, Reply
from ..verdict import Verdict
from .audit_json import finding_dict

SCHEMA = "fivefifty/verdict/1"  # the number changes when a field changes its meaning or goes; new fields do not change it
_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode  # made once: json.dumps makes one each time
_FROM_FAILURE = (
    "final_recipient", "original_recipient", "action", "stage", "status", "reply_code", "diagnostic_code", "phase", "reporting_mta",
    "remote_mta", "remote_ip", "sending_ip", "helo_name", "envelope_sender", "author_domain", "message_id", "subject", "arrival_date",
    "last_attempt_date", "report_date",
)
_FROM_VERDICT = ("provider", "cause", "owner", "standing", "decide", "permanent", "suppress", "retry", "rule")


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """One verdict as plain values, in the order of the documentation.  Empty text means: the bounce does not say."""
    failure = verdict.failure
    made: dict[str, Any] = {"schema": SCHEMA, "source": verdict.source, "index": verdict.index, "kind": verdict.kind}
    made.update((name, getattr(failure, name)) for name in _FROM_FAILURE)
    made.update((name, getattr(verdict, name)) for name in _FROM_VERDICT)
    made["alternatives"] = list(verdict.alternatives)
    made["because"] = list(verdict.because)
    made["seen"] = dict(failure.seen)
    made["layers"] = _layers(failure)
    made["dispute"] = verdict.dispute
    made["findings"] = [finding_dict(finding) for finding in verdict.findings]
    made["fix"] = _fix(verdict)
    made["notes"] = list(failure.notes)
    return made


def no_bounce(source: str, notes: Iterable[str] = ()) -> Verdict:
    """The verdict on an ordinary mail: there is nothing to explain."""
    failure = Failure(kind="not_a_bounce", notes=tuple(notes))
    return Verdict(failure, "not_a_bounce", "", "", "", source=source)


def line(verdict: Verdict, **more: Any) -> str:
    """One verdict as one line of JSON.  ASCII only, so that no terminal or pipe can stumble over what a stranger wrote."""
    return _ENCODE(as_dict(verdict) | more)


def _layers(failure: Failure) -> list[dict[str, Any]]:
    names = ("text", "reply_code", "status", "phase", "remote_mta", "remote_ip", "wrapper")
    return [{name: getattr(layer, name) for name in names} for layer in failure.layers]


def failure_dict(failure: Failure) -> dict[str, Any]:
    """A Failure whole, so that a saved report can be judged again."""
    made = {one.name: getattr(failure, one.name) for one in fields(failure)}
    return made | {"layers": _layers(failure), "seen": dict(failure.seen), "notes": list(failure.notes)}


def failure_from(saved: Mapping[str, Any]) -> Failure:
    """The Failure that was saved."""
    layers = tuple(Reply(**layer) for layer in saved.get("layers", ()))
    return Failure(**{**saved, "layers": layers, "notes": tuple(saved.get("notes", ()))})


def _fix(verdict: Verdict) -> dict[str, Any]:
    if verdict.kind == "not_a_bounce":
        return {}
    fix = verdict.fix
    return {
        "steps": list(fix.steps), "contact": fix.contact, "contact_how": fix.contact_how, "give": fix.give, "expect": fix.expect,
        "letter": fix.letter, "sources": list(fix.sources),
    }
