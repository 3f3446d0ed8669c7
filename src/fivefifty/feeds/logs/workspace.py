"""Google Workspace: Gmail logs out of BigQuery (JSON lines, or CSV with the record names before dots), and Email Log Search downloads.

Only mail that left for another server counts (message_info.action_type 10 sent by SMTP, 14 to be tried again, 18 bounced); what came in
from outside never does.  Gmail logs hold the reply code but seldom its text; `description` is Google's own sentence.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...model import Event
from ...parse.reply import codes_of
from .. import Setting
from ..webhooks._payload import Table, address, code, facts, first, host, identity, ip, items, message_id, moment, name, table, text
from ._csv import Columns, Row, TableReader, first_of, looks_like
from ._json import Unreadable
from ._times import Times
from ._tracking import is_own

TITLE = "Google Workspace: Gmail logs (BigQuery) and Email Log Search"
UNIT = "lines"

_EVENT, _MESSAGE, _CONNECTION = "eventinfo", "messageinfo", "messageinfoconnectioninfo"
COLUMNS = Columns(
    frozenset((
        "eventinfotimestampusec eventinfosuccess eventinfomaileventtype messageinfoactiontype messageinforfc2822messageid messageinfosourceaddress messageinfodestinationaddress messageinfoflatteneddestinations "
        "messageid startdate enddate sender messagesize subject direction attachments recipientaddress eventtarget eventdate eventstatus eventtargetipaddress hasencryption eventsmtpreplycode eventdescription "
        "clienttype deviceusersessionid delegate timeusec gmaileventinfotimestampusec gmailmessageinfoactiontype gmailmessageinfosourceaddress gmailmessageinfoflatteneddestinations"
    ).split()),
    (
        frozenset(("eventinfotimestampusec", "messageinfoactiontype")), frozenset(("gmaileventinfotimestampusec", "gmailmessageinfoactiontype")), frozenset(("timeusec", "gmailmessageinfoactiontype")),
        frozenset(("messageid", "recipientaddress", "eventstatus")), frozenset(("recipientaddress", "eventtarget", "eventdate")),
    ),
    "The header is missing (event_info.timestamp_usec …, or Message ID, Recipient address, Event status …).",
)
_ACTIONS = {10: "delivery", 14: "deferral", 18: "bounce"}
# Email Log Search: the words that an event status holds
_STATUSES = (("bounce", "bounce"), ("reject", "bounce"), ("fail", "bounce"), ("defer", "deferral"), ("retry", "deferral"), ("transient", "deferral"), ("temporar", "deferral"), ("deliver", "delivery"), ("sent", "delivery"))


def looks(head: bytes) -> int:
    """Whether it is one of these exports."""
    start = head.lstrip(b"\xef\xbb\xbf \r\n[")
    if start[:1] == b"{":
        return 92 if b'"message_info"' in head or b'"event_info"' in head else 0
    return looks_like(COLUMNS, head, 92)


def reader(setting: Setting) -> WorkspaceReader:
    """Reads such exports."""
    return WorkspaceReader(setting)


class WorkspaceReader(TableReader):
    """One row or object, one step of one mail."""

    columns = COLUMNS
    takes_json = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._times = Times(setting.now, setting.zone, day_first=False)

    def value(self, value: Any, where: str) -> Iterable[Event]:
        """A Gmail log event, as BigQuery nests it."""
        value = table(value)
        value = table(value.get("gmail")) or value
        message = table(value.get("message_info"))
        if not message:
            return super().value(value, where)  # names with dots or underscores in one level
        told = {normal_name: one for record, inner in ((_EVENT, table(value.get("event_info"))), (_MESSAGE, message), (_CONNECTION, table(message.get("connection_info")))) for normal_name, one in _plain(record, inner)}
        told["sourceaddress"], told["sourceservice"] = table(message.get("source")).get("address"), table(message.get("source")).get("service")
        goals = [(address(one.get("address")), name(one.get("service")), name(one.get("rcpt_response"))) for one in map(table, items(message.get("destination")))]
        return self._logged(told, goals, first(message.get("from_header_address"), table(message.get("source")).get("from_header_address")), where)

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """A row of either table."""
        if "eventstatus" in row or "eventtarget" in row:
            return self._searched(row, where)
        told: Table = {key.removeprefix("gmail"): value for key, value in row.items()}
        told["sourceaddress"], told["sourceservice"] = told.get("messageinfosourceaddress"), told.get("messageinfosourceservice")
        goals = _flattened(name(told.get("messageinfoflatteneddestinations"))) or [(address(told.get("messageinfodestinationaddress")), name(told.get("messageinfodestinationservice")), "")]
        return self._logged(told, goals, name(told.get("messageinfosourcefromheaderaddress")), where)

    def _logged(self, told: Mapping[str, Any], goals: list[tuple[str, str, str]], author: str, where: str) -> list[Event]:
        number = _whole(told.get(_MESSAGE + "actiontype"))
        kind = _ACTIONS.get(number)
        sender = address(told.get("sourceaddress"))
        if kind is None or not self._ours(sender, name(told.get("sourceservice"))):
            return []
        time = moment(_whole(told.get(_EVENT + "timestampusec")), _whole(told.get("timeusec")))
        if not time or time > self.setting.now + 366 * 86_400:
            raise Unreadable("Its time (event_info.timestamp_usec) can't be read.")
        reply = code(_whole(told.get(_CONNECTION + "smtpreplycode")))
        if kind == "delivery" and reply >= 400:
            kind = "deferral" if reply < 500 else "bounce"
        goals = [one for one in goals if one[0]]
        if not goals:
            raise Unreadable("It names no recipient.")
        return [self._event(told, Event(kind, "workspace", time, goal[0], sender, reply_code=reply, where=where), goal, author) for goal in goals]

    def _event(self, told: Mapping[str, Any], event: Event, goal: tuple[str, str, str], author: str) -> Event:
        event.author_domain = address(author).rpartition("@")[2] or event.envelope_sender.rpartition("@")[2]
        event.message_id = message_id(told.get(_MESSAGE + "rfc2822messageid"))
        event.remote_mta = host(told.get(_CONNECTION + "smtpoutremotehost"))
        event.remote_ip = ip(told.get(_CONNECTION + "smtpoutconnectip")) or ip(told.get(_CONNECTION + "failedsmtpoutconnectip"))
        if event.kind != "delivery":
            said = text(told.get(_MESSAGE + "description"))
            event.text = goal[2] or ("" if said in ("No Error", "OK") else said)
            number, event.status = codes_of(event.text[:300])
            event.reply_code = event.reply_code or number
        event.native_id = identity(told.get(_EVENT + "timestampusec"), told.get(_MESSAGE + "actiontype"), event.message_id, event.recipient)
        event.facts = facts({"reply_reason": _whole(told.get(_CONNECTION + "smtpresponsereason")) or "", "service": goal[1]})
        return event

    def _ours(self, sender: str, service: str) -> bool:
        """Never what came in from outside, nor the bounces Google writes."""
        if not sender or service == "smtp-inbound" or sender.startswith("mailer-daemon@"):
            return False
        return not self.setting.own_domains or is_own(sender.rpartition("@")[2], self.setting)

    def _searched(self, row: Row, where: str) -> Iterable[Event]:
        """Email Log Search: one row for each step; only steps towards another server tell what became of mail that was sent."""
        sender = address(row.get("sender", ""))
        target = row.get("eventtarget", "").strip().upper().replace(" ", "_")
        if row.get("direction", "").strip().lower() == "received" or not self._ours(sender, "") or (target and "SMTP_OUT" not in target and "BOUNCE" not in row.get("eventstatus", "").upper()):
            return []
        reply = code(row.get("eventsmtpreplycode", "").strip()[:3])
        kind = _status(row.get("eventstatus", "").lower(), reply)
        if not kind:
            return []
        time = self._times.of(first_of(row, "eventdate", "enddate", "startdate"))
        recipient = address(row.get("recipientaddress", ""))
        if not time or not recipient:
            raise Unreadable("Its time can't be read." if recipient else "It names no recipient.")
        event = Event(kind, "workspace", time, recipient, sender, sender.rpartition("@")[2], message_id(row.get("messageid", "")), reply_code=reply, where=where)
        event.remote_ip = ip(row.get("eventtargetipaddress", "").strip())
        event.sent_at = self._times.of(row.get("startdate", ""))
        if kind != "delivery":
            event.text = text(row.get("eventdescription", ""))
            event.status = codes_of(event.text[:300])[1]
        event.native_id = identity(event.message_id, recipient, kind, row.get("eventdate", ""), row.get("eventstatus", ""))
        return [event]


def _status(said: str, reply: int) -> str:
    """The reply code goes before the word: "Delivered to SMTP server" and 550 is no delivery."""
    if reply:
        return "delivery" if reply < 400 else "deferral" if reply < 500 else "bounce"
    return next((kind for word, kind in _STATUSES if word in said), "")


def _plain(record: str, inner: Table) -> Iterable[tuple[str, Any]]:
    return ((record + str(key).replace("_", "").lower(), one) for key, one in inner.items() if not isinstance(one, (dict, list)))


def _whole(value: Any) -> int:
    """BigQuery writes 64-bit numbers as strings."""
    if isinstance(value, str):
        value = value.strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 19 else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def _flattened(written: str) -> list[tuple[str, str, str]]:
    """flattened_destinations: service:selector:address, several parted by commas or blanks."""
    found = []
    for one in written.replace(",", " ").split()[:1_000]:
        parts = one.split(":", 2)
        recipient = address(parts[-1])
        if recipient:
            found.append((recipient, parts[0] if len(parts) == 3 else "", ""))
    return found
