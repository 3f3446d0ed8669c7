"""Tables that come line by line: any delimiter, quotes over several lines (RFC 4180), UTF-16, headers anywhere, JSON lines among them.

A feed says which column names it knows (`Columns`) and what one row means; here rows are put together.  A quote that is never closed costs
its own line and no other: the lines after it are read again by themselves.
"""
from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ._json import Unreadable, Values

MAX_COLUMNS = 1_000
MAX_RECORD = 65_536  # bytes of one record that goes over several lines
MAX_RECORD_LINES = 100
MAX_CELL = 8_000
DELIMITERS = ",;\t|"

_NOT_A_NAME = re.compile(r"[\W_]+")
_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")

Row = dict[str, str]


def normal(name: str) -> str:
    """A column's name without case, blanks and punctuation: "Sender Address", sender_address and SenderAddress are one."""
    return _NOT_A_NAME.sub("", name.strip("\ufeff \"'").lower())


@dataclass(frozen=True, slots=True)
class Columns:
    """What tells a header: names it may hold (normal form), and sets of which one must be there whole."""

    known: frozenset[str]
    needed: tuple[frozenset[str], ...]
    missing: str  # what to say where no header comes first
    prefix: bytes = b""  # the header stands behind it ("#Fields: ")
    comment: bytes = b"\0"  # lines that begin so say nothing

    def header(self, line: bytes) -> tuple[str, list[str]] | None:
        """(delimiter, names) where the line is a header."""
        if self.prefix:
            if not line.startswith(self.prefix):
                return None
            line = line[len(self.prefix) :]
        best: tuple[int, str, list[str]] | None = None
        for delimiter in DELIMITERS:
            if delimiter.encode() not in line and best is not None:
                continue
            names = [normal(one) for one in _cells(decoded(line), delimiter)[:MAX_COLUMNS]]
            found = self.known.intersection(names)
            if len(found) > (best[0] if best else 1) and any(need <= found for need in self.needed):
                best = (len(found), delimiter, names)
        return None if best is None else (best[1], _once(best[2]))


def _once(names: list[str]) -> list[str]:
    """Of two columns with one name the first counts; empty names at the end are no columns."""
    while names and not names[-1]:
        names.pop()
    seen: set[str] = set()
    kept = []
    for name in names:
        kept.append("" if name in seen else name)
        seen.add(name)
    return kept


