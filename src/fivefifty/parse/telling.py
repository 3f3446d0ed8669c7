"""From the words about one recipient to a Failure: shared by the narrative reader and the special formats.

The words of a narrative report are prose with a reply in it.  The prose in front of the reply becomes the outer layer (the
reporting program's words), the reply the inner one; what the program adds behind the reply is left off.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..model import Failure, Reply
from . import cue
from .address import ADDRESS, clean
from .mime import Mail, decode_words
from .narrative import Story, each_address, lower
from .report import RETURNED, expired, sending_ip_of
from .returned import Returned
from .wrapper import peel, phase_named

MAX_WORDS = 8_000

# The class stands in front of the look-behinds: the engine then skips to the digits instead of trying every character.
_REPLY_START = re.compile(
    r"[45](?<![\w./@:\-].)(?:(?:(?<=[\s(\['\"<>;,#].)|(?<=^.))[0-7]\d(?=[ \-:,\t]+(?:#?\(?#?[45]\.\d{1,3}\.\d{1,4}|[A-Za-z<\"'\[(*{:#\u0400-\uffff-]))|\.\d{1,2}\.\d{1,3}(?= ?[-:\u2013]? ?[A-Za-z<(\[]))")
_HASH = re.compile(r"(?<![\w./@:-])#\Z")
_TRAILER = re.compile(
    r"\n[ \t]*(?:giving up on |i'm not going to try again|-{3,}[ \t]*(?:smtp command|end of)|no action is required|this has been a permanent|further delivery attempts|\*{8,}|={8,}|_{8,}|"
    r"please (?:contact|check|do not|try|verify|forward)|if you |for (?:more|further) (?:information|assistance|help)|the following (?:addresses|recipients)|\u0420\u0435\u043a\u043e\u043c\u0435\u043d\u0434\u0443\u0435\u043c)")
_HOST_IP = re.compile(r"(?<![\w.@-])([A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_-]{1,63}){1,10})\.? ?[\[(]{1,2}(?:IPv6:)?([0-9A-Fa-f]{1,4}(?:[.:]{1,2}[0-9A-Fa-f]{1,4}){2,7})(?::25)?[\])]")
_BRACKET = re.compile(r"[\[(](?:IPv6:)?[0-9A-Fa-f]{1,4}[.:]")
_HOST = re.compile(r"(?:\bhosts?:?|talking to|connected to|connect(?:ing|ion)? to|remote (?:server|system|host|mta|mail server)[: ]|smtp server|server:?|rejected by|dns;)[ \t]*[<\[]?([A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_-]{1,63}){1,10})(?=[\s.:;,>\])]|$)")
_HOST_CUES = ("host", "server", "connect", "remote ", "talking to", "smtp server", "rejected by", "dns;")
_LABELLED = re.compile(r"remote[- ](?:system|mta|host|server):[ \t]*(?:dns;)?[ \t]*[<\[]?([a-z0-9][a-z0-9.:-]{3,254})")
_IP_ALONE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}$")
_PHASE_CUE = re.compile(
    r"(?:smtp command\W{1,20}|error following |smtp error,? |smtp error from remote (?:mail )?server (?:after|for) |in reply to |in response to |after (?:sending )?(?:the )?|>>> ?|sent <<< ?|--> ?|\bin: +|smtp:|sent: ?|did not like our )(rcpt[_ ]?(?:to)?|mail[_ ]from|mail\b|data\b|text\b|end of data|final data|ehlo|helo|initial connection|starttls|content|body)|"
    r"\[(rcpt_to|mail_from|data|ehlo|helo|eom|final_data|message_data)\]|(body of message generated response|does not like (?:recipient|sender)|failed after i sent the message|(?:my name|sender) was rejected|smtp mail from|connection died|rejected recipient|rejected (?:the )?sender|message content rejected)")
_PHASE_CUES = ("smtp", "after ", "sent", ">>>", "[", "in re", "rejected ", "error following ", "does not like ", "did not like our ", "-->", "in: ", "failed after i", "sender was", "my name was", "connection died", "body of message ", "message content ")
_PHASE_WORDS = {"text": "end-of-data", "content": "end-of-data", "body": "end-of-data", "final data": "end-of-data", "rejected recipient": "rcpt", "rejected sender": "mail", "rejected the sender": "mail",
                "smtp mail from": "mail", "message content rejected": "end-of-data", "body of message generated response": "end-of-data", "eom": "end-of-data", "message data": "end-of-data", "initial connection": "connect", "rcpt": "rcpt", "mail": "mail", "data": "data", "rcpt_": "rcpt", "failed after i sent the message": "end-of-data"}
_ORIGIN = re.compile(r"(?:generated (?:from|by)|expanded from:?|originally addressed to|original address:|original recipient:|forwarded from|alias(?:ed)? (?:of|from))[ \t]*<?")
_ORIGIN_CUES = ("generated ", "expanded from", "original", "forwarded from", "alias")
_PROGRAM = re.compile(r"(?:send program at|mail (?:delivery )?system at(?: host)?|program at(?: host)?|mail server at|mail agent \S{1,20} at|james mail server at|generating server:|reporting-mta:(?:[ \t]*dns;)?|message from|mail system on)[ \t]*<?([a-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){1,10})")
_PROGRAM_CUES = ("mail ", "program at", "generating server", "reporting-mta:", "message from")
_RECEIVED_AT = re.compile(r"(?:original message was received at|your mail sent on:|arrival-date:|message was received at)[ \t]*([a-z][^\n]{8,60})")
_RECEIVED_CUES = ("message was received at", "your mail sent on:", "arrival-date:")


@dataclass(frozen=True, slots=True)
class _Report:
    """What a report says once for all its recipients."""

    reporting_mta: str  # the host that wrote it
    received: str  # when that host took the mail in, as the text has it
    stage: str
    notice: str
    date: str


@dataclass(slots=True)
class Telling:
    """A narrative report as a reader has it: the mail, its human text, and what came back with it."""

    mail: Mail
    story: Story
    where: str
    returned: Returned
    delayed: bool = False
    success: bool = False
    human: str = field(init=False)  # the text above the returned mail
    low: str = field(init=False)  # its start in lower case, at the same offsets
    _report: _Report | None = field(init=False, default=None)
    _layers: dict[str, tuple[Reply, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.human, self.low = self.story.human, self.story.low[:8000]

    def report(self) -> _Report:
        """What is the same for all recipients, read when the first of them needs it."""
        if self._report is None:
            found = cue.first(_RECEIVED_AT, self.low, _RECEIVED_CUES, 0, 3000)
            received = self.human[found.start(1) : found.end(1)].strip() if found else ""
            stage = "delayed" if self.delayed else "expired" if expired(self.low) else ""
            notice = "notice.delayed" if self.delayed else "notice.success" if self.success else ""
            self._report = _Report(_reporting_mta(self.mail, self.low), received, stage, notice, self.mail.first("date"))
        return self._report

    def layers_of(self, words: str) -> tuple[Reply, ...]:
        """The layers of some words of this report, read once."""
        layers = self._layers.get(words)
        if layers is None:
            layers = self._layers[words] = layers_of(words)
        return layers


def _reporting_mta(mail: Mail, low: str) -> str:
    """The host that wrote the report: named in its text, else the host of its mailer-daemon's address."""
    found = cue.first(_PROGRAM, low, _PROGRAM_CUES, 0, 3000)
    if found:
        return found[1].rstrip(".")
    sender = next(each_address(mail.first("from")), None)
    name, _, host = sender[0].removeprefix("mailto:").strip("'").rstrip(".").lstrip("*#=").rpartition("@") if sender else ("", "", "")
    return host.lower() if name.lower().replace("_", "-") in ("mailer-daemon", "mail-daemon", "post-master", "postmaster") else ""


