"""Microsoft SNDS: what Outlook.com saw of your IPs, as CSV: the data export, with or without a header, and ipStatus.

One row is one IP in one period.  Rates come as bounds ("< 0.1%") and stay bounds; an IP or a day that is missing is unknown, not clean.
"""
from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ..logs._csv import DELIMITERS, Row, decoded, first_of, normal
from ..logs._json import Unreadable
from ..logs._times import Times
from ..webhooks._payload import facts, identity, ip, text

TITLE = "Microsoft SNDS: data and ipStatus (CSV)"
UNIT = "document"

MAX_ROWS = 200_000
MAX_REJECTS = 1_000

# the old export has no header; these are its columns in order
_DATA = "ipaddress activitystart activityend rcptcommands datacommands messagerecipients filterresult complaintrate trapstart trapend traphits samplehelo samplemailfrom comments".split()
_STATUS = "firstip lastip blocked details".split()
_SYNONYMS = {
    "ipaddress": ("ipaddress", "ip"), "activitystart": ("activitystart", "activityperiodstart", "activitystartutc", "startdate", "start", "activityperiod", "date"),
    "activityend": ("activityend", "activityperiodend", "activityendutc", "enddate", "end"), "rcptcommands": ("rcptcommands", "rcptcommand", "rcpt", "rcptcount"),
    "datacommands": ("datacommands", "datacommand", "datacount"), "messagerecipients": ("messagerecipients", "messagerecipient", "recipients", "messages"),
    "filterresult": ("filterresult", "filterresults", "result"), "complaintrate": ("complaintrate", "complaints", "complaintrates"),
    "traphits": ("traphits", "traphit", "trapcount", "traps"), "trapstart": ("trapstart", "trapmessagestart", "trapperiodstart", "trapmessageperiodstart"),
    "trapend": ("trapend", "trapmessageend", "trapperiodend", "trapmessageperiodend"), "samplehelo": ("samplehelo", "helo"), "samplemailfrom": ("samplemailfrom", "mailfrom"),
    "comments": ("comments", "comment"), "firstip": ("firstip", "ipstart", "startip", "beginip"), "lastip": ("lastip", "ipend", "endip"),
    "blocked": ("blocked", "isblocked", "status", "ipstatus"), "details": ("details", "detail", "reason", "description"),
}
_RATE = re.compile(r"(<=|>=|[<>≤≥])?\s*(\d{1,3}(?:[.,]\d{1,6})?)\s*%?(?:\s*(?:-|–|to)\s*(\d{1,3}(?:[.,]\d{1,6})?))?\s*%?")
_ROW = re.compile(rb"\s*\"?(?:\d{1,3}\.){3}\d{1,3}\"?,\"?\d{1,2}/\d{1,2}/\d{4}")
_RANGE = re.compile(rb"\s*\"?(?:\d{1,3}\.){3}\d{1,3}\"?,\"?(?:\d{1,3}\.){3}\d{1,3}\"?,\"?(?:yes|no|true|false)\b", re.IGNORECASE)


def looks(head: bytes) -> int:
    """Whether it is one of the exports."""
    line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    if _ROW.match(line) and re.search(rb",(?:GREEN|YELLOW|RED)", line):
        return 95
    if _RANGE.match(line):
        return 85
    return 90 if _header(decoded(line)) else 0


def reader(setting: Setting) -> SndsReader:
    """Reads such exports."""
    return SndsReader(setting)


