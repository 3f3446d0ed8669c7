"""Cases for people: a line in a list, a whole case, and the note that is sent."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import clean
from .suppression import when

Case = Mapping[str, Any]
_WHAT = {"open": "", "worse": "worse: ", "again": "again: ", "reopened": "not fixed: ", "over": "over: "}


def line(case: Case) -> str:
    """One case in a list."""
    return f"{case['id']:>4}  {case['state']:<12}  {case['severity']:<8}  {when(case['opened'])[:16]}  {_single(case['title'])}"


def whole(case: Case) -> str:
    """Everything about one case."""
    lines = [f"Case {case['id']}: {case['title']}", f"{case['state']}, {case['severity']}, opened {when(case['opened'])}", "", *_told(case), "", "What happened:"]
    lines += [f"  {when(one['time'])}  {one['state']}  {one['by']}  {one['note']}" for one in case["history"]]
    return clean("\n".join(lines)) + "\n"


def note(case: Case, what: str) -> tuple[str, str]:
    """(title, body) of what is sent; number and state stand first, by which two of the same are seen to be the same."""
    title = f"[case {case['id']}] {_WHAT.get(what, '')}{case['title']}"
    lines = [case["history"][-1]["note"]] if what in ("over", "reopened") else list(_told(case))
    if what != "over":
        lines += ["", f"fivefifty cases ack {case['id']}   (somebody looks)", f"fivefifty cases fix {case['id']} --note \u2026   (mended: mail sent from then on will prove it)"]
    return _single(title)[:300], clean("\n".join(lines))


def _single(text: str) -> str:
    """One line: a title may quote strangers, and becomes the subject of a mail."""
    return clean(" ".join(text.split()))


def _told(case: Case) -> Iterable[str]:
    if case["since"]:
        yield f"Counted since {when(case['since'])}."
    yield from case["evidence"]
    if case["whose"]:
        yield f"Whose problem: {case['whose']}"
    if case["steps"]:
        yield "Next:"
        yield from (f"  {number}. {step}" for number, step in enumerate(case["steps"], 1))
