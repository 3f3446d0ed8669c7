"""The dates of header fields (RFC 5322 3.3 and 4.3)."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DATE = re.compile(r"\s*(?:[A-Za-z]{3}\s*,)?\s*(\d{1,2})\s+([A-Za-z]{3})\s+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?\s+([+-]\d{4}|[A-Za-z]{1,5})\s*")
_ZONES = {"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8}


def read_date(value: str) -> datetime | None:
    """The time of a Date field, aware; None where it is none.  Zones that nobody can tell count as UTC (RFC 5322 4.3)."""
    found = _DATE.fullmatch(value[:200])
    if not found or found[2].lower() not in _MONTHS:
        return None
    year = int(found[3]) + (0 if len(found[3]) == 4 else 1900 if len(found[3]) == 3 or int(found[3]) >= 50 else 2000)
    zone = found[7]
    try:
        shift = timedelta(hours=_ZONES.get(zone.lower(), 0))
        if zone[0] in "+-":
            shift = (1 if zone[0] == "+" else -1) * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
        return datetime(year, _MONTHS[found[2].lower()], int(found[1]), int(found[4]), int(found[5]), min(int(found[6] or 0), 59), tzinfo=timezone(shift) if shift else UTC)
    except ValueError:
        return None
