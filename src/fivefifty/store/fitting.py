"""Makes fit what no database holds: one impossible number or endless name of a stranger must not stop the batch it is in, for ever."""
from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from ..model import Event

FAR = 32_503_680_000.0  # the year 3000
MOST = 1 << 53  # mails of one event
LONGEST = 320  # characters of a name: addresses have at most 254 (RFC 5321 4.5.3.1.3), and indexes hold no endless ones
LONGEST_TEXT = 20_000
LONGEST_BYTES = 2_000  # of what has to be unique: PostgreSQL's index pages hold no more than 2,704
_SHORT = {"kind": 16, "trust": 16, "stage": 16, "source": 32, "cause": 64, "owner": 64, "standing": 64, "rule": 64}
_LONG = ("text", "facts")


def fitted(event: Event) -> Event:
    """The event itself, or a copy whose numbers can be kept: times that can't be are unknown, counts have an end."""
    if 0.0 <= event.time < FAR and 0 < event.count < MOST and 0.0 <= event.sent_at < FAR and 0 <= event.reply_code < 1000:
        return event
    return replace(event, time=_time(event.time), sent_at=_time(event.sent_at), count=min(max(int(event.count), 1), MOST), reply_code=event.reply_code if 0 <= event.reply_code < 1000 else 0)


def _time(value: float) -> float:
    return min(max(float(value), 0.0), FAR - 1) if isfinite(value) else 0.0


def fitted_row(row: dict[str, Any]) -> dict[str, Any]:
    """The same row with every text cut to what its column holds."""
    for name, value in row.items():
        if value.__class__ is str and len(value) > 16:
            most = _SHORT.get(name) or (LONGEST_TEXT if name in _LONG else LONGEST)
            if len(value) > most:
                row[name] = value[:most]
    return row


def unique(text: str) -> str:
    """A text cut to what a unique index holds."""
    if len(text) <= LONGEST_BYTES // 4:
        return text
    return text.encode("utf-8", "replace")[:LONGEST_BYTES].decode("utf-8", "ignore")
