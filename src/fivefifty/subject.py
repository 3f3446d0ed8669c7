"""What is asked about: from what a person types, and from a bounce."""
from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address

from .errors import InputError
from .mailauth.ip_kinds import PUBLIC, ip_kind
from .model import Failure, Subject

MAX_NAME = 253  # octets of a domain name as text, RFC 1035 2.3.4

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,20}://(?:[^/@\s]{0,300}@)?([^/:?#\s]{1,1000})")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_QUOTED_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:]|\.\w)")
# "<x@mail.example.org>: Sender address rejected" (Postfix), "Verification failed for <x@example.org>" (Exim); "<mail.example.org>: Helo command rejected"
_SENDER = re.compile(r"(?:<([^<>\s]{1,64}@[^<>\s]{1,255})>: sender address rejected|verification failed for <([^<>\s]{1,64}@[^<>\s]{1,255})>)", re.IGNORECASE)
_HELO = re.compile(r"<([^<>\s@]{1,255})>: helo command rejected", re.IGNORECASE)
_HINT = "Give a domain name such as example.org."


def domain_name(text: str) -> str:
    """A domain name as A-labels, lower case, from what a person gives: a name, a mail address, a URL, an IDN.

    Raises InputError that says what is wrong with it.
    """
    given = text.strip()
    url = _URL.match(given)
    name = (url[1] if url else given.rpartition("@")[2]).strip().rstrip(".").lower()
    if not name:
        raise InputError("there is no domain name in it", repr(given[:80]), _HINT)
    if is_ip(name):
        raise InputError("this is an IP address, not a domain name", given, "An address of a sending server goes to --sending-ip.")
    ascii_name = name if name.isascii() else _a_labels(name, given)
    if len(ascii_name) > MAX_NAME:
        raise InputError(f"the name has {len(ascii_name)} characters, more than the {MAX_NAME} a domain name can have", f"{given[:60]}…", _HINT)
    for label in ascii_name.split("."):
        if not _LABEL.fullmatch(label):
            raise InputError(_fault(label), given[:120], _HINT)
    return ascii_name


def _a_labels(name: str, given: str) -> str:
    """The A-labels of an internationalized name (RFC 5891; the mapping of UTS 46)."""
    import idna

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise InputError(f"the name can't be written in the DNS: {error}", given[:120], _HINT) from error


def _fault(label: str) -> str:
    if not label:
        return "the name has two dots in a row, or begins with one"
    if len(label) > 63:
        return f"a part of the name has {len(label)} characters, more than the 63 allowed (RFC 1035 2.3.4)"
    if any(char.isspace() for char in label):
        return "the name has a space in it"
    return f"the part {label!r} has characters that a host name can't have"


def is_ip(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address; brackets of an address literal (RFC 5321 4.1.3) are allowed."""
    try:
        ip_address(bare_ip(text))
    except ValueError:
        return False
    return True


def bare_ip(text: str) -> str:
    """An address without the brackets and the tag of a literal."""
    return text.strip().strip("[]").removeprefix("IPv6:").removeprefix("ipv6:")


def ip(text: str) -> str:
    """An IP address in its canonical form; InputError if it is none."""
    try:
        return str(ip_address(bare_ip(text)))
    except ValueError as error:
        raise InputError("this is not an IP address", repr(text[:80]), "Give an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1.") from error


def ips_in(text: str) -> tuple[str, ...]:
    """The IP addresses a text quotes, in their order, each once."""
    found: dict[str, None] = {}
    for match in _QUOTED_IP.finditer(text[:20_000]):
        if is_ip(match[0]):
            found[str(ip_address(match[0]))] = None
    return tuple(found)


def from_failure(failure: Failure, given: Subject | None = None, message: bytes = b"") -> Subject:
    """The subject of a bounce.  `given` holds what the user adds: it goes before what the bounce says.

    The IP that the reply quotes is the one the receiver judged, so it is looked at first; MAIL FROM is kept apart from From:.
    """
    given = given or Subject()
    reply = failure.layers[-1].text if failure.layers else failure.diagnostic_code or failure.text
    remote_ip = next((layer.remote_ip for layer in reversed(failure.layers) if layer.remote_ip), failure.remote_ip)
    quoted = tuple(one for one in ips_in(reply) if one != remote_ip and _may_send(one))
    sending = given.sending_ips or tuple(dict.fromkeys((*quoted, *((failure.sending_ip,) if _may_send(failure.sending_ip) else ()))))
    envelope = failure.envelope_sender or _quoted(_SENDER, reply)
    author = _domain(failure.author_domain) or _domain(envelope)
    return replace(
        given, domain=given.domain or author, sending_ips=sending[:4], helo_name=given.helo_name or failure.helo_name or _quoted(_HELO, reply), message=given.message or message,
        envelope_sender=given.envelope_sender or envelope, author_domain=given.author_domain or author,
        recipient=failure.final_recipient or failure.original_recipient, recipient_domain=_domain(failure.final_recipient or failure.original_recipient),
        remote_mta=(failure.layers[-1].remote_mta if failure.layers else "") or failure.remote_mta, remote_ip=remote_ip, reply=reply,
    )


def _quoted(pattern: re.Pattern[str], reply: str) -> str:
    """What the reply itself says was given at MAIL FROM or HELO, where the bounce does not tell."""
    found = pattern.search(reply[:20_000])
    return next(filter(None, found.groups()), "") if found else ""


def meant_ips(subject: Subject) -> tuple[str, ...]:
    """The sending IPs that the receiver may have judged: those its reply quotes, else all that are public."""
    public = [one for one in subject.sending_ips if ip_kind(one, PUBLIC) == PUBLIC]
    quoted = ips_in(subject.reply)
    return tuple(one for one in public if one in quoted) or tuple(public)


def _may_send(address: str) -> bool:
    """Whether an address that a bounce tells can be the one a receiver judged: 127.0.0.2 is a blocklist's answer, 10.0.0.1 some inner network's."""
    return ip_kind(address, PUBLIC) == PUBLIC


def _domain(address: str) -> str:
    """The domain of an address, "" where it is none that could be asked about."""
    try:
        return domain_name(address) if address.strip("<> ") else ""
    except InputError:
        return ""
