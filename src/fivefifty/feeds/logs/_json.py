"""JSON out of lines: one value a line, arrays with one value a line, and values printed over many lines."""
from __future__ import annotations

import json
import re
from typing import Any

MAX_OPEN = 262_144  # bytes of one value that goes over several lines
MAX_OPEN_LINES = 5_000

_PARTS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]')
_FRAME = frozenset((b"", b"[", b"]", b"],", b",", b"[]"))


class Unreadable(Exception):
    """A line, row or value that is no event we know; the text says why."""


def _nothing(_: str) -> None:
    """NaN and Infinity are no JSON (RFC 8259 6)."""


def parsed(content: bytes | str) -> Any:
    """The value; raises Unreadable."""
    try:
        return json.loads(content, parse_constant=_nothing, strict=False)
    except RecursionError:
        raise Unreadable("It is nested too deeply.") from None
    except ValueError:
        raise Unreadable("It is no JSON, or it is cut off.") from None


class Values:
    """Puts values together; JSON strings hold no line end, so brackets can be counted line by line."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []  # of a value that is not complete
        self.whole = b""  # what the values returned last stood in
        self._depth = self._size = 0

    def add(self, line: bytes) -> list[Any]:
        """The values this line completes; raises Unreadable."""
        stripped = line.strip(b" \t\r\x1e")  # RFC 7464: RS in front
        if self.lines:
            return self._more(line, stripped)
        if stripped in _FRAME:
            return []
        self.whole = line
        try:
            return _several(parsed(_decoded(stripped.rstrip(b","))))
        except Unreadable:
            bare = stripped[1:].lstrip() if stripped[:1] == b"[" else stripped
            depth = _depth(bare)
            if bare[:1] != b"{" or depth <= 0 or bare.count(b'":') > 1:  # one line with several members was cut off
                raise
            self.lines, self._depth, self._size = [bare], depth, len(bare)
            return []

    def _more(self, line: bytes, stripped: bytes) -> list[Any]:
        self._depth += _depth(stripped)
        self._size += len(stripped)
        self.lines.append(stripped)
        if self._depth <= 0:
            whole, self.lines = b"\n".join(self.lines).rstrip(b", \t\r\n"), []
            self.whole = whole
            if self._depth < 0:
                whole = whole.rstrip(b"] \t\r\n")
            return _several(parsed(_decoded(whole)))
        if self._size > MAX_OPEN or len(self.lines) > MAX_OPEN_LINES:
            raise Unreadable("A value goes on for too long.")
        return []

    def drop(self) -> bytes:
        """What was not completed."""
        left, self.lines = b"\n".join(self.lines), []
        return left


def _depth(line: bytes) -> int:
    depth = 0
    for part in _PARTS.findall(line):
        if part in (b"{", b"["):
            depth += 1
        elif part in (b"}", b"]"):
            depth -= 1
    return depth


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace")
