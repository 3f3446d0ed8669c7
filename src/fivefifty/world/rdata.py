"""Names and record data of DNS messages, by type."""
from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from socket import AF_INET6, inet_ntoa, inet_ntop
from struct import Struct
from typing import Any

from ..answers import Caa, Mx, Soa, Tlsa

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "RP": 17, "AFSDB": 18, "SIG": 24, "KEY": 25, "AAAA": 28,
    "LOC": 29, "SRV": 33, "NAPTR": 35, "CERT": 37, "DNAME": 39, "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
    "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "SVCB": 64, "HTTPS": 65,
    "SPF": 99, "EUI48": 108, "EUI64": 109, "URI": 256, "CAA": 257,
}
MNEMONICS = {number: name for name, number in TYPES.items()}
_PLAIN = re.compile(rb"[!-\[\]-~]*")
_ODD = re.compile(rb"[^!-\[\]-~]|\.")
_SOA, _DS, _DNSKEY, _PREFERENCE = Struct(">IIIII"), Struct(">HBB"), Struct(">HBB"), Struct(">H")


class WireError(Exception):
    """Bytes that are no DNS message; never leaves the DNS client."""


def read_name(data: bytes, at: int) -> tuple[str, int]:
    """The name at `at` (lower case, odd octets escaped as RFC 1035 5.1 does) and the place after it."""
    labels: list[bytes] = []
    after, limit, size = 0, at, 1
    while length := data[at]:
        if length < 64:
            size += length + 1
            if size > 255:  # RFC 1035 2.3.4
                raise WireError("a name is longer than 255 octets")
            label = data[at + 1 : at + 1 + length]
            if len(label) < length:
                raise WireError("it ends within a name")
            labels.append(label)
            at += length + 1
        elif length >= 0xC0:
            after = after or at + 2
            at = (length & 0x3F) << 8 | data[at + 1]
            if at >= limit:  # always backwards, so it ends
                raise WireError("a compression pointer does not lead backwards")
            limit = at
        else:
            raise WireError("a label of an unknown kind")
    return _presented(labels), after or at + 1


def _presented(labels: list[bytes]) -> str:
    if not labels:
        return "."
    name = b".".join(labels)
    if not _PLAIN.fullmatch(name) or name.count(b".") != len(labels) - 1:
        name = b".".join(_ODD.sub(_escaped, label) for label in labels)
    return name.decode("ascii").lower()


def _escaped(octet: re.Match[bytes]) -> bytes:
    value = octet[0][0]
    return b"\\" + octet[0] if value in b".\\" else b"\\%03d" % value


def skip_name(data: bytes, at: int) -> int:
    """The place after the name at `at`."""
    while length := data[at]:
        if length >= 0xC0:
            return at + 2 if at + 2 <= len(data) else _early()
        if length > 63:
            raise WireError("a label of an unknown kind")
        at += length + 1
    return at + 1


def _early() -> int:
    raise WireError("it ends too early")


def _exact(size: int, length: int, least: bool = False) -> None:
    if length < size if least else length != size:
        raise WireError("the length of a record is wrong")


def _a(data: bytes, at: int, end: int) -> str:
    _exact(4, end - at)
    return inet_ntoa(data[at:end])


def _aaaa(data: bytes, at: int, end: int) -> str:
    _exact(16, end - at)
    return inet_ntop(AF_INET6, data[at:end])


def _name(data: bytes, at: int, end: int) -> str:
    name, after = read_name(data, at)
    _exact(end, after)
    return name


def _mx(data: bytes, at: int, end: int) -> Mx:
    return Mx(_PREFERENCE.unpack_from(data, at)[0], _name(data, at + 2, end))


def _soa(data: bytes, at: int, end: int) -> Soa:
    mname, at = read_name(data, at)
    rname, at = read_name(data, at)
    _exact(20, end - at)
    return Soa(mname, rname, *_SOA.unpack_from(data, at))


def _txt(data: bytes, at: int, end: int) -> tuple[str, tuple[int, ...]]:
    """The character-strings joined, and their lengths."""
    pieces = []
    while at < end:
        after = at + 1 + data[at]
        if after > end:
            raise WireError("a character-string is longer than its record")
        pieces.append(data[at + 1 : after])
        at = after
    if not pieces:  # at least one string: RFC 1035 3.3.14
        raise WireError("a TXT record without a string")
    return b"".join(pieces).decode("latin-1"), tuple(map(len, pieces))


def _tlsa(data: bytes, at: int, end: int) -> Tlsa:
    _exact(3, end - at, least=True)
    return Tlsa(data[at], data[at + 1], data[at + 2], data[at + 3 : end].hex())


def _caa(data: bytes, at: int, end: int) -> Caa:
    _exact(2, end - at, least=True)
    after = at + 2 + data[at + 1]
    if after > end or after == at + 2:
        raise WireError("the tag of a CAA record is wrong")
    return Caa(data[at], data[at + 2 : after].decode("latin-1").lower(), data[after:end].decode("latin-1"))


def _ds(data: bytes, at: int, end: int) -> str:
    _exact(4, end - at, least=True)
    tag, algorithm, digest = _DS.unpack_from(data, at)
    return f"{tag} {algorithm} {digest} {data[at + 4 : end].hex()}"


def _dnskey(data: bytes, at: int, end: int) -> str:
    _exact(4, end - at, least=True)
    flags, protocol, algorithm = _DNSKEY.unpack_from(data, at)
    return f"{flags} {protocol} {algorithm} {b64encode(data[at + 4 : end]).decode()}"


def unknown(data: bytes, at: int, end: int) -> str:
    """Record data of a type we don't read (RFC 3597 5)."""
    return f"\\# {end - at} {data[at:end].hex()}".rstrip()


READERS: dict[int, Callable[[bytes, int, int], Any]] = {
    1: _a, 28: _aaaa, 2: _name, 5: _name, 12: _name, 39: _name, 15: _mx, 6: _soa, 16: _txt, 99: _txt, 52: _tlsa, 53: _tlsa, 257: _caa, 43: _ds, 59: _ds,
    48: _dnskey, 60: _dnskey,
}
