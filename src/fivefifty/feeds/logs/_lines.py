"""What text logs share: the time, host and program in front of a line, whatever was wrapped around it, and addresses.

Accepted in front of a line: syslog's classic stamp ("Nov  2 10:00:00", with or without year and fraction; the year comes from the setting),
RFC 3339 and its relatives (rsyslog, `journalctl -o short-iso`, `short-iso-precise`), seconds since 1970 (`short-unix`), RFC 5424, what Docker,
Compose and Kubernetes put in front of a container's lines, and JSON lines of journald (`-o json`) and of Docker's json-file driver.
"""
from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .. import Setting

DAY = 86_400.0
AHEAD = 2 * DAY  # a line may be so far ahead of the clock: zones, and clocks that are wrong
IMPOSSIBLE = 366 * DAY
REMEMBERED = 500
LONGEST = 4_000  # characters of a text that are kept

_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_SECONDS = {f":{minute:02}:{second:02}".encode(): float(minute * 60 + second) for minute in range(60) for second in range(61)}
_CLASSIC = rb"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2})(?: (?P<year>\d{4}))? (?P<clock>\d\d:\d\d:\d\d)(?P<part>\.\d{1,9})?"
_ISO = rb"(?P<iso>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?)"
_STAMP = re.compile(rb"(?<![\w.:])(?:" + _CLASSIC + rb"|" + _ISO + rb"|(?P<unix>1\d{9}(?:\.\d{1,9})?))(?![\w.])")
_RFC5424 = re.compile(rb"<\d{1,3}>1 (\S{1,40}) (\S{1,255}) (\S{1,48}) (\S{1,128}) \S{1,32} (?:-|(?:\[(?:[^\]\\]|\\.){0,2000}\]){1,20}) ?(?:\xef\xbb\xbf)?")
_PRIORITY = re.compile(rb"<\d{1,3}>(?=\w)")
_ZONE = re.compile(r"(.{19})(?:[.,](\d{1,6})\d{0,3})? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?")
_PROGRAM = re.compile(rb"(?:(\S{1,255})\s+)?(?:<[a-z0-9.]{1,30}>\s+)?(\S{1,200}?)(?:\[(\d{1,10})\])?:?$")
_SOLARIS = re.compile(rb"\[ID \d{1,10} [\w.]{1,30}\] ")
_NO_HOST = frozenset((b"F", b"P", b"|", b""))  # the mark of Kubernetes, the bar of Compose


class Origin(NamedTuple):
    """Where a line comes from; `program` as written ("postfix/smtp"), `daemon` its last part."""

    host: str = ""
    program: str = ""
    daemon: str = ""


class Clock:
    """Times of log lines as seconds since 1970 UTC."""

    def __init__(self, setting: Setting) -> None:
        self._zone, self._now = setting.zone, setting.now
        self._hours: dict[bytes, float] = {}

    def classic(self, stamp: bytes) -> float:
        """The time of "Nov  2 10:00:00"; -1 where it is none."""
        try:
            return self._hours[stamp[:9]] + _SECONDS[stamp[9:]]
        except KeyError:
            found = _STAMP.match(stamp)
            return self.stamped(found) if found else -1.0

    def stamped(self, found: re.Match[bytes]) -> float:
        """The time of a stamp."""
        if found["unix"]:
            return float(found["unix"])
        if found["iso"]:
            return self.iso(found["iso"].decode())
        return self._yearless(found)

    def iso(self, text: str) -> float:
        """The time of "2026-11-02T10:00:00.123+01:00" and its relatives; -1 where it is none."""
        found = _ZONE.match(text)
        if found is None:
            return -1.0
        offset = (found[3] or "").replace("UTC", "Z").replace("GMT", "Z")
        try:
            when = datetime.fromisoformat(found[1].replace("/", "-") + (f".{found[2]:0<6}" if found[2] else "") + offset)
            at = (when if when.tzinfo else when.replace(tzinfo=self._zone)).timestamp()
        except (ValueError, OverflowError):
            return -1.0
        return self._possible(at)

    def _possible(self, at: float) -> float:
        if not 0 < at < self._now + IMPOSSIBLE:
            return -1.0
        if self._now < at < self._now + AHEAD:
            self._now = at  # a reader may live long after its setting was made
        return at

    def _yearless(self, found: re.Match[bytes]) -> float:
        """The latest such moment that is not in the future: December's lines may be read in January, 29 February years later."""
        month, clock = _MONTHS.get(found["month"].decode(), 0), found["clock"].decode()
        day, hour, minute, second = int(found["day"]), int(clock[:2]), int(clock[3:5]), int(clock[6:])
        latest = (datetime.fromtimestamp(self._now, UTC) + timedelta(seconds=AHEAD)).year
        for year in (int(found["year"]),) if found["year"] else range(latest, latest - 9, -1):
            try:
                begun = datetime(year, month, day, hour, tzinfo=self._zone).timestamp()
            except (ValueError, OverflowError):
                continue
            at = begun + minute * 60 + second
            if found["year"] or at <= self._now + AHEAD:
                return self._remembered(found, begun, at)
        return -1.0

    def _remembered(self, found: re.Match[bytes], begun: float, at: float) -> float:
        if len(self._hours) >= REMEMBERED:
            self._hours.clear()
        if not found["year"] and not found["part"]:
            self._hours[found[0][:9]] = begun
        at += float(found["part"] or 0)
        return self._possible(at)


