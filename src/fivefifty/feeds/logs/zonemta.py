"""ZoneMTA: what its bounce plugin posts (JSON, or the form it sends by default), saved one a line.

Fields: id, seq, to, returnPath, category, time (ms), response, fbl.  Each is a final failure unless it says `action: defer`.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...model import Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Reject, Setting
from ..webhooks._payload import Table, address, domain, facts, first, host, ip, message_id, moment, name, table, words
from ..webhooks._saved import form
from ._csv import Columns, Row, TableReader, first_of
from ._json import Unreadable

TITLE = "ZoneMTA: bounces as it posts them (JSON or form, one a line)"
UNIT = "lines"

COLUMNS = Columns(frozenset(("id", "seq", "to", "returnpath", "category", "time", "response", "fbl")), (frozenset(("to", "category", "response")),), "It is neither JSON nor a form (id=…&to=…).")


def looks(head: bytes) -> int:
    """Whether the first line is such a bounce."""
    line = head.lstrip(b"\xef\xbb\xbf \r\n")[:4_000]
    if line[:1] == b"{":
        marks = sum(mark in line for mark in (b'"returnPath"', b'"seq"', b'"category"', b'"response"', b'"to"'))
        return 90 if marks >= 4 else 0
    return 85 if line.startswith(b"id=") and b"&to=" in line and b"&category=" in line else 0


def reader(setting: Setting) -> ZonemtaReader:
    """Reads such lines."""
    return ZonemtaReader(setting)


class ZonemtaReader(TableReader):
    """One line, one recipient."""

    columns = COLUMNS
    takes_json = True

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """A row, where somebody saved them as a table."""
        return self.value({**row, "returnPath": first_of(row, "returnpath")}, where)

    def _headless(self, line: bytes, where: str, found: list[Event | Reject]) -> None:
        fields = form(line)
        if "to" not in fields:
            super()._headless(line, where, found)
            return
        try:
            found.extend(self.value(fields, where))
        except Unreadable as reason:
            found.append(Reject(where, str(reason), line))

    def value(self, value: Any, where: str) -> Iterable[Event]:
        """One bounce."""
        told = table(value)
        recipient = address(told.get("to")) or address(told.get("recipient"))
        if not recipient:
            raise Unreadable("It names no recipient (to).")
        time = moment(told.get("time"))
        if not time or time > self.setting.now + 366 * 86_400:
            raise Unreadable("Its time can't be read.")
        sender = first(told.get("returnPath"), told.get("from"))
        if sender == "<>" or ("returnPath" in told and told["returnPath"] == ""):
            return ()  # the bounces this host sends itself
        event = Event("deferral" if name(told.get("action")) in ("defer", "slowdown") else "bounce", "zonemta", time, recipient, address(sender), where=where)
        _fill(event, told)
        return (event,)


def _fill(event: Event, told: Table) -> None:
    event.text = words(told.get("response"))
    event.reply_code, event.status = codes_of(event.text[:300])
    event.phase = phase_of(event.text)
    event.queue_id = name(told.get("id"))
    event.campaign = name(told.get("fbl"))
    headers = table(told.get("headers"))
    event.message_id = message_id(first(told.get("messageId"), headers.get("message-id")))
    event.author_domain = domain(headers.get("from"))
    event.remote_mta = host(first(told.get("mxHostname"), told.get("mx")))
    event.sending_ip = ip(first(told.get("zoneAddress"), told.get("localAddress")))
    if event.queue_id:
        event.native_id = f"{event.queue_id}.{name(told.get('seq'))} {event.recipient} {event.time:.3f}"
    event.facts = facts({"category": name(told.get("category")), "zone": first(told.get("zone"), told.get("sendingZone")), "feedback_id": name(told.get("fbl"))})
