"""Microsoft 365: message traces as tables: Get-MessageTrace(V2) and its Detail, historical searches, downloads of the admin center.

Comma, semicolon or tab, UTF-8 or UTF-16.  Extended reports hold the events of the tracking log.  A trace tells no reply texts, only the
Detail rows and extended reports do.
"""
from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from ...model import Event
from .. import Setting
from . import _tracking
from ._csv import Columns, Row, TableReader, lines_of
from ._times import Times
from ._traces import KNOWN, NEEDED, traced

TITLE = "Microsoft 365: message traces (CSV)"
UNIT = "lines"

_EXTENDED = frozenset(("datetimeutc", "eventid", "recipientaddress"))
_OWN_NAMES = frozenset(("senderaddress", "messagetraceid", "toip", "fromip", "recipientstatus", "datetimeutc", "networkmessageid"))
COLUMNS = Columns(KNOWN | _tracking.KNOWN, (*NEEDED, _EXTENDED), "The header is missing (Received, SenderAddress, RecipientAddress, Status …).", comment=b"#TYPE")


def looks(head: bytes) -> int:
    """Whether it begins with the header of a trace; "sender, recipient, status" alone may head anybody's table."""
    for line in lines_of(head):
        header = COLUMNS.header(line)
        if header is not None:
            return 90 if _OWN_NAMES.intersection(header[1]) else 15
    return 0


def reader(setting: Setting) -> TraceReader:
    """Reads such tables."""
    return TraceReader(setting)


class TraceReader(TableReader):
    """One row, one or several recipients."""

    columns = COLUMNS
    takes_json = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._times = Times(setting.now, UTC, day_first=True)  # 24-hour clocks with slashes: everywhere but in en-US, which writes AM/PM

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """The events of one row."""
        events = _tracking.tracked(row, self._times, self.setting, "m365-trace") if "eventid" in row else traced(row, self._times, self.setting)
        for event in events:
            event.where = where
        return events