def _end_of_reply(words: str, start: int) -> int:
    """Where the reply that starts at `start` ends: the first blank line that no further line of the reply follows (RFC 5321 4.2.1)."""
    trailer = _TRAILER.search(lower(words), start)
    stop = trailer.start() if trailer else len(words)
    at = words.find("\n\n", start, stop)
    more = words[start : start + 3]
    while at >= 0 and words[at : at + 60].lstrip("\n \t").startswith(more) and more.isdigit():
        at = words.find("\n\n", at + 2, stop)
    return at if at >= 0 else stop


def _split(words: str) -> tuple[str, str]:
    """The prose in front of the reply and the reply; ("", words) where there is none."""
    found = _REPLY_START.search(words)
    if found is None:
        return "", words
    start = found.start()
    if words[start + 1] == "." and _HASH.search(words, max(start - 2, 0), start):
        start -= 1
    return words[:start], words[start : _end_of_reply(words, start)]


def layers_of(words: str) -> tuple[Reply, ...]:
    """The layers of a narrative's words: wrappers where it has known ones, else prose and the reply in it."""
    layers = peel(words)
    if not layers:
        return ()
    last = layers[-1]
    prose, reply = _split(last.text)
    if prose == "":
        text = (last.text[: _end_of_reply(last.text, 0)] if last.wrapper else last.text).strip()
        return layers if text == last.text else (*layers[:-1], _worded(last, text))
    inner = peel(reply, last.remote_mta, last.remote_ip)
    if not inner:
        return layers
    outer = Reply(prose.strip(), 0, "", last.phase, last.remote_mta, last.remote_ip, last.wrapper)
    said = inner[-1]
    shown = said.text.strip().rstrip("]>)'\"") if prose.rstrip().endswith(("[", "<", "'", '"')) else said.text.strip()
    said = Reply(shown, said.reply_code, said.status, said.phase or last.phase, said.remote_mta, said.remote_ip, said.wrapper or "prose")
    return (*layers[:-1], outer, *inner[:-1], said) if outer.text or len(layers) > 1 else (*layers[:-1], *inner[:-1], said)


