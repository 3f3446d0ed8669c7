"""Rows of Microsoft's message tracking, as Exchange Server logs them and as Microsoft 365 writes them into extended reports.

Which events end a mail's way.  FAIL and BADMAIL: failed.  SENDEXTERNAL, and SEND through a connector that leads outside: delivered.
DELIVER: delivered to a mailbox here.  DEFER: put off.  Everything else is a station: RECEIVE, SUBMIT, TRANSFER, EXPAND, RESOLVE, REDIRECT,
DSN (it follows a FAIL), SEND within the organization, DUPLICATEDELIVER, and all HA… and MAPI events.
"""
from __future__ import annotations

import re
from collections.abc import Sequence

from ...model import Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Setting
from ..webhooks._payload import address, facts, host, identity, ip, message_id, text
from ._csv import Row, first_of
from ._json import Unreadable
from ._times import Times

MAX_RECIPIENTS = 1_000

# names in normal form: Exchange writes them with "-", Microsoft 365 with "_"
KNOWN = frozenset((
    "datetime datetimeutc clientip clienthostname serverip serverhostname sourcecontext connectorid source eventid internalmessageid messageid networkmessageid recipientaddress recipientstatus "
    "totalbytes recipientcount relatedrecipientaddress reference messagesubject senderaddress returnpath messageinfo directionality tenantid originalclientip originalserverip customdata "
    "transporttraffictype logid schemaversion"
).split())
_KINDS = {"FAIL": "bounce", "BADMAIL": "bounce", "SENDEXTERNAL": "delivery", "SEND": "delivery", "DELIVER": "delivery", "DEFER": "deferral"}
_INSIDE = re.compile(r"intra-organization|proxy|mailbox delivery|mailbox transport|internal relay", re.IGNORECASE)
_PART = re.compile(r"\{([A-Za-z]{2,12})=([^{}]{0,3000}(?:\{[^{}]{0,500}\}[^{}]{0,500}){0,5})\}")
_NEXT = re.compile(r";(?=\s*['\"]?(?:[245]\d\d[ -]|\[\{))")
_EXPIRED = re.compile(r"QUEUE\.Expired|\b[45]\.4\.7\b", re.IGNORECASE)
_NUMBER = {"1": "incoming", "2": "originating", "inbound": "incoming", "outbound": "originating"}


def tracked(row: Row, times: Times, setting: Setting, source: str) -> list[Event]:
    """The events of one row, one for each recipient; raises Unreadable."""
    event_id = row.get("eventid", "").strip().upper()
    kind = _KINDS.get(event_id)
    if kind is None or (event_id == "SEND" and _within(row, setting)) or not ours(row, setting):
        return []
    time = times.of(first_of(row, "datetime", "datetimeutc", "timestamp", "date"))
    if not time:
        raise Unreadable("Its time can't be read.")
    recipients = _listed(row.get("recipientaddress", ""))
    if not recipients:
        raise Unreadable("It names no recipient.")
    said = statuses(row.get("recipientstatus", ""), len(recipients))
    return [_event(row, Event(kind, source, time, address(one)), words) for one, words in zip(recipients, said, strict=True) if "@" in one]


def ours(row: Row, setting: Setting) -> bool:
    """Whether somebody here sent it: by its direction, else by the sender's domain where the user's are known.  A bounce has no sender."""
    sender = first_of(row, "senderaddress")
    if "<>" in (row.get("returnpath", "").strip(), sender) or sender.lower().startswith("microsoftexchange"):
        return False
    domain = sender.rpartition("@")[2].lower()
    if setting.own_domains:
        return is_own(domain, setting)
    direction = row.get("directionality", "").strip().lower()
    return _NUMBER.get(direction, direction) != "incoming"


def is_own(domain: str, setting: Setting) -> bool:
    """Whether a domain is the user's, or below one of them."""
    labels = domain.split(".")[:20]
    return any(".".join(labels[at:]) in setting.own_domains for at in range(len(labels)))


