"""The machine-readable form of an audit; `docs/check.md` explains it.  The World's answers stand in it, so that it can be replayed."""
from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..model import Evidence, Finding, Subject

SCHEMA = "fivefifty/check/1"
_SUBJECT_SECRET = ("settings", "message")
KEY = "_key"  # how the names of secret settings end
_FINDING = ("check", "outcome", "sentence", "about", "found", "advice", "record", "reference", "weight")
_EVIDENCE = tuple(field.name for field in fields(Evidence))


def finding_dict(finding: Finding) -> dict[str, Any]:
    """One finding as plain values."""
    made: dict[str, Any] = {name: getattr(finding, name) for name in _FINDING}
    made["facts"] = dict(finding.facts)
    made["evidence"] = [{name: getattr(one, name) for name in _EVIDENCE} for one in finding.evidence]
    return made


def finding_from(saved: Mapping[str, Any]) -> Finding:
    """A finding from its plain values."""
    evidence = tuple(Evidence(**one) for one in saved.get("evidence", ()))
    return Finding(cites=evidence, facts=saved.get("facts", {}), **{name: saved[name] for name in _FINDING if name in saved})


def stand_in(name: str) -> str:
    """What stands in a report for the key of that setting: a DNS label, because keys stand in names that are asked."""
    return f"{name.replace('_', '-')}-redacted"


def redacted(value: Any, settings: Mapping[str, str]) -> Any:
    """Plain values with every key replaced by its stand-in."""
    secrets = {secret.lower(): stand_in(name) for name, secret in settings.items() if name.endswith(KEY) and secret}
    return _without(value, re.compile("|".join(map(re.escape, secrets)), re.IGNORECASE), secrets) if secrets else value


def _without(value: Any, pattern: re.Pattern[str], secrets: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda found: secrets[found[0].lower()], value)
    if isinstance(value, Mapping):
        return {name: _without(one, pattern, secrets) for name, one in value.items()}
    return [_without(one, pattern, secrets) for one in value] if isinstance(value, list | tuple) else value


def subject_dict(subject: Subject) -> dict[str, Any]:
    """A subject as plain values: the message as base64, of keys only that there were some."""
    made = {field.name: getattr(subject, field.name) for field in fields(subject) if field.name not in _SUBJECT_SECRET}
    made = {name: list(value) if isinstance(value, tuple) else value for name, value in made.items()}
    made["settings"] = {name: stand_in(name) if name.endswith(KEY) else value for name, value in subject.settings.items()}
    return made | {"message": base64.b64encode(subject.message).decode("ascii")}


def subject_from(saved: Mapping[str, Any]) -> Subject:
    """A subject from its plain values."""
    known = {field.name for field in fields(Subject)}
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items() if name in known}
    values["message"] = base64.b64decode(saved.get("message", ""))
    return Subject(**values)


def audit_dict(subject: Subject, findings: Sequence[Finding], world: Sequence[Mapping[str, Any]], asked_at: str) -> dict[str, Any]:
    """The whole report of one subject."""
    counts = {outcome: sum(one.outcome == outcome for one in findings) for outcome in ("fail", "warn", "unknown", "crashed", "pass", "skipped")}
    made = {
        "schema": SCHEMA, "domain": subject.domain, "asked_at": asked_at, "counts": counts, "subject": subject_dict(subject),
        "findings": [finding_dict(one) for one in findings], "world": list(world),
    }
    plain: dict[str, Any] = redacted(made, subject.settings)
    return plain
