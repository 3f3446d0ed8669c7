"""Microsoft 365: message traces as JSON: Graph's exchangeMessageTrace pages, and cmdlets through ConvertTo-Json."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ._csv import normal, written
from ._json import Unreadable, parsed
from ._times import Times
from ._traces import traced

TITLE = "Microsoft 365: message traces (JSON of Graph or of PowerShell)"
UNIT = "document"

MAX_REJECTS = 1_000


def looks(head: bytes) -> int:
    """Whether it is JSON with a trace's members."""
    if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] not in (b"{", b"["):
        return 0
    plain = head.replace(b"\0", b"").lower()
    return 92 if b"exchangemessagetrace" in plain or all(mark in plain for mark in (b'"senderaddress"', b'"recipientaddress"', b'"status"')) else 0


def reader(setting: Setting) -> GraphReader:
    """Reads such documents."""
    return GraphReader(setting)


@dataclass(frozen=True, slots=True)
class GraphReader:
    """One page, many traces."""

    setting: Setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The events of one document."""
        try:
            traces = _traces(parsed(_text(content)))
        except Unreadable as reason:
            yield Reject(where, str(reason), content)
            return
        times, rejects = Times(self.setting.now, UTC, day_first=True), 0
        for number, one in enumerate(traces, 1):
            try:
                for event in traced({normal(str(name)): written(value) for name, value in one.items()}, times, self.setting):
                    event.where = f"{where}:{number}"
                    yield event
            except Unreadable as reason:
                rejects += 1
                if rejects <= MAX_REJECTS:
                    yield Reject(f"{where}:{number}", str(reason), str(one)[:10_000].encode("utf-8", "replace"))


def _text(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):  # PowerShell 5 redirects in UTF-16
        if content.startswith(mark):
            return content[2:].decode(encoding, "replace")
    return content.decode("utf-8-sig", "replace")


def _traces(value: Any) -> list[dict[str, Any]]:
    """The objects in {"value": […]}, in an array (of pages, too), or the one object."""
    found: list[dict[str, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(reversed(one))
        elif isinstance(one, dict):
            inner = one.get("value", one.get("Value"))
            if isinstance(inner, list):
                waiting.append(inner)
            else:
                found.append(one)
    if not found:
        raise Unreadable("It holds no message traces.")
    return found
