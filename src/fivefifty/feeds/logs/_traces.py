"""Rows of Microsoft 365 message traces, whatever asked for them: cmdlets, historical searches, the admin center, Graph.

Columns are known by any of their names (Received, ReceivedDateTime, origin_timestamp_utc …).  All times are UTC.  A trace does not say
which mails are one's own: the user's domains do (`--own-domain`), else the direction, else that a host outside took the mail (ToIP).
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from ...model import Event
from .. import Setting
from ..webhooks._payload import address, facts, identity, ip, message_id
from ._csv import Row, first_of
from ._json import Unreadable
from ._times import Times
from ._tracking import ours, spoken

KNOWN = frozenset((
    "organization messageid received receiveddatetime senderaddress recipientaddress subject status toip fromip size messagetraceid startdate enddate index runspaceid date event action detail data "
    "origintimestamp origintimestamputc recipientstatus messagesubject totalbytes networkmessageid originalclientip directionality connectorid deliverypriority sender recipient recipients dateutc dateutc000 "
    "id receivedutc deliverystatus"
).split())
NEEDED = (
    frozenset(("senderaddress", "recipientaddress", "status")), frozenset(("senderaddress", "recipientstatus")), frozenset(("sender", "recipient", "status", "messageid")),
    frozenset(("sender", "recipients", "status")), frozenset(("date", "event", "action", "detail")), frozenset(("sender", "recipient", "deliverystatus")),
)
_TIMES = ("received", "receiveddatetime", "receivedutc", "origintimestamputc", "origintimestamp", "dateutc", "date")
_KINDS = {
    "delivered": "delivery", "deliver": "delivery", "send": "delivery", "sent": "delivery", "sendexternal": "delivery", "failed": "bounce", "fail": "bounce", "drop": "bounce",
    "pending": "deferral", "defer": "deferral", "deferred": "deferral", "filteredasspam": "notice", "quarantined": "notice", "quarantine": "notice",
}
_STATIONS = frozenset("expanded expand gettingstatus none receive received submit transfer redirect resolve resolved processed agentinfo journal spam unknown".split())
_ALSO = re.compile(r"([^;#\s]{1,320})##([^;]{1,200})")
_REASON = re.compile(r"Reason:\s*", re.IGNORECASE)


def traced(row: Row, times: Times, setting: Setting) -> list[Event]:
    """The events of one row; raises Unreadable."""
    row = {**row, "senderaddress": first_of(row, "senderaddress", "sender")}
    if not ours(row, setting):
        return []
    found = [one for recipient, status in _outcomes(row) if (one := _event(row, recipient, status, times, setting)) is not None]
    return found


def _outcomes(row: Row) -> Iterator[tuple[str, str]]:
    """(recipient, status): "a@x##Receive, Fail; b@y##Receive, Send" tells several."""
    together = row.get("recipientstatus", "")
    if "##" in together:
        yield from ((found[1], found[2]) for found in _ALSO.finditer(together))
        return
    status = first_of(row, "status", "deliverystatus", "event", "recipientstatus")
    for one in first_of(row, "recipientaddress", "recipient", "recipients").split(";"):
        yield one, status


def _event(row: Row, written: str, status: str, times: Times, setting: Setting) -> Event | None:
    last = status.rpartition(",")[2].replace(" ", "").strip().lower()
    kind = _KINDS.get(last)
    if last in _STATIONS or (kind == "delivery" and _from_outside(row, setting)):
        return None
    if kind is None:
        raise Unreadable(f"The status {status[:40]!r} is none of message traces.")
    recipient = address(written)
    if not recipient:
        raise Unreadable("It names no recipient: export details together with RecipientAddress.")
    time = times.of(first_of(row, *_TIMES))
    if not time:
        raise Unreadable("Its time can't be read.")
    return _filled(row, Event(kind, "m365-trace", time, recipient), last)


def _from_outside(row: Row, setting: Setting) -> bool:
    """Delivered to a mailbox of the tenant: perhaps from outside, and without the user's domains nobody can tell."""
    return not setting.own_domains and "toip" in row and not row["toip"].strip() and not row.get("directionality", "").strip()


def _filled(row: Row, event: Event, status: str) -> Event:
    event.envelope_sender = address(row["senderaddress"])
    event.author_domain = event.envelope_sender.rpartition("@")[2]
    event.message_id = message_id(first_of(row, "messageid"))
    event.remote_ip = ip(first_of(row, "toip"))
    trace = first_of(row, "messagetraceid", "networkmessageid", "id")
    detail = row.get("detail", "")
    if detail and event.kind != "delivery":
        said = _REASON.search(detail)
        spoken(event, detail[said.end() :] if said else detail)
    event.native_id = identity(trace or event.message_id, event.kind, event.recipient, "detail" if detail else "") if trace or event.message_id else ""
    event.facts = facts({"trace_status": status, "message_trace_id": trace, **({"local": True} if event.kind == "delivery" and "toip" in row and not event.remote_ip else {})})
    return event
