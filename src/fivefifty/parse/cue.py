"""Patterns searched where a literal stands.

A search that tries an alternation at every character of a text costs ten times what it costs to find the literals that its
alternatives begin with, and the text of nearly every report holds few of them.
"""
from __future__ import annotations

import re

END = 1 << 30


def first(pattern: re.Pattern[str], low: str, cues: tuple[str, ...], start: int = 0, end: int = END) -> re.Match[str] | None:
    """What `pattern.search` finds in a text in lower case, for a pattern whose every match begins with one of the cues."""
    best: re.Match[str] | None = None
    limit, find = end, low.find
    for cue in cues:
        at = find(cue, start, end) if cue in low else -1  # `in` is several times faster than `find`
        while 0 <= at < limit:
            found = pattern.match(low, at, end)
            if found:
                best, limit = found, at
                break
            at = find(cue, at + 1, end)
    return best


def holds(low: str, cues: tuple[str, ...], end: int = END) -> bool:
    """Whether one of the cues stands in a text."""
    for cue in cues:  # noqa: SIM110 - a generator costs more than the search
        if cue in low and (len(low) <= end or low.find(cue, 0, end) >= 0):
            return True
    return False
