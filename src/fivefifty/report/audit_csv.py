"""Many audits as a table: one domain a line."""
from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ..model import Finding, Subject

COLUMNS = ("domain", "worst", "fail", "warn", "unknown", "pass", "first_problem", "failing_checks", "warning_checks", "unknown_checks", "mx", "spf", "dmarc")
_RECORDS = (("mx", "receiving.mx"), ("spf", "spf.record"), ("dmarc", "dmarc.record"))
_FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet would run


def worst(findings: Sequence[Finding]) -> str:
    """The worst outcome."""
    return next((one for one in ("fail", "crashed", "warn", "unknown", "pass") if any(finding.outcome == one for finding in findings)), "skipped")


def header() -> str:
    """The first line."""
    return _line(COLUMNS)


def row(subject: Subject, findings: Sequence[Finding]) -> str:
    """The line of one domain, with its line end."""
    names = {outcome: list(dict.fromkeys(one.check for one in findings if one.outcome == outcome)) for outcome in ("fail", "warn", "unknown", "pass")}
    counts = [str(sum(one.outcome == outcome for one in findings)) for outcome in ("fail", "warn", "unknown", "pass")]
    problem = next((one.sentence for one in findings if one.outcome in ("fail", "warn")), "")
    records = [next((one.found for one in findings if one.check == check and one.found), "") for _, check in _RECORDS]
    return _line((subject.domain, worst(findings), *counts, problem, *(" ".join(names[outcome]) for outcome in ("fail", "warn", "unknown")), *records))


def not_read(given: str, what: str) -> str:
    """The line of an input that is no domain name: it stays in its place."""
    return _line((given, "not read", "", "", "", "", what, *[""] * (len(COLUMNS) - 7)))


def _line(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([f"'{value}" if value.startswith(_FORMULA) else value for value in values])
    return out.getvalue()