class Fronts:
    """Reads what stands in front of messages; the same few origins come in every line."""

    def __init__(self, setting: Setting) -> None:
        self.clock = Clock(setting)
        self._origins: dict[bytes, Origin] = {}
        self._stamp, self._time = b"", -1.0

    def of(self, head: bytes) -> tuple[float, Origin]:
        """Time and origin in what stands before the first ": " of a line; -1 where no time can be read."""
        stamp = head[:16]  # the classic one, with the space behind it
        if stamp == self._stamp:
            return self._time, self._origins.get(head[16:]) or self.origin(head[16:])
        if head[3:4] == b" " == head[15:16]:
            time = self.clock.classic(head[:15])
            if time >= 0:
                self._stamp, self._time = stamp, time
                return time, self.origin(head[16:])
        found = _STAMP.search(head[:300])
        if found is None:
            return -1.0, self.origin(head[-300:])
        return self.clock.stamped(found), self.origin(head[found.end() :][-500:].lstrip())

    def origin(self, tail: bytes) -> Origin:
        """Host and program from "mx1 postfix/smtp[3001]"."""
        origin = self._origins.get(tail)
        if origin is None:
            if len(self._origins) >= 20 * REMEMBERED:
                self._origins.clear()
            origin = self._origins[tail] = _origin(tail)
        return origin


def _origin(tail: bytes) -> Origin:
    inner = [one.end() for one in _STAMP.finditer(tail)]  # the program's own stamp behind the container's
    found = _PROGRAM.search(tail[inner[-1] :] if inner else tail)
    if found is None:
        return Origin()
    program = decoded(found[2])
    host = b"" if found[1] is None or found[1] in _NO_HOST else found[1]
    return Origin(decoded(host).lower(), program, program.rpartition("/")[2])


def unwrapped(line: bytes) -> bytes:
    """A line as syslog would have written it, where it stands in JSON, in RFC 5424 or behind NULs; itself elsewhere."""
    if b"\0" in line:  # a file system's holes after a crash
        line = line.replace(b"\0", b"")
    line = line.removeprefix(b"\xef\xbb\xbf")
    if line[:1] == b"{":
        return _from_json(line)
    found = _RFC5424.match(line)
    if found:
        pid = b"[" + found[4] + b"]" if found[4] != b"-" else b""
        return b" ".join((found[1], found[2], found[3] + pid + b": " + line[found.end() :]))
    line = _PRIORITY.sub(b"", line, count=1) if line[:1] == b"<" else line
    return _SOLARIS.sub(b"", line, count=1) if b"[ID " in line[:200] else line


def _from_json(line: bytes) -> bytes:
    """The line in a record of journald or of Docker's json-file driver; "" for any other."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return b""
    if not isinstance(told, dict):
        return b""
    if isinstance(told.get("log"), str):
        return _encoded(f"{_word(told, 'time')} {told['log'].rstrip()}")
    said = told.get("MESSAGE")
    if isinstance(said, list) and all(isinstance(one, int) and 0 <= one < 256 for one in said):
        said = bytes(said).decode("utf-8", "replace")  # journald: fields that are no UTF-8 are arrays of octets
    micro = _word(told, "_SOURCE_REALTIME_TIMESTAMP") or _word(told, "__REALTIME_TIMESTAMP")
    if not isinstance(said, str) or not (micro.isascii() and micro.isdigit()):
        return b""
    pid = _word(told, "SYSLOG_PID") or _word(told, "_PID")
    return _encoded(f"{int(micro[:19]) / 1e6:.6f} {_word(told, '_HOSTNAME') or '-'} {_word(told, 'SYSLOG_IDENTIFIER') or '-'}[{pid or 0}]: {said}")


def _word(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) and not any(char.isspace() for char in value) else ""


def _encoded(text: str) -> bytes:
    return text.replace("\n", " ").replace("\0", "").encode("utf-8", "replace")


def decoded(content: bytes) -> str:
    """Text of a log: UTF-8, what is none of it replaced, without NUL (which no database takes)."""
    text = content.decode("utf-8", "replace")
    return text.replace("\0", "") if "\0" in text else text


def address(written: str) -> str:
    """An address with its domain in lower case, without angle brackets."""
    written = written.strip()
    if written[:1] == "<" and written[-1:] == ">":
        written = written[1:-1]
    if written.islower() and written[-1:] != ".":
        return written
    local, at, domain = written.rpartition("@")
    return local + at + domain.lower().rstrip(".") if at else written


def is_ip(name: str) -> bool:
    """Whether a host name is an address."""
    return ":" in name or name.replace(".", "").isdigit()


def is_loopback(ip: str) -> bool:
    """Whether an IP is this host's own."""
    return ip.startswith("127.") or ip == "::1"


def text_of(words: str) -> str:
    """Words cut to what is kept."""
    return words if len(words) <= LONGEST else words[:LONGEST]