def _within(row: Row, setting: Setting) -> bool:
    """A hop between servers of the organization."""
    connector = row.get("connectorid", "").strip()
    other = {row.get("serverhostname", "").strip().lower(), row.get("serverip", "").strip()}
    return not connector or bool(_INSIDE.search(connector)) or not other.isdisjoint(setting.own_hosts)


def _listed(written: str) -> list[str]:
    return [one.strip().strip("'\"") for one in written.split(";") if one.strip()][:MAX_RECIPIENTS]


def statuses(written: str, number: int) -> Sequence[str]:
    """What was said about each of `number` recipients; nothing where the texts can't be assigned, because a text names whom to blame.

    They are parted by ";", which stands inside the texts as well ("550 5.1.1 RESOLVER.ADR.RecipNotFound; not found").
    """
    written = written.strip()
    if number == 1 or not written:
        return [written] * number
    parts = re.split(r"(?<=\]);(?=\[)", written) if written.startswith("[{") else _NEXT.split(written)
    if len(parts) != number:
        parts = written.split(";")
    if len(parts) != number:
        return [""] * number
    return [one.strip() for one in parts]


def _event(row: Row, event: Event, words: str) -> Event:
    event.envelope_sender = address(first_of(row, "returnpath")) or address(first_of(row, "senderaddress"))
    event.author_domain = address(first_of(row, "senderaddress")).rpartition("@")[2]
    event.message_id = message_id(first_of(row, "messageid"))
    event.queue_id = first_of(row, "internalmessageid")
    sent = row.get("eventid", "").strip().upper().startswith("SEND")
    event.reporting_mta = text(first_of(row, "clienthostname" if sent else "serverhostname", "serverhostname", "clienthostname"), 255).lower()  # often a name without dots
    if sent:
        event.sending_ip, event.remote_mta, event.remote_ip = ip(row.get("clientip", "")), host(row.get("serverhostname", "")), ip(row.get("serverip", ""))
    spoken(event, words)
    event.native_id = _identity(row, event)
    event.facts = facts({
        "event_id": row.get("eventid", ""), "tracked_source": row.get("source", ""), "connector": text(row.get("connectorid", ""), 200), "network_message_id": row.get("networkmessageid", ""),
        **({"local": True} if row.get("eventid", "").strip().upper() == "DELIVER" else {}), **({"source_context": text(row.get("sourcecontext", ""), 300)} if event.kind == "bounce" else {}),
    })
    return event


def _identity(row: Row, event: Event) -> str:
    """A mail is delivered once to a recipient, however many servers and events tell it (SEND to an edge server, then SENDEXTERNAL)."""
    mail = first_of(row, "networkmessageid", "messageid")
    if event.kind == "delivery" and mail:
        return identity("delivery", mail, event.recipient)
    return identity(*(row.get(one, "") for one in ("datetime", "datetimeutc", "eventid", "networkmessageid", "internalmessageid", "messageid", "source")), event.recipient)


def spoken(event: Event, words: str) -> None:
    """The words of a recipient-status, "[{LED=550 5.1.1 …};{MSG=};{FQDN=…};{IP=…};{LRT=…}]" or plain; codes of deliveries are left alone."""
    parts = {found[1].upper(): found[2].strip() for found in _PART.finditer(words)} if "{" in words else {}
    said = parts.get("LED", "") or parts.get("MSG", "") if parts else words.strip("[]' ")
    event.remote_mta = event.remote_mta or host(parts.get("FQDN", ""))
    event.remote_ip = event.remote_ip or ip(parts.get("IP", ""))
    if event.kind == "delivery":
        return
    event.text = text(said)
    event.reply_code, event.status = codes_of(event.text[:400])
    event.phase = phase_of(event.text)
    if event.kind == "bounce" and _EXPIRED.search(event.text[:400]):
        event.stage = "expired"
