"""Outlook's .msg files, rebuilt as a mail (RFC 5322, RFC 3464) for the one parser there is.

A .msg is an OLE container of MAPI properties ([MS-OXMSG]).  When Outlook takes in a delivery report it throws the
report's MIME away and keeps its facts as properties of a REPORT.IPM.Note.NDR item; they are written back here as the
report they came from.  Only what the properties say is written: no status is made from a reason number.
"""
from __future__ import annotations

import struct
from collections.abc import Iterator
from email.utils import formatdate  # a formatter; the parser has its own reader
from typing import Any

from ..errors import InputError

MAX_DEPTH = 5
MAX_STREAM = 8 * 1024 * 1024  # of one property; an attached report or mail is far smaller
MAX_RECIPIENTS = 10_000

# Property ids, [MS-OXPROPS]
_CLASS, _SUBJECT, _HEADERS, _BODY, _REPORT_TEXT, _HTML = 0x001A, 0x0037, 0x007D, 0x1000, 0x1001, 0x1013
_MESSAGE_ID, _SENDER, _SENDER_NAME, _DELIVERED = 0x1035, 0x0C1F, 0x0C1A, 0x0E06
_SUPPLEMENTARY, _REMOTE_MTA, _REPORTING_MTA = 0x0C1B, 0x0C21, 0x6820
_NAME, _EMAIL, _SMTP = 0x3001, 0x3003, 0x39FE
_DATA, _MIME_TAG, _LONG_NAME, _FILE_NAME, _CODEPAGE = 0x3701, 0x370E, 0x3707, 0x3704, 0x3FFD
_UTF16, _TEXT8, _BINARY, _TIME, _LONG = 0x001F, 0x001E, 0x0102, 0x0040, 0x0003

# A made-up boundary needs no randomness here: the parser is ours and the text is encoded.
_BOUNDARY = "=_fivefifty_msg_%d"
_ACTIONS = {".NDR": "failed", ".DR": "delivered", ".EXPANDED.DR": "expanded", ".RELAYED.DR": "relayed", ".DELAYED.DR": "delayed"}


def to_mail(source: bytes | str) -> bytes:
    """The mail that a .msg (its bytes, or its path) was made from, as far as Outlook kept it."""
    import olefile

    try:
        with olefile.OleFileIO(source) as ole:
            item = _Item(ole, ())
            if not item.text(_CLASS):  # every item has one
                raise InputError("It holds no mail: damaged, or written by another Office program.", "", "Save the mail again in Outlook, as .msg or .eml.")
            return _mail(item, 0)
    except (OSError, ValueError, IndexError, struct.error, AttributeError, TypeError) as error:
        raise InputError(
            f"The Outlook file is damaged ({type(error).__name__}).", "", "Save the mail again in Outlook, as .msg or .eml."
        ) from error


class _Item:
    """One storage of the container: a mail, a recipient or an attachment, with its properties."""

    def __init__(self, ole: Any, path: tuple[str, ...]) -> None:
        self.ole, self.path = ole, path
        self.fixed = dict(self._fixed())
        codepage = self.number(_CODEPAGE)
        self.charset = f"cp{codepage}" if codepage not in (0, 65001, 1200) else "utf-8"

    def _stream(self, name: str) -> bytes:
        path = [*self.path, name]
        if not self.ole.exists(path):
            return b""
        content: bytes = self.ole.openstream(path).read(MAX_STREAM)
        return content

    def _fixed(self) -> Iterator[tuple[int, bytes]]:
        """Properties of fixed size: rows of 16 bytes behind a head, [MS-OXMSG] 2.4."""
        rows = self._stream("__properties_version1.0")
        last = self.path[-1] if self.path else ""
        head = 32 if not self.path else 24 if last.startswith("__substg1.0_3701000D") else 8
        for at in range(head, len(rows) - 15, 16):
            tag, _flags, value = struct.unpack_from("<II8s", rows, at)
            yield tag, value

    def number(self, prop: int) -> int:
        """An integer property, or 0."""
        return int.from_bytes(self.fixed.get(prop << 16 | _LONG, b"")[:4], "little")

    def date(self, prop: int) -> str:
        """A time property as an RFC 5322 date, or ""."""
        ticks = int.from_bytes(self.fixed.get(prop << 16 | _TIME, b""), "little")
        seconds = ticks / 10_000_000 - 11_644_473_600  # FILETIME counts from 1601
        return formatdate(seconds) if 0 < seconds < 2**32 else ""

    def text(self, prop: int) -> str:
        """A text property, whichever way it was stored."""
        wide = self._stream(f"__substg1.0_{prop:04X}{_UTF16:04X}")
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self._stream(f"__substg1.0_{prop:04X}{_TEXT8:04X}") or self.binary(prop)
        try:
            return narrow.decode(self.charset).rstrip("\0")
        except (UnicodeDecodeError, LookupError):
            return narrow.decode("cp1252", "replace").rstrip("\0")

    def binary(self, prop: int) -> bytes:
        """A binary property, or empty."""
        return self._stream(f"__substg1.0_{prop:04X}{_BINARY:04X}")

    def below(self, start: str) -> Iterator[_Item]:
        """The storages directly below whose names start so: recipients, attachments."""
        depth = len(self.path)
        names = {
            path[depth] for path in self.ole.listdir(streams=True, storages=True)
            if len(path) > depth and tuple(path[:depth]) == self.path and path[depth].startswith(start)
        }
        for name in sorted(names)[:MAX_RECIPIENTS]:
            yield _Item(self.ole, (*self.path, name))


