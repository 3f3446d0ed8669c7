"""Postfix: the mail log, 2.x and 3.x, as syslog, postlogd, journald or a container's log wrote it.

What counts.  Each line "to=<…>, relay=…, status=…" is one attempt for one recipient; sender and Message-ID come from the lines of qmgr and
cleanup with the same queue id.  "bounced" is final, "deferred" and "SOFTBOUNCE" leave the mail in the queue, and qmgr's "status=expired" makes
a final failure of each recipient still open, with the words of its last deferral.  Not counted:

- "deliverable" and "undeliverable": address probes, no mail;
- mails from the null sender: the bounces this host sends itself;
- mail handed to a content filter or to another queue ("queued as" or "forwarded as" a queue id of this log, a relay on this host's ports
  10000 to 10100, a pipe named like a filter): the same recipient's next queue id is what counts;
- what discard(8) throws away: nobody received it;
- "reject" lines, also of authenticated clients: the client was told at once, and no receiving host spoke.

Deliveries on this host (local, virtual, a pipe, LMTP on a socket) carry the fact `local`.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...model import Event
from ...parse.wrapper import phase_of
from .. import Reject, Setting
from ._lines import Fronts, address, decoded, is_ip, is_loopback, unwrapped

TITLE = "Postfix: the mail log"
UNIT = "lines"

MAX_OPEN = 30_000  # mails whose sender and Message-ID are remembered
MAX_GONE = 512  # mails that left the queue last
MAX_WAITING = 10_000  # recipients whose last deferral is remembered
MAX_WORDS = 600  # characters of it
_LONGEST_FIELD = 1_000

_KINDS = {"sent": "delivery", "bounced": "bounce", "deferred": "deferral", "SOFTBOUNCE": "deferral", "softbounce": "deferral", "expired": "bounce"}
_PROBES = frozenset(("deliverable", "undeliverable"))
_NONE, _REMOTE, _LOCAL, _LOOPBACK = range(4)
# possessive throughout: faster, and a hostile line can't make it go back
_ADDRESS = r"((?:\"(?:[^\"\\]|\\.){0,500}\")?+[^>\"]{0,500}+)"
_REST = (
    r"relay=([^,]{1,600}+), (?:conn_use=\d++, )?+delay=(\d{1,9}+(?:\.\d{1,6}+)?+), (?:delays=[\d./]{1,60}+, )?+(?:(?!dsn=|status=)\w++=[^,\s]{1,200}+, ){0,9}+"
    r"(?:dsn=([\d.]{5,11}+), )?+status=([\w-]++)(?: \((.{0,6000}+))?+"
)
_DELIVERY = re.compile(rf"to=<{_ADDRESS}>, (?:orig_to=<{_ADDRESS}>, )?{_REST}", re.DOTALL)
_ODD = re.compile(rf"to=<(.{{1,600}}?)>, (?:orig_to=<(.{{0,600}}?)>, )?{_REST}", re.DOTALL)
_RELAY = re.compile(r"([^\[\]]+)(?:\[([^\]]+)\](?::(\d+))?)?")
_SENDER = re.compile(rb"from=<((?:\"(?:[^\"\\]|\\.){0,500}\")?[^>\"]{0,500}|.{0,600}?)>, (?=size=|status=|nrcpt=)")
_QUEUED = re.compile(r"(?:queued|forwarded) as ([0-9A-Za-z]{5,24})\b")
_FILTER = re.compile(r"filter|spam|amavis|clam|scan|disclaimer|altermime", re.IGNORECASE)
_PEER = re.compile(r"(?:connect to|connection with|conversation with|host) ([\w.-]{1,255})\[([0-9A-Fa-f.:]{3,45})\]")
_PHASES = {
    "rcpt to command)": "rcpt", "end of data command)": "end-of-data", "mail from command)": "mail", "data command)": "data", "ehlo command)": "ehlo", "helo command)": "ehlo", "lhlo command)": "ehlo",
}
_NO_QUEUE_ID = frozenset((b"warning", b"error", b"fatal", b"panic", b"NOQUEUE"))
_LOOKS = re.compile(rb"\bpostfix[\w./-]{0,60}(?:\[\d{1,10}\])?: (?:[0-9A-Za-z]{5,24}|NOQUEUE|connect|disconnect|warning|daemon|statistics|fatal)\b|postfix[\w/-]{1,40} \d{1,10} - ")
_DELIVERS = re.compile(rb": [0-9A-Za-z]{5,24}: to=<.{0,600}>, relay=.{1,600}status=")

# what Event takes, in its order, from recipient on: the last deferral of a recipient
_Deferral = tuple[str, str, str, str, int, str, str]


class _Relay(NamedTuple):
    place: int
    remote_mta: str = ""
    remote_ip: str = ""
    inner: bool = False  # a content filter, by its port or name


_UNKNOWN: tuple[bytes | None, bytes] = (None, b"")


def looks(head: bytes) -> int:
    """Whether these are lines of Postfix."""
    if _LOOKS.search(head):
        return 95
    return 80 if _DELIVERS.search(head) else 0


def reader(setting: Setting) -> PostfixReader:
    """Reads such a log."""
    return PostfixReader(setting)


class PostfixReader:
    """Joins the lines of each mail by its queue id."""

    def __init__(self, setting: Setting) -> None:
        self._fronts = Fronts(setting)
        self._mails: dict[bytes, tuple[bytes | None, bytes]] = {}  # queue id: sender (None: not seen), Message-ID
        self._gone: dict[bytes, bytes] = {}  # queue id: Message-ID, of mails that left the queue
        self._waiting: dict[bytes, dict[str, _Deferral]] = {}  # queue id: recipient: its last deferral
        self._held = 0
        self._relays: dict[str, _Relay] = {}

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events of these lines."""
        found: list[Event | Reject] = []
        mails, gone, waiting = self._mails, self._gone, self._waiting
        if b"\0" in b"".join(lines):  # holes in the file after a crash
            lines = [line.replace(b"\0", b"") for line in lines]
        if any(line[:1] == b"{" for line in lines[:20]):
            lines = [unwrapped(line) for line in lines]
        for number, line in enumerate(lines, first):
            # every line passes here and few are deliveries: one split, a look at one letter, and no call for the commonest three
            try:
                head, queue_id, rest = line.split(b": ", 2)
                letter = rest[0]
            except (ValueError, IndexError):
                if line[:1] in (b"<", b"{"):
                    self._again(line, where, number, found)
                continue
            if not queue_id.isalnum():
                if line[:1] in (b"<", b"{") or queue_id[:4] == b"[ID ":
                    self._again(line, where, number, found)
            elif letter == 116:  # "t"
                if line[:1] == b"{":
                    self._again(line, where, number, found)
                elif rest[:4] == b"to=<" and queue_id not in _NO_QUEUE_ID:
                    self._attempt(line, (head, queue_id, rest), (where, number), found)
            elif letter == 102:  # "f"
                if rest[:6] == b"from=<":
                    end, mail = rest.find(b">, ", 6), mails.get(queue_id, _UNKNOWN)
                    if mail[0] is None and rest[end + 3 : end + 8] == b"size=" and rest[6] != 34 and len(mails) < MAX_OPEN:
                        mails[queue_id] = (rest[6:end], mail[1])
                    else:
                        self._sender(line, (head, queue_id, rest), f"{where}:{number}", found)
            elif letter == 109:  # "m"
                if rest[:11] == b"message-id=":  # cleanup: a new mail, even where the queue id was in use before
                    mails[queue_id] = (None, rest[11:_LONGEST_FIELD])
                    if len(mails) > MAX_OPEN:
                        self._trim()
            elif letter == 114 and rest == b"removed":
                if queue_id in mails:
                    gone[queue_id] = mails.pop(queue_id)[1]
                if queue_id in waiting or len(gone) > MAX_GONE:
                    self._ended(queue_id)
        return found

    def _again(self, line: bytes, where: str, number: int, found: list[Event | Reject]) -> None:
        plain = unwrapped(line)
        if plain != line:
            found += self.read([plain], where, number)

    def end(self) -> list[Event | Reject]:
        """Nothing: each line is complete, and mails still in the queue have no outcome."""
        return []

    def _sender(self, line: bytes, parts: tuple[bytes, bytes, bytes], where: str, found: list[Event | Reject]) -> None:
        """qmgr's line: the mail becomes active, or its time is up."""
        _, queue_id, rest = parts
        told = _SENDER.match(rest)
        if told is None:
            return
        known = self._mails.pop(queue_id, _UNKNOWN)
        self._mails[queue_id] = (told[1], known[1])  # the mails used last stand last
        if len(self._mails) > MAX_OPEN:
            self._trim()
        if rest.startswith((b"status=expired", b"status=force-expired"), told.end()):
            self._expired(line, parts, where, found)

    def _trim(self) -> None:
        """Forget the mails that were not heard of for longest, some at a time: one by one costs more with each."""
        for one in [*self._mails][: MAX_OPEN // 10]:
            del self._mails[one]

    def _ended(self, queue_id: bytes) -> None:
        """The mail left the queue; its id may be used again."""
        self._held -= len(self._waiting.pop(queue_id, ()))
        if len(self._gone) > MAX_GONE:
            for one in [*self._gone][: MAX_GONE // 2]:
                del self._gone[one]

    def _attempt(self, line: bytes, parts: tuple[bytes, bytes, bytes], place: tuple[str, int], found: list[Event | Reject]) -> None:
        """One attempt for one recipient; made for speed: most lines that get here are plain deliveries."""
        head, queue_id, rest = parts
        words = rest.decode("utf-8", "replace")
        told = _DELIVERY.match(words) or _ODD.match(words)
        if told is None:
            found.append(_reject(place, "a delivery whose recipient, relay and status can't all be read (cut short?)", line))
            return
        recipient, original, relayed, delay, status, outcome, text = told.groups("")
        kind = _KINDS.get(outcome, "")
        sender, message_id = self._mails.get(queue_id, _UNKNOWN)
        time, origin = self._fronts.of(head)
        if not kind or sender == b"" or not recipient or time < 0:
            if sender != b"" and outcome not in _PROBES:
                found.append(_reject(place, _why(recipient, kind, outcome), line))
            return
        relay = self._relays.get(relayed) or self._relay(relayed)
        if text[-2:-1] == ")" or "(in reply to " not in text:  # else its end is the reply's, and that of "(…)" was cut off
            text = text.removesuffix(")")
        if kind == "delivery" and (relay.inner or origin.daemon == "discard" or (" as " in text and self._handed_on(relay, text, message_id))):
            return
        event = Event(
            kind, "postfix", time, recipient if recipient.islower() else address(recipient), sender.decode("utf-8", "replace") if sender else "", "", message_id.decode("utf-8", "replace").partition(">")[0].strip("< "),
            queue_id.decode(), origin.host, "", relay.remote_mta, relay.remote_ip, status, 0, "", text, "", "", time - float(delay), where=place[0],
        )
        if kind != "delivery":
            event.where = f"{place[0]}:{place[1]}"
            _failed(event)
        elif text[:4] == "250 ":
            event.reply_code = 250
        else:
            event.reply_code = _code(text)
        if original or relay.place >= _LOCAL:
            event.facts = _facts(original, relay)
        if kind == "deferral" or queue_id in self._waiting:
            self._followed(event, queue_id)
        found.append(event)

    def _relay(self, relayed: str) -> _Relay:
        """What stands behind "relay=", looked at once."""
        if len(self._relays) >= 10_000:
            self._relays.clear()
        relay = self._relays[relayed] = _relay_of(relayed)
        return relay

    def _handed_on(self, relay: _Relay, text: str, message_id: bytes) -> bool:
        """Whether "sent" only means that another queue of this log has the mail now."""
        queued = _QUEUED.search(text)
        if queued is None:
            return False
        if relay.place == _LOCAL and text.startswith("forwarded as "):
            return True
        other = queued[1].encode()
        known = self._mails[other][1] if other in self._mails else self._gone.get(other)
        return known is not None and known == message_id

    def _followed(self, event: Event, queue_id: bytes) -> None:
        """Remembers the last deferral of each recipient until its fate is told."""
        open_ones = self._waiting.pop(queue_id, {})
        self._held -= len(open_ones)
        open_ones.pop(event.recipient, None)
        if event.kind == "deferral":
            open_ones[event.recipient] = (event.text[:MAX_WORDS], event.status, event.remote_mta, event.remote_ip, event.reply_code, event.phase, event.reporting_mta)
        if open_ones:
            self._waiting[queue_id] = open_ones
            self._held += len(open_ones)
        while self._held > MAX_WAITING:
            self._held -= len(self._waiting.pop(next(iter(self._waiting))))

    def _expired(self, line: bytes, parts: tuple[bytes, bytes, bytes], where: str, found: list[Event | Reject]) -> None:
        """The sender gave up: every recipient still open has failed, for the reason of its last deferral."""
        head, queue_id, _ = parts
        sender, message_id = self._mails[queue_id]
        open_ones = self._waiting.pop(queue_id, {})
        self._held -= len(open_ones)
        time, origin = self._fronts.of(head)
        if not sender:
            return
        if time < 0 or not open_ones:
            found.append(Reject(where, "a mail that expired, " + ("without a time that can be read" if time < 0 else "whose recipients don't stand in what was read"), line))
            return
        for recipient, (text, status, remote_mta, remote_ip, reply_code, phase, reporting_mta) in open_ones.items():
            found.append(Event(
                "bounce", "postfix", time, recipient, decoded(sender), "", message_id.decode("utf-8", "replace").partition(">")[0].strip("< "), queue_id.decode(), origin.host or reporting_mta, "", remote_mta, remote_ip,
                status, reply_code, phase, text, stage="expired", where=where,
            ))

    def state(self) -> dict[str, Any]:
        """Senders and Message-IDs of mails in the queue, and what their recipients wait for."""
        return {
            "mails": [[_kept(queue_id), None if sender is None else _kept(sender), _kept(message_id)] for queue_id, (sender, message_id) in self._mails.items()],
            "gone": [[_kept(queue_id), _kept(message_id)] for queue_id, message_id in self._gone.items()],
            "waiting": [[_kept(queue_id), [[recipient, *told] for recipient, told in open_ones.items()]] for queue_id, open_ones in self._waiting.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._mails = {queue_id.encode("latin-1"): (None if sender is None else sender.encode("latin-1"), message_id.encode("latin-1")) for queue_id, sender, message_id in state.get("mails", ())}
        self._gone = {queue_id.encode("latin-1"): message_id.encode("latin-1") for queue_id, message_id in state.get("gone", ())}
        self._waiting = {queue_id.encode("latin-1"): {one[0]: tuple(one[1:]) for one in open_ones} for queue_id, open_ones in state.get("waiting", ())}
        self._held = sum(map(len, self._waiting.values()))


def _kept(content: bytes) -> str:
    """Octets as JSON takes them."""
    return content.decode("latin-1")


def _reject(place: tuple[str, int], reason: str, line: bytes) -> Reject:
    return Reject(f"{place[0]}:{place[1]}", reason, line)


def _why(recipient: str, kind: str, outcome: str) -> str:
    """Why a line that looks like an attempt is none."""
    if not recipient:
        return "a delivery to nobody"
    return "a delivery without a time that can be read" if kind else f"Postfix is not known to say status={outcome[:40]}"


def _relay_of(relayed: str) -> _Relay:
    found = _RELAY.fullmatch(relayed)
    if found is None or relayed == "none":
        return _Relay(_NONE)
    name, where, port = found[1].lower(), found[2], found[3]
    if where is None or "/" in where or not is_ip(where):
        return _Relay(_LOCAL, inner=where is None and bool(_FILTER.search(name)))
    if is_loopback(where):
        return _Relay(_LOOPBACK, "", where, port is not None and 10_000 <= int(port[:6]) <= 10_100)
    return _Relay(_REMOTE, "" if is_ip(name) else name, where)


def _code(text: str) -> int:
    """The reply code a text begins with; 0 where its digits are none of SMTP's."""
    return int(text[:3]) if text[:1] in ("2", "4", "5") and text[:3].isdecimal() and text[:3].isascii() and text[3:4] in (" ", "-", "") else 0


def _facts(original: str, relay: _Relay) -> dict[str, object]:
    facts: dict[str, object] = {"original_recipient": address(original)} if original else {}
    return {**facts, "local": True} if relay.place >= _LOCAL else facts


def _failed(event: Event) -> None:
    """Reply code, phase and host from the words of a bounce or deferral."""
    text = event.text
    at = text.rfind("(in reply to ")
    if at >= 0:
        event.phase = _PHASES.get(text[at + 13 :].lower()) or phase_of(text)
    elif text.startswith("connect to ") or " refused to talk to me: " in text:
        event.phase = "connect"
    elif " while " in text:
        event.phase = phase_of(text[text.find(" while ") :])
    for quotes in (" said: ", " refused to talk to me: "):
        start = text.find(quotes) + len(quotes)
        if start >= len(quotes):
            event.reply_code = _code(text[start : start + 4])
            break
    if not event.remote_mta and not event.remote_ip and "[" in text:
        told = _PEER.search(text)
        if told is not None:
            event.remote_mta, event.remote_ip = "" if is_ip(told[1]) else told[1].lower(), told[2]
