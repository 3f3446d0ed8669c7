"""Peels replies: an MTA quotes the host it spoke to, which may quote the host behind it.

"host mx.example.net[192.0.2.1] said: 550 … (in reply to RCPT TO command)" is two layers: the words of the reporting MTA and, inside,
the reply of the host that refused.  The innermost host owns the problem, so both are kept, outermost first.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Reply
from .reply import codes_of

MAX_LAYERS = 6
MAX_REPLY = 8_000  # characters of one reply that are looked at

_HOST = r"(?:host |server |to )?\[?([A-Za-z0-9_.\-]{1,255})\]?\s?[\[(]([0-9A-Fa-f:.]{3,45})[\])](?::\d{1,5})?"


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How one program quotes another: `hint` must stand in the lower-case text before the pattern is tried."""

    id: str
    hint: str
    pattern: re.Pattern[str]
    phase: str = ""
    close: str = ""  # what ends the quotation, taken off its tail


def _wrapper(name: str, hint: str, pattern: str, phase: str = "", close: str = "") -> Wrapper:
    return Wrapper(name, hint, re.compile(pattern, re.IGNORECASE), phase, close)


# Host and address, where the words name them, are groups 1 and 2.
WRAPPERS = (
    _wrapper("said", "said:", _HOST + r"[ \t\n]{1,40}said:\s*"),
    _wrapper("said", "said:", r"host ([A-Za-z0-9_.\-]{1,255})[ \t\n]{1,40}said:\s*"),
    _wrapper("refused", "refused to talk to me", _HOST + r"[ \t\n]{1,40}refused to talk to me:\s*", "connect"),
    _wrapper("exim", "smtp error from remote", r"SMTP error from remote (?:mail server|mailer)(?=[ \t\n]+after)[^:]{0,200}:(?:<[^<>\n]{0,320}>[^:\n]{0,200}:)?\s*(?:host " + r"([A-Za-z0-9_.\-]{1,255}) \[([0-9A-Fa-f:.]{3,45})\]:\s*)?"),
    _wrapper("remote-host-said", "remote host said", r"(?:([A-Za-z0-9_.\-]{1,255}|[0-9A-Fa-f:.]{3,45})(?:[ \t]\[([0-9A-Fa-f:.]{3,45})\])?[ \t](?:does not like recipient|failed after I sent the message|does not like sender)\.\s+)?Remote host said:\s*"),
    _wrapper("did-not-like", "did not like our", _HOST + r" did not like our (?:final )?[A-Z ]{3,12}:?\s*"),
    _wrapper("while-talking", "<<< ", r"<<< (?=[245]\d\d)"),
    _wrapper("remote-server-returned", "remote server returned", r"remote server returned '(?=[^'])", close="'"),
    _wrapper("arrow", "->", r"->\s*['\"<]?\s*(?=#?[245]\d\d[ \-])"),
    _wrapper("hash-smtp", "smtp;", r"#?[245]\.\d{1,3}\.\d{1,3} smtp;\s*(?=#?[245]\d\d)", close=">"),
    _wrapper("bracket", "more recipients (", r"recipients? \([^\s:()]{1,320}:\s*(?=[^)\s:]+[ \-])", close=")"),
    _wrapper("undeliverable-address", "undeliverable address:", r"undeliverable address:\s*"),
    _wrapper("unverified-address", "unverified address:", r"unverified address:\s*"),
    _wrapper("last-error", "last ", r"\blast (?:transfail|error|smtp error|response|reply|failure|attempt)(?: was)?\s?[:=]\s*(?=\S)", close=")"),
    _wrapper("angle", "<4", r"<(?=4\d\d [45]\.\d)", close=">"),
    _wrapper("angle", "<5", r"<(?=5\d\d [45]\.\d)", close=">"),
    _wrapper("response-was", "response", r"(?:server|remote server|the) response (?:from the remote server )?was:\s*"),
    _wrapper("response-was", "server response", r"server response:\s*"),
    _wrapper("returned-was", "returned was", r"other server returned was:\s*", close='"'),
    _wrapper("generated-response", "generated response", r"generated response:\s*"),
    _wrapper("smtp-server-error", "server error:", r"SMTP server error:\s*"),
    _wrapper("got-reply", "got ", r"\bgot (?:code )?\"?(?=[45]\d\d[ \-])"),
)

