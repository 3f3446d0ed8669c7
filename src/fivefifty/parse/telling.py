"""From the words about one recipient to a Failure: shared by the narrative reader and the special formats.

The words of a narrative report are prose with a reply in it.  The prose in front of the reply becomes the outer layer (the
reporting program's words), the reply the inner one; what the program adds behind the reply is left off.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from ..model import Failure, Reply
from .address import ADDRESS, addresses, clean
from .mime import Mail, decode_words
from .narrative import Story, lower
from .report import expired, sending_ip_of
from .returned import Returned
from .wrapper import peel, phase_named, phase_of

MAX_WORDS = 8_000

_REPLY_START = re.compile(r"(?<![\w./@:-])(?:(?<=[:\s(\['\"<>;,#])|(?<=^))([45][0-7]\d)(?=[ \-:,\t]+(?:#?\(?#?[45]\.\d{1,3}\.\d{1,4}|[A-Za-z<\"'\[(*{:#\u0400-\uffff-]))|(?<![\w./@:-])#?([45]\.\d{1,2}\.\d{1,3})(?= ?[-:\u2013]? ?[A-Za-z<(\[])")
_ENUMERATED = re.compile(r"\n[45]\d\d[ -]")
_TRAILER = re.compile(
    r"\n[ \t]*(?:giving up on |i'm not going to try again|-{3,}[ \t]*(?:smtp command|end of)|no action is required|this has been a permanent|further delivery attempts|\*{8,}|={8,}|_{8,}|"
    r"please (?:contact|check|do not|try|verify|forward)|if you |for (?:more|further) (?:information|assistance|help)|the following (?:addresses|recipients)|\u0420\u0435\u043a\u043e\u043c\u0435\u043d\u0434\u0443\u0435\u043c)")
_HOST_IP = re.compile(r"(?<![\w.@-])([A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_-]{1,63}){1,10})\.? ?[\[(]{1,2}(?:IPv6:)?([0-9A-Fa-f]{1,4}(?:[.:]{1,2}[0-9A-Fa-f]{1,4}){2,7})(?::25)?[\])]")
_HOST = re.compile(r"(?:\bhosts?:?|talking to|connected to|connect(?:ing|ion)? to|remote (?:server|system|host|mta|mail server)[: ]|smtp server|server:?|rejected by|dns;)[ \t]*[<\[]?([A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_-]{1,63}){1,10})(?=[\s.:;,>\])]|$)")
_LABELLED = re.compile(r"remote[- ](?:system|mta|host|server):[ \t]*(?:dns;)?[ \t]*[<\[]?([a-z0-9][a-z0-9.:-]{3,254})")
_IP_ALONE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}$")
_PHASE_CUE = re.compile(
    r"(?:smtp command\W{1,20}|error following |smtp error,? |smtp error from remote (?:mail )?server (?:after|for) |in reply to |in response to |after (?:sending )?(?:the )?|>>> ?|sent <<< ?|--> ?|\bin: +|smtp:|sent: ?|did not like our )(rcpt[_ ]?(?:to)?|mail[_ ]from|mail\b|data\b|text\b|end of data|final data|ehlo|helo|initial connection|starttls|content|body)|"
    r"\[(rcpt_to|mail_from|data|ehlo|helo|eom|final_data|message_data)\]|(body of message generated response|does not like (?:recipient|sender)|failed after i sent the message|(?:my name|sender) was rejected|smtp mail from|connection died|rejected recipient|rejected (?:the )?sender|message content rejected)")
_PHASE_WORDS = {"text": "end-of-data", "content": "end-of-data", "body": "end-of-data", "final data": "end-of-data", "rejected recipient": "rcpt", "rejected sender": "mail", "rejected the sender": "mail",
                "smtp mail from": "mail", "message content rejected": "end-of-data", "body of message generated response": "end-of-data", "eom": "end-of-data", "message data": "end-of-data", "initial connection": "connect", "rcpt": "rcpt", "mail": "mail", "data": "data", "rcpt_": "rcpt", "failed after i sent the message": "end-of-data"}
_ORIGIN = re.compile(r"(?:generated (?:from|by)|expanded from:?|originally addressed to|original address:|original recipient:|forwarded from|alias(?:ed)? (?:of|from))[ \t]*<?")
_PROGRAM = re.compile(r"(?:send program at|mail (?:delivery )?system at(?: host)?|program at(?: host)?|mail server at|mail agent \S{1,20} at|james mail server at|generating server:|reporting-mta:(?:[ \t]*dns;)?|message from|mail system on)[ \t]*<?([a-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){1,10})")
_RECEIVED_AT = re.compile(r"(?:original message was received at|your mail sent on:|arrival-date:|message was received at)[ \t]*([a-z][^\n]{8,60})")


@dataclass
class Telling:
    """A narrative report as a reader has it: the mail, its human text, and what came back with it."""

    mail: Mail
    story: Story
    where: str
    returned: Returned
    delayed: bool = False
    success: bool = False

    @property
    def human(self) -> str:
        """The text above the returned mail."""
        return self.story.human

    @cached_property
    def low(self) -> str:
        """The start of the human text in lower case, at the same offsets."""
        return lower(self.story.human[:8000])

    @cached_property
    def expired(self) -> bool:
        """Whether the text says that the queue time ran out."""
        return expired(self.story.human[:8000])

    @cached_property
    def received(self) -> str:
        """When the reporting host took the mail in, as the text has it."""
        found = _RECEIVED_AT.search(self.low, 0, 3000)
        return self.story.human[found.start(1) : found.end(1)].strip() if found else ""

    @cached_property
    def reporting_mta(self) -> str:
        """The host that wrote the report: named in its text, else the host of its mailer-daemon's address."""
        found = _PROGRAM.search(self.low, 0, 3000)
        if found:
            return found[1].rstrip(".")
        sender = addresses(self.mail.first("from"))[:1]
        name, _, host = sender[0].rpartition("@") if sender else ("", "", "")
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
    return words[: found.start()], words[found.start() : _end_of_reply(words, found.start())]


