"""Domain names on their way into a question: U-labels to A-labels, and what makes a name impossible."""
from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\([0-9]{3}|.)", re.DOTALL)
_SIZE = [bytes([size]) for size in range(64)]


class NameFault(ValueError):
    """A name that can't be asked, and why."""


def asked_name(name: str) -> str:
    """The name as answers hold it: A-labels, lower case, without the final dot; an impossible name as it came."""
    if name.isascii():
        return (name[:-1] if name.endswith(".") else name).lower() or "."
    try:
        return _a_labels(name)
    except NameFault:
        return name.removesuffix(".").lower()


def _a_labels(name: str) -> str:
    """IDNA2008 as UTS 46 prepares it (RFC 5891, RFC 5895); ASCII labels stay, so that _dmarc may stand before them."""
    import idna

    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
        labels = [label if label.isascii() else idna.alabel(label).decode() for label in mapped.removesuffix(".").split(".")]
    except (idna.IDNAError, UnicodeError) as error:
        raise NameFault(f"it is no internationalized domain name: {error}") from error
    return ".".join(labels).lower()


def wire_name(name: str) -> bytes:
    """A name of `asked_name` as it goes into a question; NameFault says what is impossible about it.

    Any octet may stand in a label (RFC 2181 11), a space too; the lengths are limited (RFC 1035 2.3.4).
    """
    if name == ".":
        return b"\0"
    if not name.isascii():
        _a_labels(name)
        raise NameFault("it is no internationalized domain name")
    labels = _unescaped(name) if "\\" in name else name.encode("ascii").split(b".")
    for label in labels:
        if not label:
            raise NameFault("a label is empty")
        if len(label) > 63:
            raise NameFault(f"a label is longer than 63 octets: {label[:20].decode('latin-1')}…")
    wire = b"".join([_SIZE[len(label)] + label for label in labels]) + b"\0"
    if len(wire) > 255:
        raise NameFault("the name is longer than 253 octets")
    return wire


def _unescaped(name: str) -> list[bytes]:
    """The labels of a name with escapes (RFC 1035 5.1)."""
    labels, label, at = [], bytearray(), 0
    while at < len(name):
        escape = _ESCAPE.match(name, at)
        if escape:
            text = escape[1]
            if len(text) == 3 and int(text) > 255:
                raise NameFault(f"an escape is wrong: \\{text}")
            label.append(int(text) if len(text) == 3 else ord(text))
            at = escape.end()
            continue
        if name[at] == ".":
            labels.append(bytes(label))
            label = bytearray()
        else:
            label.append(ord(name[at]))
        at += 1
    return [*labels, bytes(label)]


def name_fault(name: str) -> str:
    """What makes a name impossible, or ""."""
    try:
        wire_name(name)
    except NameFault as fault:
        return str(fault)
    return ""