def _mail(item: _Item, depth: int) -> bytes:
    kind = item.text(_CLASS).upper()
    action = _action(kind)
    parts = [_text_part(item)]
    if action:
        parts.append(_part("message/delivery-status", _report(item, action).encode()))
    parts += [part for attachment in item.below("__attach_version1.0_") if (part := _attachment(attachment, depth))]
    boundary = _BOUNDARY % depth
    content_type = "multipart/report; report-type=delivery-status" if action else _content_type(parts)
    head = _header(item) + f'MIME-Version: 1.0\nContent-Type: {content_type}; boundary="{boundary}"\n\n'
    body = b"".join(b"--" + boundary.encode() + b"\n" + part + b"\n" for part in parts)
    return head.encode() + body + b"--" + boundary.encode() + b"--\n"


def _action(kind: str) -> str:
    """What a report item reports (RFC 3464 2.3.3), or "" where the item is an ordinary mail or a read receipt."""
    if not kind.startswith("REPORT."):
        return ""
    return next((action for end, action in sorted(_ACTIONS.items(), key=lambda pair: -len(pair[0])) if kind.endswith(end)), "")


def _content_type(parts: list[bytes]) -> str:
    """A report that Outlook kept as attachments is a report."""
    is_report = any(part.startswith(b"Content-Type: message/delivery-status") for part in parts)
    return "multipart/report; report-type=delivery-status" if is_report else "multipart/mixed"


def _header(item: _Item) -> str:
    """The mail's own header where Outlook kept it, without the fields that told of the MIME that is gone."""
    kept: list[str] = []
    dropping = False
    for line in item.text(_HEADERS).replace("\r\n", "\n").split("\n"):
        if not line.startswith((" ", "\t")):
            dropping = ":" not in line or line.lower().startswith(("content-", "mime-version", "microsoft mail internet headers"))
        if not dropping and line.strip():
            kept.append(line)
    there = {line.partition(":")[0].lower() for line in kept}
    kept += [line for line in _made_header(item) if line.partition(":")[0].lower() not in there]
    return "".join(line + "\n" for line in kept)


def _made_header(item: _Item) -> list[str]:
    """What the properties know of the header, for mails that never travelled and for what is missing in it."""
    found = {
        "From": _address(item.text(_SENDER_NAME), item.text(_SENDER)), "Subject": item.text(_SUBJECT),
        "Message-ID": item.text(_MESSAGE_ID), "Date": item.date(_DELIVERED),
    }
    return [f"{name}: {_line(value)}" for name, value in found.items() if value]


def _address(name: str, address: str) -> str:
    if "@" not in address:  # "/O=EXAMPLE/OU=…": a directory name of Exchange
        return _line(name) or "unknown"
    return f'"{_line(name)}" <{address}>' if name and name != address else address


def _line(value: str) -> str:
    return " ".join(value.split())


def _report(item: _Item, action: str) -> str:
    """The delivery-status that the properties came from, one group a recipient (RFC 3464 2.1)."""
    groups = [_fields({"Reporting-MTA": _typed("dns", item.text(_REPORTING_MTA))})]
    for recipient in item.below("__recip_version1.0_"):
        address = recipient.text(_SMTP) or recipient.text(_EMAIL) or recipient.text(_NAME)
        groups.append(_fields({
            "Final-Recipient": _typed("rfc822", address), "Action": action,
            "Remote-MTA": _typed("dns", recipient.text(_REMOTE_MTA)),
            "Diagnostic-Code": _typed("smtp", recipient.text(_SUPPLEMENTARY)),
        }))
    return "\n".join(group for group in groups if group)


def _typed(type_: str, value: str) -> str:
    """`dns; mx.example.net`; some programs store the type with the value."""
    value = _line(value)
    return value if not value or value.lower().startswith((type_ + ";", "x-", "smtp;")) else f"{type_}; {value}"


def _fields(found: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in found.items() if value)


def _text_part(item: _Item) -> bytes:
    """What a person reads: the report text, the body, and the HTML only where there is nothing else."""
    texts = [text for prop in (_REPORT_TEXT, _BODY) if (text := item.text(prop).strip())]
    texts += [text for one in item.below("__recip_version1.0_") if (text := one.text(_REPORT_TEXT).strip()) and text not in texts]
    if texts:
        return _part("text/plain; charset=utf-8", "\n\n".join(texts).replace("\r\n", "\n").encode())
    html = item.binary(_HTML)
    charset = item.charset if html else "utf-8"
    return _part(f"text/html; charset={charset}", html or item.text(_HTML).encode())


def _attachment(item: _Item, depth: int) -> bytes:
    inner = f"__substg1.0_{_DATA:04X}000D"
    if item.ole.exists([*item.path, inner]):
        return _part("message/rfc822", _mail(_Item(item.ole, (*item.path, inner)), depth + 1)) if depth < MAX_DEPTH else b""
    name = (item.text(_LONG_NAME) or item.text(_FILE_NAME)).lower()
    type_ = _line(item.text(_MIME_TAG)).lower() or ("message/rfc822" if name.endswith(".eml") else "")
    if type_.startswith(("message/", "text/")):
        return _part(type_, item.binary(_DATA).replace(b"\r\n", b"\n"))
    return b""  # pictures and documents say nothing about a bounce


def _part(type_: str, content: bytes) -> bytes:
    return f"Content-Type: {type_}\nContent-Transfer-Encoding: 8bit\n\n".encode() + content + (b"" if content.endswith(b"\n") else b"\n")