def layers_of(words: str) -> tuple[Reply, ...]:
    """The layers of a narrative's words: wrappers where it has known ones, else prose and the reply in it."""
    layers = peel(words)
    if not layers:
        return ()
    last = layers[-1]
    prose, reply = _split(last.text)
    if not prose.strip(" \t\n'\"<([:#") and prose == "":
        text = last.text[: _end_of_reply(last.text, 0)] if last.wrapper else last.text
        return (*layers[:-1], replace(last, text=text.strip()))
    inner = peel(reply, last.remote_mta, last.remote_ip)
    if not inner:
        return layers
    outer = replace(last, text=prose.strip(), reply_code=0, status="")
    shown = inner[-1].text.strip().rstrip("]>)'\"") if prose.rstrip().endswith(("[", "<", "'", '"')) else inner[-1].text.strip()
    inner = (*inner[:-1], replace(inner[-1], text=shown, phase=inner[-1].phase or last.phase, wrapper=inner[-1].wrapper or "prose"))
    return (*layers[:-1], outer, *inner) if outer.text or len(layers) > 1 else (*layers[:-1], *inner)


def phase_in(words: str) -> str:
    """The SMTP phase that a program names around the reply it got."""
    low = words[:2000].lower()
    told = _PHASE_CUE.search(low)
    if told is None:
        return phase_of(words, words.lower())
    named = (told[1] or told[2] or told[3]).replace("_", " ").strip()
    return _PHASE_WORDS.get(named) or phase_named(named)


def host_in(words: str, own: str = "") -> tuple[str, str]:
    """Name and address of the remote host that a program's words name."""
    for found in _HOST_IP.finditer(words[:3000]):
        if found[1].lower() != own:
            return ("" if _IP_ALONE.match(found[1]) else found[1].lower()), found[2]
    for found in _HOST.finditer(words[:3000].lower()):
        name = found[1].rstrip(".")
        if name != own:
            return ("", name) if _IP_ALONE.match(name) else (name, "")
    return "", ""


