"""DNS messages as bytes (RFC 1035 4): one question out, one answer in.

Our own because a bulk audit asks tens of thousands of questions a second in one process; general libraries build an object for every
label.  Whatever arrives may be hostile: every length is checked, a compression pointer only leads backwards, and anything that does not
add up is a WireError.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from .rdata import MNEMONICS, READERS, TYPES, WireError, read_name, skip_name, unknown

__all__ = ["MNEMONICS", "TYPES", "Message", "Rr", "WireError", "question", "read"]

_HEADER, _FIXED, _OPTION = Struct(">HHHHHH"), Struct(">HHIH"), Struct(">HH")
IN, OPT, SOA, NS, CNAME = 1, 41, 6, 2, 5
# DO (RFC 3225), and 1232 octets so that no answer is fragmented (RFC 9715)
_WITH_EDNS = b"\x00" + _FIXED.pack(OPT, 1232, 0x8000, 0)
RD, AD, CD, TC, RA, AA, QR = 0x0100, 0x0020, 0x0010, 0x0200, 0x0080, 0x0400, 0x8000
EDE_TEXT = {  # RFC 8914 4, RFC 9567
    0: "other error", 1: "unsupported DNSKEY algorithm", 2: "unsupported DS digest type", 3: "stale answer", 4: "forged answer",
    5: "DNSSEC indeterminate", 6: "DNSSEC bogus", 7: "signature expired", 8: "signature not yet valid", 9: "DNSKEY missing",
    10: "RRSIGs missing", 11: "no zone key bit set", 12: "NSEC missing", 13: "cached error", 14: "not ready", 15: "blocked",
    16: "censored", 17: "filtered", 18: "prohibited", 19: "stale NXDOMAIN answer", 20: "not authoritative", 21: "not supported",
    22: "no reachable authority", 23: "network error", 24: "invalid data", 25: "signature expired before valid", 26: "too early",
    27: "unsupported NSEC3 iterations value", 28: "unable to conform to policy", 29: "synthesized", 30: "invalid query type",
}
DNSSEC_FAULTS = frozenset((1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 25, 27))


class Rr(NamedTuple):
    """A resource record; `value` is what DnsAnswer.records holds for its type (TXT: the joined string and the lengths)."""

    name: str
    rrtype: int
    ttl: int
    value: Any


@dataclass(slots=True)
class Message:
    """An answer as read.  Of the authority section only SOA and NS are kept, of the additional section only EDNS."""

    flags: int
    rcode: int
    asked: bool  # the question we sent is there, word for word
    answers: list[Rr]
    authority: list[Rr]
    edns: bool = False
    faults: tuple[tuple[int, str], ...] = ()  # extended errors (RFC 8914)

    @property
    def fault(self) -> str:
        """The extended errors in words."""
        return "; ".join(f"{EDE_TEXT.get(number, f'extended error {number}')}{f': {text}' if text else ''}" for number, text in self.faults)


def question(name: bytes, rrtype: int, *, edns: bool = True, check: bool = True) -> bytes:
    """The message that asks for `name` (in wire form), without its two octets of ID; `check` False sets CD (RFC 4035 3.2.2)."""
    # AD in a question says that we understand AD in the answer (RFC 6840 5.7)
    flags = RD | (AD if edns else 0) | (0 if check else CD)
    return _HEADER.pack(0, flags, 1, 0, 0, 1 if edns else 0)[2:] + asked(name, rrtype) + (_WITH_EDNS if edns else b"")


def asked(name: bytes, rrtype: int) -> bytes:
    """The question section for a name in wire form."""
    return name + rrtype.to_bytes(2, "big") + b"\x00\x01"


def read(data: bytes, section: bytes, name: str = "") -> Message:
    """An answer to the question `section`, whose name reads `name`; raises WireError for what can't be read."""
    try:
        return _read(data, section, name)
    except (StructError, IndexError) as error:
        raise WireError("it ends too early") from error


def _read(data: bytes, section: bytes, name: str) -> Message:
    _, flags, questions, answers, authority, additional = _HEADER.unpack_from(data)
    end = 12 + len(section)
    same = questions == 1 and same_question(data[12:end], section)
    at = end if same else _skip_questions(data, questions)
    names = {12: name} if same and name else {}
    said: list[Rr] = []
    for _ in range(answers):
        at = _record(data, at, names, said)
    beside: list[Rr] = []
    for _ in range(authority):
        at = _record(data, at, names, beside, (SOA, NS))
    message = Message(flags, flags & 15, same, said, beside)
    for _ in range(additional):
        at = _additional(data, at, message)
    if at != len(data):
        raise WireError(f"{len(data) - at} octets follow after its end")
    return message


def same_question(one: bytes, other: bytes) -> bool:
    """Whether two question sections are the same; the name in any case (RFC 4343)."""
    return one == other or (one[-4:] == other[-4:] and one[:-4].lower() == other[:-4].lower())


def _skip_questions(data: bytes, count: int) -> int:
    at = 12
    for _ in range(count):
        at = skip_name(data, at) + 4
    return at


def _record(data: bytes, at: int, names: dict[int, str], into: list[Rr], wanted: tuple[int, ...] = ()) -> int:
    """Read one record; of the types not wanted only the length."""
    owner = at
    if data[at] >= 0xC0 and (seen := names.get((data[at] & 0x3F) << 8 | data[at + 1])):
        name, at = seen, at + 2
    else:
        name, at = read_name(data, at)
        if owner < 0x4000:
            names[owner] = name
    rrtype, rrclass, ttl, length = _FIXED.unpack_from(data, at)
    at += 10
    end: int = at + length
    if end > len(data):
        raise WireError("a record is longer than the message")
    if rrclass == IN and (rrtype in wanted if wanted else rrtype != OPT):
        # a TTL with the highest bit set means 0 (RFC 2181 8)
        into.append(Rr(name, rrtype, ttl if ttl < 0x80000000 else 0, READERS.get(rrtype, unknown)(data, at, end)))
    return end


def _additional(data: bytes, at: int, message: Message) -> int:
    root = data[at] == 0
    at = skip_name(data, at)
    rrtype, _, ttl, length = _FIXED.unpack_from(data, at)
    at += 10
    end: int = at + length
    if end > len(data):
        raise WireError("a record is longer than the message")
    if rrtype == OPT:
        if message.edns or not root:  # RFC 6891 6.1.1
            raise WireError("its EDNS record is wrong")
        message.edns = True
        message.rcode |= ttl >> 24 << 4
        message.faults = _faults(data, at, end)
    return end


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _faults(data: bytes, at: int, end: int) -> tuple[tuple[int, str], ...]:
    """The extended errors among the EDNS options."""
    found: list[tuple[int, str]] = []
    while at < end:
        option, length = _OPTION.unpack_from(data, at)
        at += 4
        if at + length > end:
            raise WireError("its EDNS record is wrong")
        if option == 15 and length >= 2 and len(found) < 8:
            text = data[at + 2 : at + min(length, 300)].decode("utf-8", "replace").rstrip("\0")
            found.append((data[at] << 8 | data[at + 1], _UNPRINTABLE.sub("?", text)))
        at += length
    return tuple(found)