@dataclass(frozen=True, slots=True)
class SndsReader:
    """One file, many rows."""

    setting: Setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The events of one export."""
        times = Times(self.setting.now, self.setting.zone, day_first=False)
        names: list[str] = []
        delimiter, rejects = ",", 0
        for number, line in enumerate(_lines(content), 1):
            header = _header(line)
            if header:
                delimiter, names = header
                continue
            if not line.strip() or number > MAX_ROWS:
                continue
            try:
                row = _row(line, delimiter, names)
                yield self._status(row, f"{where}:{number}") if "firstip" in row else self._data(row, times, f"{where}:{number}")
            except Unreadable as reason:
                rejects += 1
                if rejects <= MAX_REJECTS:
                    yield Reject(f"{where}:{number}", str(reason), line[:10_000].encode("utf-8", "replace"))

    def _data(self, row: Row, times: Times, where: str) -> Event:
        address = ip(row.get("ipaddress", "").strip())
        begun, ended = _period(row, times)
        if not address or not begun:
            raise Unreadable("The IP can't be read." if not address else "The period can't be read.")
        result = row.get("filterresult", "").strip().upper()
        told: dict[str, Any] = {"activity_start": begun, "activity_end": ended, "filter_result": result, **_rate(row.get("complaintrate", ""))}
        for name, key in (("rcptcommands", "rcpt_commands"), ("datacommands", "data_commands"), ("messagerecipients", "message_recipients"), ("traphits", "trap_hits")):
            told |= _number(row.get(name, ""), key)
        told |= {"sample_helo": text(row.get("samplehelo", ""), 255), "sample_mail_from": text(row.get("samplemailfrom", ""), 255), "comments": text(row.get("comments", ""), 300)}
        if not (result or "complaint_rate_below" in told or "complaint_rate" in told or "message_recipients" in told):
            raise Unreadable("It tells neither a filter result nor a complaint rate nor a number of messages.")
        return Event("listing", "snds", begun, sending_ip=address, provider="outlook", native_id=f"{address} {begun:.0f} {ended:.0f}", facts=facts(told), where=where)

    def _status(self, row: Row, where: str) -> Event:
        """ipStatus tells what is so now; it has no time of its own."""
        one, other = ip(row.get("firstip", "").strip()), ip(row.get("lastip", "").strip())
        if not one:
            raise Unreadable("The IP can't be read.")
        blocked = row.get("blocked", "").strip().lower()
        if blocked not in ("yes", "no", "true", "false", "blocked", "ok", "not blocked"):
            raise Unreadable(f"Whether it is blocked can't be read: {blocked[:30]!r}.")
        day = self.setting.now - self.setting.now % 86_400
        details = text(row.get("details", ""), 500)
        told = facts({"first_ip": one, "last_ip": other or one, "blocked": blocked in ("yes", "true", "blocked")})
        return Event(
            "listing", "snds", day, sending_ip=one if other in ("", one) else "", provider="outlook", text=details, native_id=identity(one, other, blocked, details, day), facts=told, where=where,
        )


def _lines(content: bytes) -> Iterator[str]:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            content = content[2:].decode(encoding, "replace").encode("utf-8", "replace")
    yield from (decoded(line) for line in content.removeprefix(b"\xef\xbb\xbf").splitlines())


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line[:60_000]], delimiter=delimiter), [])
    except csv.Error:
        return []


def _header(line: str) -> tuple[str, list[str]] | None:
    """(delimiter, our names) where the line names columns."""
    if not line[:1].isalpha() and line[:1] not in '"\ufeff':
        return None
    for delimiter in DELIMITERS:
        names = [next((ours for ours, written in _SYNONYMS.items() if normal(one) in written), "") for one in _cells(line, delimiter)[:100]]
        if {"ipaddress", "activitystart"} <= set(names) or {"firstip", "blocked"} <= set(names) or {"ipaddress", "filterresult"} <= set(names):
            return delimiter, names
    return None


def _row(line: str, delimiter: str, names: list[str]) -> Row:
    cells = _cells(line, delimiter)
    if names:
        if len(cells) > len(names) and any(cells[len(names) :]):
            raise Unreadable(f"It has {len(cells)} cells, the header has {len(names)}.")
        return {name: cell for name, cell in zip(names, cells, strict=False) if name}
    if len(cells) in (3, 4) and ip(cells[1].strip()):
        return dict(zip(_STATUS, cells, strict=False))
    if len(cells) == len(_DATA):
        return dict(zip(_DATA, cells, strict=True))
    raise Unreadable("It is no row of SNDS: 14 cells, or a first line that names the columns.")


def _period(row: Row, times: Times) -> tuple[float, float]:
    begun = times.of(first_of(row, "activitystart"))
    return begun, times.of(first_of(row, "activityend")) or begun


def _number(written: str, key: str) -> dict[str, int]:
    """A number of mails; one that is not told is not zero."""
    plain = written.strip().replace(",", "")
    return {key: int(plain)} if plain.isascii() and plain.isdigit() and len(plain) <= 15 else {}


def _rate(written: str) -> dict[str, float]:
    """"< 0.1%" is a bound, "0.3%" a rounded number, "0.1% - 0.3%" two bounds; as shares of one."""
    found = _RATE.fullmatch(written.strip())
    if found is None:
        return {}
    low, high = (round(float(one.replace(",", ".")) / 100, 9) if one else -1.0 for one in (found[2], found[3]))
    if low > 1 or high > 1:
        return {}
    if found[1]:
        return {"complaint_rate_below" if found[1][0] in "<≤" else "complaint_rate_above": low}
    return {"complaint_rate_above": low, "complaint_rate_below": high} if high >= 0 else {"complaint_rate": low}
