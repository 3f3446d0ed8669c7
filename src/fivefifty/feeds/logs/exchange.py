"""Exchange Server: message tracking logs (MSGTRK*.LOG) of 2007 to SE.

The #Fields line says which columns there are; times are UTC.  See _tracking for which events count.  Mail from outside to mailboxes here is
not ours: `directionality` tells it (2013 and later), or the user's own domains.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ._csv import Columns, Row, TableReader, lines_of
from ._times import Times
from ._tracking import KNOWN, tracked

TITLE = "Exchange Server: message tracking logs"
UNIT = "lines"

_NEEDED = (frozenset(("datetime", "eventid", "recipientaddress")),)
LOGGED = Columns(KNOWN, _NEEDED, "The line that begins with #Fields: is missing, so nobody knows which column is what.", prefix=b"#Fields:", comment=b"#")
EXPORTED = Columns(KNOWN | {"timestamp", "recipients", "sender"}, (*_NEEDED, frozenset(("timestamp", "eventid", "recipients"))), LOGGED.missing, comment=b"#")


def looks(head: bytes) -> int:
    """Whether it is such a log, or a saved Get-MessageTrackingLog."""
    if b"#Software: Microsoft Exchange" in head[:400] and b"Message Tracking" in head[:800]:
        return 98
    return max((93 for line in lines_of(head) if LOGGED.header(line) or (b"atetimeutc" not in line and EXPORTED.header(line))), default=0)


def reader(setting: Setting) -> ExchangeReader:
    """Reads such logs."""
    return ExchangeReader(setting)


class ExchangeReader(TableReader):
    """One row, one event for each of its recipients."""

    columns = LOGGED

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._times = Times(setting.now, UTC, day_first=False)

    def _line(self, number: int, line: bytes, waiting: deque[tuple[int, bytes]], where: str, found: list[Event | Reject]) -> None:
        """A table without #Fields is a saved Get-MessageTrackingLog, whose first line names the columns."""
        if not self._names and line[:1] != b"#" and EXPORTED.header(line):
            self.columns = EXPORTED
        super()._line(number, line, waiting, where, found)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        if state.get("head") and not str(state["head"]).startswith("#"):
            self.columns = EXPORTED
        super().restore(state)

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """The events of one row."""
        if "recipients" in row and "recipientaddress" not in row:  # Get-MessageTrackingLog's own names
            row = {**row, "recipientaddress": row["recipients"].replace(" ", ";").strip("{}"), "senderaddress": row.get("sender", "")}
        events = tracked(row, self._times, self.setting, "exchange")
        for event in events:
            event.where = where
        return events
