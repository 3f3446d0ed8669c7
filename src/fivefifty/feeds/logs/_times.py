"""Times in tables: people's programs write them in every way; what can't be known is not guessed."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz

from ..webhooks._payload import when

AHEAD = 366 * 86_400.0  # a time so far ahead of the clock is none
MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
# RFC 5322 4.3, and what Google's exports add; any other abbreviation means several zones
ZONES = {"z": 0, "utc": 0, "gmt": 0, "ut": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2}

_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ,]{1,3}(.{1,50}))?")
_PARTED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[T ,]{1,3}(.{1,50}))?")
_NAMED = re.compile(r"(?:[A-Za-z]{3,9},? )?(?:([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})|(\d{1,2})[ -]([A-Za-z]{3,9})[ -](\d{4}))(?:[ ,]{1,3}(?:at )?(.{1,50}))?")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s{0,2}([AaPp]\.?\s?[Mm]\.?)?\s{0,2}(.{0,40})")
_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+-])(\d{2}):?(\d{2})?")


class Times:
    """Reads the times of one input; of days like 11/2/2026 it remembers which number was proved to be the day.

    `day_first`: what such a date means where nothing proves it: True, False, or None where it may not be guessed.
    """

    def __init__(self, now: float, zone: tzinfo = UTC, day_first: bool | None = None) -> None:
        self._latest, self._zone, self._guess = now + AHEAD, zone, day_first
        self.proved: bool | None = None
        self._last = ("", 0.0)  # many rows of a log share their second

    def of(self, value: str) -> float:
        """Seconds since 1970 UTC, 0.0 where it can't be read or can't be."""
        value = value.strip()
        if not value or len(value) > 80:
            return 0.0
        if value == self._last[0]:
            return self._last[1]
        seconds = self._read(value)
        self._last = (value, seconds if 0 < seconds <= self._latest else 0.0)
        return self._last[1]

    def _read(self, value: str) -> float:
        if value.isascii() and value.replace(".", "", 1).isdigit():
            return when(value) if len(value) >= 9 else 0.0  # "2026" and "20261102" are no seconds
        found = _ISO.fullmatch(value)
        if found:
            return self._at((int(found[1]), int(found[2]), int(found[3])), found[4] or "")
        found = _PARTED.fullmatch(value)
        if found:
            return self._parted(found)
        found = _NAMED.fullmatch(value)
        if found:
            month = MONTHS.get((found[1] or found[5])[:3].lower(), 0)
            return self._at((int(found[3] or found[6]), month, int(found[2] or found[4])), found[7] or "")
        return _mailed(value)

    def _parted(self, found: re.Match[str]) -> float:
        """11/2/2026: dots and dashes have the day first; of slashes, capital AM/PM has the month first (en-US)."""
        one, other, year, clock = int(found[1]), int(found[3]), int(found[4]), found[5] or ""
        year += 2000 if year < 100 else 0
        order = True if found[2] in ".-" else self._order(one, other, clock)
        if order is None:
            return 0.0
        day, month = (one, other) if order else (other, one)
        return self._at((year, month, day), clock)

    def _order(self, one: int, other: int, clock: str) -> bool | None:
        if one > 12 >= other:
            self.proved = True
        elif other > 12 >= one:
            self.proved = False
        elif one == other:
            return True
        if self.proved is not None:
            return self.proved
        if " AM" in clock or " PM" in clock:
            return False
        return self._guess

    def _at(self, day: tuple[int, int, int], clock: str) -> float:
        hour, minute, second, zone = 0, 0, 0.0, self._zone
        if clock:
            read = _clock(clock.strip(), self._zone)
            if read is None:
                return 0.0
            hour, minute, second, zone = read
        try:
            return datetime(*day, hour, minute, tzinfo=zone).timestamp() + second
        except (ValueError, OverflowError):
            return 0.0


def _clock(value: str, zone: tzinfo) -> tuple[int, int, float, tzinfo] | None:
    """(hour, minute, second, zone) of "10:00:00.123 AM +0100", None where it is no clock."""
    found = _CLOCK.fullmatch(value)
    if found is None:
        return None
    hour, half, rest = int(found[1]), (found[5] or "")[:1].lower(), found[6].strip()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    second = float(f"{found[3] or 0}.{found[4] or 0}")
    named = _zone(rest, zone)
    return (hour, int(found[2]), second, named) if second < 61 and named is not None else None


def _zone(name: str, otherwise: tzinfo) -> tzinfo | None:
    if not name:
        return otherwise
    found = _OFFSET.fullmatch(name)
    if found:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes)) if minutes < 1440 else None
    return timezone(timedelta(hours=ZONES[name.lower()])) if name.lower() in ZONES else None


def _mailed(value: str) -> float:
    """RFC 5322 3.3; a zone must be told."""
    try:
        parts = parsedate_tz(value)
        if parts is None or parts[9] is None:
            return 0.0
        return datetime(*parts[:6], tzinfo=UTC).timestamp() - parts[9]
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