def _worded(layer: Reply, text: str) -> Reply:
    return Reply(text, layer.reply_code, layer.status, layer.phase, layer.remote_mta, layer.remote_ip, layer.wrapper)


def phase_in(low: str) -> str:
    """The SMTP phase that a program names around the reply it got; `low` is what it says in lower case."""
    told = cue.first(_PHASE_CUE, low, _PHASE_CUES, 0, 2000)
    if told is None:
        return ""
    named = (told[1] or told[2] or told[3]).replace("_", " ").strip()
    return _PHASE_WORDS.get(named) or phase_named(named)


def _first_bracket(words: str) -> int:
    """Where the word begins that the first address in brackets stands behind; -1 where there is none."""
    found = _BRACKET.search(words, 0, 3000)
    if not found:
        return -1
    at = found.start()
    while at > 0 and words[at - 1] in "[(":
        at -= 1
    at -= words[at - 1 : at] == " "
    return words.rfind(" ", 0, at) + 1


def host_in(words: str, low: str, own: str = "") -> tuple[str, str]:
    """Name and address of the remote host that a program's words name; `low`: the same in lower case."""
    start = _first_bracket(words)
    for found in _HOST_IP.finditer(words, start, 3000) if start >= 0 else ():
        if found[1].lower() != own:
            return ("" if _IP_ALONE.match(found[1]) else found[1].lower()), found[2]
    told = cue.first(_HOST, low, _HOST_CUES, 0, 3000)
    while told:
        name = told[1].rstrip(".")
        if name != own:
            return ("", name) if _IP_ALONE.match(name) else (name, "")
        told = cue.first(_HOST, low, _HOST_CUES, told.end(), 3000)
    return "", ""


def _labelled(words: str, low: str) -> tuple[str, str]:
    """The host of a "Remote system:" line: among the recipient's own words, else the only such line of the text."""
    if "remote" not in words and "remote" not in low:
        return "", ""
    found = _LABELLED.search(words) or (_LABELLED.search(low) if low.count("remote") < 20 and len(_LABELLED.findall(low)) == 1 else None)
    return (found[1].rstrip(".:"), "") if found and "." in found[1] else ("", "")


def original_in(words: str, low: str, address: str) -> str:
    """The address that an alias or a forwarding turned into this recipient ("generated from", "expanded from")."""
    found = cue.first(_ORIGIN, low, _ORIGIN_CUES)
    told = ADDRESS.match(words, found.end()) if found else None
    one = clean(told[0]) if told else ""
    return one if one.lower() != address.lower() else ""