def _cells(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return text.split(delimiter)


def decoded(content: bytes) -> str:
    """Text: UTF-8, else what Windows programs write."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    return _CONTROLS.sub(" ", text) if not text.isprintable() else text


class Plain:
    """Lines as UTF-8 without a byte order mark; lines of a UTF-16 file were cut at every octet 0x0A."""

    def __init__(self) -> None:
        self.encoding = ""
        self.carry: bytes | None = None

    def of(self, line: bytes, number: int) -> list[bytes]:
        """The lines that are complete now."""
        if number == 1 or not self.encoding:
            for mark, encoding in _BOMS:
                if line.startswith(mark):
                    self.encoding, self.carry, line = encoding, None, line[2:]
        if not self.encoding:
            return [line.removeprefix(b"\xef\xbb\xbf")]
        return self._little(line) if self.encoding == "utf-16-le" else self._big(line)

    def _little(self, line: bytes) -> list[bytes]:
        """The line end is 0A 00: the next line begins with its second half."""
        whole = self.carry
        if whole is not None and len(whole) % 2 == 0 and line[:1] == b"\0":
            self.carry = line[1:]
            return [self._decoded(whole)]
        self.carry = line if whole is None else whole + b"\n" + line  # the 0A belonged to a letter
        return self._bounded()

    def _big(self, line: bytes) -> list[bytes]:
        """The line end is 00 0A."""
        whole = line if self.carry is None else self.carry + b"\n" + line
        if len(whole) % 2 and whole[-1:] == b"\0":
            self.carry = None
            return [self._decoded(whole[:-1])]
        self.carry = whole
        return self._bounded()

    def _bounded(self) -> list[bytes]:
        if self.carry is None or len(self.carry) <= 2 * MAX_RECORD:
            return []
        whole, self.carry = self.carry, None
        return [self._decoded(whole)]

    def rest(self) -> list[bytes]:
        """The last line, where no line end followed."""
        whole, self.carry = self.carry, None
        return [self._decoded(whole)] if whole else []

    def _decoded(self, content: bytes) -> bytes:
        return content.decode(self.encoding, "replace").rstrip("\r\n\0").lstrip("\ufeff").encode("utf-8", "replace")


class TableReader:
    """Rows to events; a feed gives `columns`, `row` and, where it reads JSON too, `value`."""

    columns: Columns
    takes_json = False

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._plain = Plain()
        self._names: list[str] = []
        self._head = b""  # the header as written
        self._delimiter = ","
        self._open: list[tuple[int, bytes]] = []  # lines of a record whose quotes are open
        self._size = 0
        self._values = Values()
        self._where = ""  # of the lines read last, for what comes out at the end

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """The events of one row; raises Unreadable."""
        raise NotImplementedError

    def value(self, value: Any, where: str) -> Iterable[Event]:
        """The events of one JSON value; by itself the row that its members make."""
        if not isinstance(value, dict):
            raise Unreadable("It is JSON, but no object.")
        return self.row({normal(str(name)): written(one) for name, one in list(value.items())[:MAX_COLUMNS]}, where)

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events these lines complete."""
        found: list[Event | Reject] = []
        self._where = where
        for number, line in enumerate(lines, first):
            if self._plain.encoding or number == 1 or line[:3] == b"\xef\xbb\xbf":
                for plain in self._plain.of(line, number):
                    self._work(deque(((number, plain),)), where, found)
            elif not self._open and b'"' not in line and self._names and line[:1] not in b"{[#\0" and not self._again(line):
                self._take(decoded(line).split(self._delimiter), line, f"{where}:{number}", found)  # nearly every line
            else:
                self._work(deque(((number, line),)), where, found)
        return found

    def end(self) -> list[Event | Reject]:
        """What was still open."""
        found: list[Event | Reject] = []
        for plain in self._plain.rest():
            self._work(deque(((0, plain),)), self._where, found)
        while self._open:
            self._resync(self._where, found)
        left = self._values.drop()
        if left:
            found.append(Reject(self._where, "A value is cut off at the end.", left))
        return found

    def _again(self, line: bytes) -> bool:
        """Whether this may be another header (files put behind one another)."""
        return line[:12] == self._head[:12] and self.columns.header(line) is not None

    def _work(self, waiting: deque[tuple[int, bytes]], where: str, found: list[Event | Reject]) -> None:
        """One line, and whatever it lets go of."""
        while waiting:
            number, line = waiting.popleft()
            if self._open:
                self._continue(number, line, waiting, where, found)
            elif self.takes_json and (self._values.lines or line.lstrip(b"\xef\xbb\xbf \t\x1e")[:1] in (b"{", b"[") or (line.strip() in (b"]", b"],") and not self._names)):
                self._json(line, f"{where}:{number}", found)
            else:
                self._line(number, line, waiting, where, found)

    def _json(self, line: bytes, where: str, found: list[Event | Reject]) -> None:
        try:
            values = self._values.add(line)
        except Unreadable as reason:
            found.append(Reject(where, str(reason), self._values.drop() or line))
            return
        for value in values:
            try:
                found.extend(self.value(value, where))
            except Unreadable as reason:
                found.append(Reject(where, str(reason), self._values.whole))

    def _line(self, number: int, line: bytes, waiting: deque[tuple[int, bytes]], where: str, found: list[Event | Reject]) -> None:
        if not line.strip() or line.startswith(b"sep=") or (line.startswith(self.columns.comment) and not (self.columns.prefix and line.startswith(self.columns.prefix))):
            return
        if not self._names or self.columns.prefix or self._again(line):
            header = self.columns.header(line)
            if header is not None:
                (self._delimiter, self._names), self._head = header, line
                return
        if not self._names:
            self._headless(line, f"{where}:{number}", found)
        elif b'"' not in line:
            self._take(decoded(line).split(self._delimiter), line, f"{where}:{number}", found)
        else:
            self._quoted(number, line, waiting, where, found)

    def _headless(self, line: bytes, where: str, found: list[Event | Reject]) -> None:
        if line.lstrip()[:1] in (b"#", b"*", b"-"):  # what PowerShell and spreadsheets put on top
            return
        found.append(Reject(where, self.columns.missing, line))

    def _quoted(self, number: int, line: bytes, waiting: deque[tuple[int, bytes]], where: str, found: list[Event | Reject]) -> None:
        text = decoded(line)
        try:
            self._take(next(csv.reader([text], delimiter=self._delimiter, strict=True), []), line, f"{where}:{number}", found)
        except csv.Error as error:
            if "unexpected end" in str(error):
                self._open, self._size = [(number, line)], len(line)
            else:  # quotes inside a cell, not doubled: right where the number of cells is
                self._take(_cells(text, self._delimiter), line, f"{where}:{number}", found)

    def _continue(self, number: int, line: bytes, waiting: deque[tuple[int, bytes]], where: str, found: list[Event | Reject]) -> None:
        self._open.append((number, line))
        self._size += len(line) + 1
        if b'"' in line:
            whole = b"\n".join(one for _, one in self._open)
            try:
                cells = next(csv.reader([decoded(whole)], delimiter=self._delimiter, strict=True), [])
            except csv.Error as error:
                if "unexpected end" not in str(error):
                    waiting.extendleft(reversed(self._resync(where, found, hold=True)))
                    return
            else:
                begun, self._open = self._open[0][0], []
                self._take(cells, whole, f"{where}:{begun}", found)
                return
        if self._size > MAX_RECORD or len(self._open) > MAX_RECORD_LINES:
            waiting.extendleft(reversed(self._resync(where, found, hold=True)))

    def _resync(self, where: str, found: list[Event | Reject], hold: bool = False) -> list[tuple[int, bytes]]:
        """Gives up the line that opened a quote; the lines after it are read by themselves."""
        (number, line), *after = self._open
        self._open = []
        found.append(Reject(f"{where}:{number}", "A quote is opened and not closed.", line))
        if not hold:
            self._work(deque(after), where, found)
        return after

    def _take(self, cells: list[str], line: bytes, where: str, found: list[Event | Reject]) -> None:
        try:
            found.extend(self.row(self._named(cells), where))
        except Unreadable as reason:
            found.append(Reject(where, str(reason), line))

    def _named(self, cells: list[str]) -> Row:
        if len(cells) > len(self._names):
            if any(cells[len(self._names) :]):
                raise Unreadable(f"It has {len(cells)} cells, the header has {len(self._names)}.")
        elif len(cells) < len(self._names):
            raise Unreadable(f"It has {len(cells)} cells, the header has {len(self._names)}: it is cut off, or of another table.")
        return dict(zip(self._names, cells, strict=False))

    def state(self) -> dict[str, Any]:
        """The header, and what is open."""
        return {
            "head": self._head.decode("latin-1"), "encoding": self._plain.encoding, "carry": None if self._plain.carry is None else self._plain.carry.decode("latin-1"),
            "open": [[number, line.decode("latin-1")] for number, line in self._open], "value": [line.decode("latin-1") for line in self._values.lines],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._head = str(state.get("head", "")).encode("latin-1")
        header = self.columns.header(self._head)
        if header is not None:
            self._delimiter, self._names = header
        self._plain.encoding = str(state.get("encoding", ""))
        carry = state.get("carry")
        self._plain.carry = None if carry is None else str(carry).encode("latin-1")
        self._open = [(int(number), str(line).encode("latin-1")) for number, line in state.get("open", ())]
        self._size = sum(len(line) + 1 for _, line in self._open)
        for line in state.get("value", ()):
            try:
                self._values.add(str(line).encode("latin-1"))
            except Unreadable:
                self._values.drop()


def written(value: Any) -> str:
    """A JSON value as a cell."""
    if isinstance(value, str):
        text = value[:MAX_CELL]
        return text if text.isascii() and text.isprintable() else _CONTROLS.sub(" ", text.encode("utf-8", "replace").decode("utf-8"))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else ""
    return str(value) if isinstance(value, int) and abs(value) < 2**63 else ""


def first_of(row: Mapping[str, str], *names: str) -> str:
    """The first of these cells that holds something."""
    for name in names:
        value = row.get(name)
        if value:
            value = value.strip()
            if value:
                return value[:MAX_CELL]
    return ""


def looks_like(columns: Columns, head: bytes, sure: int) -> int:
    """`sure` where one of the first lines is such a header."""
    for line in lines_of(head):
        if columns.header(line) is not None:
            return sure
    return 0


def lines_of(head: bytes) -> Iterator[bytes]:
    """The first lines of an input, whatever it is encoded in."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            head = head[2:].decode(encoding, "replace").encode("utf-8", "replace")
    yield from (line[:20_000] for line in head.removeprefix(b"\xef\xbb\xbf").splitlines()[:20])