def _labelled(words: str, low: str) -> tuple[str, str]:
    """The host of a "Remote system:" line: among the recipient's own words, else the only such line of the text."""
    found = _LABELLED.search(words) or (_LABELLED.search(low) if low.count("remote") < 20 and len(_LABELLED.findall(low)) == 1 else None)
    return (found[1].rstrip(".:"), "") if found and "." in found[1] else ("", "")


def original_in(words: str, address: str) -> str:
    """The address that an alias or a forwarding turned into this recipient ("generated from", "expanded from")."""
    found = _ORIGIN.search(lower(words))
    told = ADDRESS.match(words, found.end()) if found else None
    one = clean(told[0]) if told else ""
    return one if one.lower() != address.lower() else ""


def _codes(layers: tuple[Reply, ...]) -> tuple[int, str]:
    """Reply code and status of the innermost layer that shows one; a 2xx inside a failure is a number, not a reply."""
    code = next((layer.reply_code for layer in reversed(layers) if layer.reply_code >= 400), 0)
    status = next((layer.status for layer in reversed(layers) if layer.status and layer.status[0] != "2"), "")
    return code, status


def failure_from(telling: Telling, address: str, words: str, layers: tuple[Reply, ...] = ()) -> Failure:
    """The Failure that these words tell about this recipient."""
    words = words[:MAX_WORDS]
    layers, given = layers or layers_of(words), bool(layers)
    last = layers[-1] if layers else Reply()
    reply_code, status = _codes(layers)
    reporting = telling.reporting_mta
    name, ip = (last.remote_mta, last.remote_ip) if last.remote_mta or given else host_in(_prose(layers, words), reporting)
    if not name and not ip and not given:
        name, ip = _labelled(lower(words), telling.low)
    if _IP_ALONE.match(name):
        name, ip = "", ip or name
    phase = next((layer.phase for layer in reversed(layers) if layer.phase), "")
    phase = phase or ("" if given else phase_in(words))
    mail, returned, human = telling.mail, telling.returned, telling.human
    told = len(layers) > 1 or bool(reply_code or status)
    return Failure(
        final_recipient=address, original_recipient=original_in(words, address), stage="delayed" if telling.delayed else ("expired" if telling.expired else ""), status=status,
        reply_code=reply_code, diagnostic_code=" ".join((_without(address, last.text) if told else _said_of(address, words)).split())[:4000],
        phase=phase, reporting_mta=reporting, remote_mta=name, remote_ip=ip or last.remote_ip,
        sending_ip=sending_ip_of(layers), envelope_sender=returned.envelope_sender, author_domain=returned.author_domain, message_id=returned.message_id, subject=returned.subject,
        arrival_date=telling.received, last_attempt_date=mail.first("date"), layers=layers, seen=_seen(telling, reporting), text=human[:6000],
        kind="notice" if telling.delayed or telling.success else "failure", notice="notice.delayed" if telling.delayed else ("notice.success" if telling.success else ""), notes=tuple(mail.notes),
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


def _prose(layers: tuple[Reply, ...], words: str) -> str:
    """What the reporting program says itself: the outer layers without the quoted reply."""
    if len(layers) < 2:
        return words
    inner = layers[-1].text
    return "\n".join(layer.text[: layer.text.find(inner)] if inner and inner in layer.text else layer.text for layer in layers[:-1])


def _seen(telling: Telling, reporting: str) -> dict[str, str]:
    where = telling.where
    seen = dict.fromkeys(("final_recipient", "diagnostic_code", "status", "reply_code", "phase", "remote_mta"), where)
    seen["last_attempt_date"] = "Date of the report"
    if reporting:
        seen["reporting_mta"] = where if reporting in telling.low else "From"
    return seen


def subject_of(mail: Mail) -> str:
    """The report's own subject, decoded."""
    return decode_words(mail.first("subject"))


__all__ = ["Telling", "failure_from", "host_in", "layers_of", "original_in", "phase_in", "subject_of"]