def _codes(layers: tuple[Reply, ...]) -> tuple[int, str]:
    """Reply code and status of the innermost layer that shows one; a 2xx inside a failure is a number, not a reply."""
    code = next((layer.reply_code for layer in reversed(layers) if layer.reply_code >= 400), 0)
    status = next((layer.status for layer in reversed(layers) if layer.status and layer.status[0] != "2"), "")
    return code, status


def _hosts(telling: Telling, words: str, low: str, layers: tuple[Reply, ...]) -> tuple[str, str]:
    """The remote host that the words around the reply name."""
    prose, prose_low = (words, low) if len(layers) < 2 else _prose(layers)
    name, ip = host_in(prose, prose_low, telling.report().reporting_mta)
    return (name, ip) if name or ip else _labelled(low, telling.low)


def failure_from(telling: Telling, address: str, words: str, layers: tuple[Reply, ...] = ()) -> Failure:
    """The Failure that these words tell about this recipient."""
    words = words[:MAX_WORDS]
    low = telling.low if words is telling.human else lower(words)
    layers, given = layers or telling.layers_of(words), bool(layers)
    last = layers[-1] if layers else Reply()
    reply_code, status = _codes(layers)
    report, mail, returned = telling.report(), telling.mail, telling.returned
    name, ip = (last.remote_mta, last.remote_ip) if last.remote_mta or given else _hosts(telling, words, low, layers)
    if _IP_ALONE.match(name):
        name, ip = "", ip or name
    phase = next((layer.phase for layer in reversed(layers) if layer.phase), "")
    phase = phase or ("" if given else phase_in(low))
    told = len(layers) > 1 or bool(reply_code or status)
    return Failure(
        final_recipient=address, original_recipient=original_in(words, low, address), stage=report.stage, status=status,
        reply_code=reply_code, diagnostic_code=" ".join((_without(address, last.text) if told else _said_of(address, words)).split())[:4000],
        phase=phase, reporting_mta=report.reporting_mta, remote_mta=name, remote_ip=ip or last.remote_ip,
        sending_ip=sending_ip_of(layers), envelope_sender=returned.envelope_sender, author_domain=returned.author_domain, message_id=returned.message_id, subject=returned.subject,
        arrival_date=report.received, last_attempt_date=report.date, layers=layers, seen=_seen(telling, report.reporting_mta), text=telling.human[:6000],
        kind="notice" if report.notice else "failure", notice=report.notice, notes=tuple(mail.notes),
    )


def _without(address: str, text: str) -> str:
    """A text without the line that only names its recipient."""
    head, line, rest = text.partition("\n")
    return rest if line and address and address in head and len(head) < len(address) + 6 else text


def _said_of(address: str, words: str) -> str:
    """The prose about a recipient where no reply is quoted: the first paragraph that says more than the address."""
    if len(words) > 2000 or address not in words:
        return ""
    for paragraph in words.replace(address, "", 1).split("\n\n"):
        text = paragraph.strip(" \t\n<>:;,.*-\"'()[]")
        if len(text) > 8:
            return text[:1000]
    return ""


def _prose(layers: tuple[Reply, ...]) -> tuple[str, str]:
    """What the reporting program says itself, the outer layers without the quoted reply, and the same in lower case."""
    inner = layers[-1].text
    words = "\n".join(layer.text[: layer.text.find(inner)] if inner and inner in layer.text else layer.text for layer in layers[:-1])
    return words, lower(words)


def _seen(telling: Telling, reporting: str) -> dict[str, str]:
    where = telling.where
    seen = dict.fromkeys(("final_recipient", "original_recipient", "diagnostic_code", "status", "reply_code", "phase", "stage", "remote_mta", "remote_ip", "sending_ip", "arrival_date"), where)
    seen.update([(name, f"returned mail: {header}") for name, header in RETURNED.items() if getattr(telling.returned, name)])
    seen["last_attempt_date"] = "Date of the report"
    if reporting:
        seen["reporting_mta"] = where if reporting in telling.low else "From"
    return seen


def subject_of(mail: Mail) -> str:
    """The report's own subject, decoded."""
    return decode_words(mail.first("subject"))


__all__ = ["Telling", "failure_from", "host_in", "layers_of", "original_in", "phase_in", "subject_of"]