_IN_REPLY = re.compile(r"\(in\s+reply\s+to\s+([A-Za-z\s]{2,30}?)(?:\s+command)?\)", re.IGNORECASE)
_PHASES = (
    ("end-of-data", re.compile(r"end of data|final data|after i sent the message|data end command|end of message|after sending (?:the )?message|\(eom\)|end-of-message|after dot\b", re.IGNORECASE)),
    ("rcpt", re.compile(r"rcpt[ _]to|\brcpt\b|does not like recipient", re.IGNORECASE)),
    ("mail", re.compile(r"mail[ _]from|(?:but )?sender was rejected|does not like sender", re.IGNORECASE)),
    ("data", re.compile(r"\bdata\b(?! (?:format|loss|connection|base))", re.IGNORECASE)),
    ("starttls", re.compile(r"\bstarttls\b")),
    ("auth", re.compile(r"\bauth(?: command| plain| login)\b", re.IGNORECASE)),
    ("ehlo", re.compile(r"\b(?:ehlo|helo)\b|my name was rejected", re.IGNORECASE)),
    ("connect", re.compile(r"initial connection|refused to talk to me|greeting failed|connect(?:ed|ing|ion)? to .{0,300}(?:timed out|refused|unreachable)|banner", re.IGNORECASE)),
)
_HEADS = ("after ", "did not like our", ">>> ", "remote host said", "sender was rejected", "name was rejected", "refused to talk")
_TYPE = re.compile(r"^\s*(?:smtp|x-[\w-]{1,40}|dns|error|esmtp|lmtp|unknown)\s*;\s*", re.IGNORECASE)


def phase_named(words: str) -> str:
    """The SMTP phase that some words name ("RCPT TO" -> "rcpt"), or ""."""
    for phase, pattern in _PHASES:
        if pattern.search(words):
            return phase
    return ""


def phase_of(text: str, low: str = "") -> str:
    """The phase at which an MTA says it was refused, or "" (RFC 5321 3.3: connect, EHLO, MAIL, RCPT, DATA, end of data).

    `low` is the text in lower case.
    """
    low = low or text.lower()
    if "reply" in low:
        told = _IN_REPLY.search(text)
        if told:
            return phase_named(told[1])
    for head in _HEADS:
        at = low.find(head)
        if at >= 0:
            phase = phase_named(text[at : at + 60])
            if phase:
                return phase
    return ""


def _without_tail(text: str, low: str) -> str:
    """The text without "(in reply to … command)" at its end."""
    at = low.rfind("(in reply to ")
    return text[:at].rstrip() if at > 0 and low.rstrip().endswith(")") and len(low) - at < 80 else text


def untyped(text: str) -> tuple[str, str]:
    """A Diagnostic-Code without its type, and the type (RFC 3464 2.3.6)."""
    found = _TYPE.match(text)
    return (text[found.end() :], found[0].strip(" ;").lower()) if found else (text, "")


def _outermost(text: str, low: str) -> tuple[re.Match[str], Wrapper] | None:
    best: tuple[re.Match[str], Wrapper] | None = None
    for wrapper in WRAPPERS:
        if wrapper.hint in low:
            found = wrapper.pattern.search(text)
            if found and found.end() < len(text) and (best is None or (found.start(), -found.end()) < (best[0].start(), -best[0].end())):
                best = found, wrapper
    return best


def _closed(text: str, wrapper: Wrapper) -> str:
    """The quotation without what closes it."""
    if not wrapper.close:
        return text
    end = text.rfind(wrapper.close)
    return text[:end] if end > 0 else text


def peel(text: str, remote_mta: str = "", remote_ip: str = "") -> tuple[Reply, ...]:
    """The layers of a diagnostic text, outermost first; at least one unless the text is empty."""
    text, _ = untyped(text[:MAX_REPLY].strip())
    layers: list[Reply] = []
    host, address, phase, name = remote_mta, remote_ip, "", ""
    while text and len(layers) < MAX_LAYERS:
        low = text.lower()
        wrapped = _outermost(text, low)
        own = text[: wrapped[0].end()] if wrapped else text
        reply_code, status = codes_of(own if wrapped and wrapped[0].start() > 3 else text)
        phase = phase_of(text, low) or phase
        shown = _without_tail(text, low)
        layers.append(Reply(shown.strip(), reply_code, status, phase, host, address, name))
        if not wrapped:
            break
        found, wrapper = wrapped
        host = (found[1] if found.lastindex and found[1] else "") or host
        address = (found[2] if found.lastindex and found.lastindex > 1 and found[2] else "") or address
        name = wrapper.id
        phase = wrapper.phase or phase
        text = _closed(shown[found.end() :], wrapper).strip()
    return tuple(layers)
