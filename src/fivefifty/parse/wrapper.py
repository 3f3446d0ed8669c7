"""Peels replies: an MTA quotes the host it spoke to, which may quote the host behind it.

"host mx.example.net[192.0.2.1] said: 550 … (in reply to RCPT TO command)" is two layers: the words of the reporting MTA and, inside,
the reply of the host that refused.  The innermost host owns the problem, so both are kept, outermost first.

Every mail passes here, so the common case, a reply that quotes nobody, is told from the others by plain searches for the
wrappers' literals (`hint`); a pattern is only matched where its literal stands, on a copy in lower case.
"""
from __future__ import annotations

import re

from ..model import Reply
from .cue import holds
from .quotation import Quotation, foreign, pipelined, quoting
from .reply import codes_of

MAX_LAYERS = 6
MAX_REPLY = 8_000  # characters of one reply that are looked at
MAX_TRIES = 12  # places of one literal that are tried

_IN_REPLY = re.compile(r"\(in\s+reply\s+to\s+([a-z\s]{2,30}?)(?:\s+command)?\)")
_PHASES = (
    ("end-of-data", re.compile(r"end of data|final data|after i sent the message|data end command|end of message|after sending (?:the )?message|message body|sending data block|\(eom\)|end-of-message|after dot\b")),
    ("rcpt", re.compile(r"rcpt[ _]to|\brcpt\b|does not like recipient")),
    ("mail", re.compile(r"mail[ _]from|(?:but )?sender was rejected|does not like sender")),
    ("data", re.compile(r"\bdata\b(?! (?:format|loss|connection|base))")),
    ("starttls", re.compile(r"\bstarttls\b")),
    ("auth", re.compile(r"\bauth(?: command| plain| login| xoauth2| cram-md5)?\b")),
    ("ehlo", re.compile(r"\b(?:ehlo|helo|lhlo)\b|my name was rejected")),
    ("connect", re.compile(r"initial connection|initial server greeting|refused to talk to me|greeting failed|connect(?:ed|ing|ion)? to .{0,300}(?:timed out|refused|unreachable|no route)|banner")),
)
# What stands in every wording of a phase: plain searches before the patterns.
_PHASE_HINTS = {
    "end-of-data": ("data", "message", "eom", "dot"), "rcpt": ("rcpt", "recipient"), "mail": ("mail", "sender"), "data": ("data",),
    "starttls": ("starttls",), "auth": ("auth",), "ehlo": ("lo", "name"), "connect": ("connect", "initial", "refused", "greeting", "banner"),
}
_PHASES_HINTED = tuple((phase, _PHASE_HINTS[phase], pattern) for phase, pattern in _PHASES)
_HEADS = ("does not like ", "failed after i ", "after ", "did not like our", ">>> ", "remote host said", "sender was rejected", "name was rejected", "refused to talk", "connect to ", "while ")
_MARK = re.compile(r"\n[ \t>|]*<<< ?")
_TYPE = re.compile(r"\s*(?:smtp|x-[\w-]{1,40}|x\.?400|dns|error|esmtp|lmtp|unknown)\s*;\s*", re.IGNORECASE)

# The host a sentence without any quotation speaks of: "connect to H[IP]:25: Connection timed out", "lost connection with H[IP] while …".
_TALKED = re.compile(r"(?:connect to|connection with|conversation with|offered by host|failed; server|connecting to)\s+\[?([a-z0-9_.\-]{1,255})\]?\s?[\[(](?:ipv6:)?([0-9a-f:.]{3,45})[\])]")
_TALKED_HINTS = ("connect", "conversation with", "by host", "; server ")
# Exchange Online names the host beside the error, not around it.
_ATTEMPTED = re.compile(r"\[?lastattemptedservername=([a-z0-9_.\-]{1,255})")
_ATTEMPTED_IP = re.compile(r"lastattemptedip=([0-9a-f.]{7,15}|\[?[0-9a-f:]{3,45}\]?)")


