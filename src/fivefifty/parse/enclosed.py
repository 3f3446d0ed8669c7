"""The mail that came back, as bytes, for checks that need it whole (signatures, links)."""
from __future__ import annotations

from .mime import Part, decoded, read_mail, unix

MAX_ENCLOSED = 8 * 1024 * 1024

_WHOLE = ("message/rfc822", "message/global", "text/rfc822")
_HEADERS = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")


def enclosed_mail(source: bytes) -> tuple[bytes, bool]:
    """(the returned mail with CRLF line ends, whether it is whole); (b"", False) where the bounce encloses none.

    Whole means that a body follows its header; whether the reporting system cut that body short can't be seen for sure.
    """
    parts = [part for part in read_mail(unix(source[: 64 * 1024 * 1024])).parts if part.type in _WHOLE + _HEADERS]
    if not parts:
        return b"", False
    part = next((one for one in parts if one.type in _WHOLE), parts[0])
    body = _body(part).lstrip(b"\n")
    _, gap, rest = body.partition(b"\n\n")
    return body.replace(b"\n", b"\r\n"), part.type in _WHOLE and bool(gap) and bool(rest.strip())


def _body(part: Part) -> bytes:
    encoded = part.headers.first("content-transfer-encoding").lower() in ("base64", "quoted-printable")
    return unix(decoded(part, MAX_ENCLOSED) if encoded else part.body[:MAX_ENCLOSED])
