"""Quiet hours: what waits until morning, and what does not."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from ..errors import InputError

_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d) ?- ?([01]?\d|2[0-3]):([0-5]\d)\Z")


@dataclass(frozen=True, slots=True)
class Quiet:
    """From minute to minute of a day in a zone; the same twice means never."""

    begin: int = 0
    end: int = 0
    zone: tzinfo | None = None

    def ends(self, now: float) -> float:
        """When the quiet hours that `now` lies in are over, 0.0 where it lies in none."""
        if self.begin == self.end:
            return 0.0
        local = datetime.fromtimestamp(now, self.zone)
        minute = local.hour * 60 + local.minute
        inside = self.begin <= minute < self.end if self.begin < self.end else minute >= self.begin or minute < self.end
        if not inside:
            return 0.0
        day = local.date() + timedelta(days=1) if minute >= self.end else local.date()
        return datetime(day.year, day.month, day.day, self.end // 60, self.end % 60, tzinfo=self.zone).timestamp()


def quiet_hours(text: str, zone: tzinfo) -> Quiet:
    """"22:00-07:00"; "" for none."""
    if not text:
        return Quiet()
    found = _SPAN.match(text.strip())
    if found is None:
        raise InputError(f"The quiet hours {text!r} are not understood.", "settings, alerts", 'Write them as "22:00-07:00".')
    first, second, third, fourth = (int(one) for one in found.groups())
    return Quiet(first * 60 + second, third * 60 + fourth, zone)


def waits_until(quiet: Quiet, severity: str, now: float) -> float:
    """When a note may be sent: now (0.0), or after the quiet hours; critical ones break through."""
    return 0.0 if severity == "critical" else quiet.ends(now)


def digest(notes: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(title, body) of several notes as one."""
    if len(notes) == 1:
        return notes[0]
    return f"fivefifty: {len(notes)} notes from the quiet hours", "\n\n".join(f"{title}\n{body}" for title, body in notes)