def lower(text: str) -> str:
    """Lower case at the same offsets: U+0130 is the one letter that grows."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "I").lower()


def phase_named(words: str) -> str:
    """The SMTP phase that some words name ("RCPT TO" -> "rcpt"), or ""."""
    words = words.lower()
    for phase, hints, pattern in _PHASES_HINTED:
        for hint in hints:
            if hint in words:
                if pattern.search(words):
                    return phase
                break
    return ""


def phase_of(text: str, low: str = "") -> str:
    """The phase at which an MTA says it was refused, or "" (RFC 5321 3.3: connect, EHLO, MAIL, RCPT, DATA, end of data).

    `low` is the text in lower case, where the caller has it.
    """
    low = low or lower(text)
    if "reply" in low:
        told = _IN_REPLY.search(low)
        if told:
            return phase_named(told[1])
    for head in _HEADS:
        if head in low:  # several times faster than `find`
            at = low.find(head)
            phase = phase_named(low[at : at + (300 if head == "connect to " else 60)])
            if phase:
                return "rcpt" if head == ">>> " and phase == "data" and pipelined(low) else phase
    return ""


def untyped(text: str) -> tuple[str, str]:
    """A Diagnostic-Code without its type, and the type (RFC 3464 2.3.6)."""
    found = _TYPE.match(text) if ";" in text[:60] else None
    return (text[found.end() :], found[0].strip(" ;").lower()) if found else (text, "")


def host_told(low: str) -> tuple[str, str]:
    """Name and address of the host that a sentence about a connection names; "" where there is none."""
    if holds(low, _TALKED_HINTS):
        found = _TALKED.search(low)
        if found:
            return found[1].rstrip("."), found[2]
    if "lastattempted" in low:
        name, ip = _ATTEMPTED.search(low), _ATTEMPTED_IP.search(low)
        return (name[1] if name else ""), (ip[1].strip("[]") if ip else "")
    return "", ""


def _tailed(low: str, start: int, end: int) -> int:
    """Where the text ends without "(in reply to … command)" at its end."""
    at = low.rfind("(in reply to ", max(start, end - 80), end)
    return at if at > start and low[end - 1] == ")" else end


def _next(low: str, span: tuple[int, int], live: list[Quotation]) -> tuple[Quotation, re.Match[str], int] | None:
    """The first quotation in a span of the text and where it stands."""
    start, end = span
    best: tuple[Quotation, re.Match[str], int] | None = None
    own = ""
    for one in live:
        limit = end if best is None else min(end, best[2] + 1)
        at, tries = low.find(one.hint, start, limit), 0
        while at >= 0 and tries < MAX_TRIES:
            found = one.pattern.match(low, at, end)
            if found and found.end() < end:
                if one.fresh:
                    own = own or low[start : start + 200]
                if not one.fresh or _is_fresh(low, span, at, found.end()):
                    if best is None or at < best[2] or found.end() > best[1].end():
                        best = one, found, at
                    break
            at, tries = low.find(one.hint, at + 1, limit), tries + 1
    return best


def _is_fresh(low: str, span: tuple[int, int], at: int, inner: int) -> bool:
    """Whether the code in front of us is another server's word, not a further line of the same reply (RFC 5321 4.2.1)."""
    before = codes_of(low[span[0] : at])
    if not before[0]:
        return True
    again = codes_of(low[inner : min(inner + 40, span[1])])
    if not again[0]:
        return not before[1] or before[1] != again[1]
    return again[0] != before[0] or (bool(again[1]) and again[1] != before[1] and f"{before[0]}-" not in low[span[0] : at + 40])


def peel(text: str, remote_mta: str = "", remote_ip: str = "") -> tuple[Reply, ...]:
    """The layers of a diagnostic text, outermost first; at least one unless the text is empty."""
    text = text[:MAX_REPLY].strip()
    if ";" in text[:60]:
        text = untyped(text)[0].strip()
    if not text:
        return ()
    low = lower(text)
    live = quoting(low)
    if not text.isascii():
        live += foreign(low)
    phase = phase_of(text, low)
    wrapped = _next(low, (0, len(low)), live) if live else None
    if wrapped is None:
        reply_code, status = codes_of(text)
        told = ("", "") if remote_mta else host_told(low)
        end = _tailed(low, 0, len(low)) if low[-1] == ")" else len(low)
        return (Reply(text[:end].rstrip() if end < len(text) else text, reply_code, status, phase, remote_mta or told[0], remote_ip or told[1]),)
    return _peeled(text, low, live, wrapped, Reply(phase=phase, remote_mta=remote_mta, remote_ip=remote_ip))


def _peeled(text: str, low: str, live: list[Quotation], wrapped: tuple[Quotation, re.Match[str], int] | None, base: Reply) -> tuple[Reply, ...]:
    """The layers of a text that quotes at least once; `base` holds what is known of the outermost."""
    layers: list[Reply] = []
    start, end = 0, _tailed(low, 0, len(low))
    host, address, phase, name = base.remote_mta, base.remote_ip, base.phase, ""
    while True:
        own = text[start : wrapped[2] - wrapped[0].keep] if wrapped else text[start:end]
        reply_code, status = codes_of(own) if own else (0, "")
        shown = text[start:end].strip()
        layers.append(Reply(_MARK.sub("\n", shown) if name == "while-talking" else shown, reply_code, status, phase, host, address, name))
        if wrapped is None or len(layers) >= MAX_LAYERS:
            break
        quotation, found, at = wrapped
        named, ip = quotation.host(low, at, found)
        host, address = (named, ip) if named else (host, ip or address)
        name, phase = quotation.id, quotation.phase or quotation.phase_at(low, at) or phase
        start, end = quotation.span(low, found, end)
        while start < end and text[start] in " \t\n":
            start += 1
        if start >= end:
            break
        if name == "while-talking":  # its further lines are the same reply's
            live = [one for one in live if one.id != name]
        wrapped = _next(low, (max(start, found.end()), end), live)
    last = layers[-1]
    if not last.remote_mta and not last.remote_ip:
        named, ip = host_told(low)
        if named or ip:
            layers[-1] = Reply(last.text, last.reply_code, last.status, last.phase, named, ip, last.wrapper)
    return tuple(layers)
