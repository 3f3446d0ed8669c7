"""Payloads as they come over HTTP or out of a file: one, many, and wrapped with their headers.

A file holds one JSON value, several behind one another (JSON lines, or what Amazon Data Firehose writes), or a form.  A payload may be
wrapped so that its signature can still be checked later (docs/webhooks.md):

    {"headers": {"X-Signature": "…"}, "body": "the body as it was sent", "received": "2026-11-02T10:00:00Z"}

With `"isBase64Encoded": true` the body is Base64, as Amazon API Gateway and Lambda hand it over.
"""
from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import Reject
from ._payload import Table, moment, table

MAX_FIELDS = 1_000  # of a form
MAX_PART = 1_000_000  # bytes of one part of a multipart form

_DECODER = json.JSONDecoder(strict=False)
_BLANK = re.compile(r"[ \t\r\n\x1e]*")  # RFC 7464: JSON text sequences begin with RS
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})', re.IGNORECASE)
_FIELD = re.compile(rb'content-disposition:[^\r\n]{0,200}?\bname="([^"\r\n]{1,200})"', re.IGNORECASE)
_FORM = re.compile(rb"[\w.%+-]{1,100}=")


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP request: its body, what the body says, and its headers (names in lower case)."""

    body: bytes
    value: Any
    headers: Mapping[str, str]
    where: str
    now: float  # when it came, 0.0 where nobody knows: then a signature can't be too old
    exact: bool = True  # False: the body was taken apart before it was saved, so its bytes are lost


def posts(content: bytes, where: str, headers: Mapping[str, str], now: float) -> Iterator[Post | Reject]:
    """The requests in an input.  With `headers` it is one request that has just come."""
    live = lowered(headers)
    if live:
        value = value_of(content, live)
        yield Reject(where, _unreadable(content), content) if value is None else Post(content, value, live, where, now)
        return
    for number, (part, value) in enumerate(_values(content), 1):
        at = f"{where}:{number}" if len(part) != len(content) else where
        if value is None:
            yield Reject(at, _unreadable(part), part)
        else:
            yield from _opened(part, value, at)


def lowered(headers: Any) -> dict[str, str]:
    """Header names in lower case; several values of one name joined as RFC 9110 5.3 says."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers if isinstance(headers, list) else ()
    found: dict[str, str] = {}
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], str):
            continue
        values = pair[1] if isinstance(pair[1], list) else [pair[1]]
        told = ", ".join(str(one) for one in values if isinstance(one, (str, int)))
        found[pair[0].lower()] = f"{found[pair[0].lower()]}, {told}" if pair[0].lower() in found else told
    return found


def value_of(body: bytes, headers: Mapping[str, str]) -> Any:
    """What a body says: JSON, else the fields of a form; None where it is neither."""
    kind = headers.get("content-type", "")
    if "multipart/form-data" in kind.lower():
        return _parts(body, kind)
    if body.lstrip()[:1] in (b"{", b"["):
        return _json_of(body)
    return form(body) if _FORM.match(body.lstrip()) else None


def _json_of(body: bytes) -> Any:
    """One JSON value, or a list of several (some services post JSON lines); None where a part of it can't be read."""
    value = parsed(body)
    if value is not None:
        return value
    several = [one for _, one in _several(body.decode("utf-8-sig", "replace"))]
    return None if None in several else several


def parsed(body: bytes | str) -> Any:
    """The JSON value, None where it is none (too deep, numbers too long, cut off)."""
    try:
        return json.loads(body if isinstance(body, str) else body.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def dumped(value: Any, otherwise: bytes) -> bytes:
    """The value as JSON; `otherwise` where it is nested too deeply to be written."""
    try:
        return json.dumps(value).encode("ascii")
    except (ValueError, RecursionError):
        return otherwise


def form(body: bytes) -> dict[str, str]:
    """The fields of an application/x-www-form-urlencoded body, the first of each name."""
    found: dict[str, str] = {}
    for field in body.strip().split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        key, equals, value = field.partition(b"=")
        if equals:
            found.setdefault(_unquoted(key), _unquoted(value))
    return found


def _unquoted(value: bytes) -> str:
    return unescaped(value.replace(b"+", b" ")).decode("utf-8", "replace")


def unescaped(value: bytes) -> bytes:
    """%xx undone (RFC 3986 2.1)."""
    return _ESCAPED.sub(lambda one: bytes((int(one[1], 16),)), value) if b"%" in value else value


def _parts(body: bytes, kind: str) -> dict[str, str]:
    """The fields of a multipart/form-data body (RFC 7578); files are left out."""
    boundary = _BOUNDARY.search(kind)
    found: dict[str, str] = {}
    for part in body.split(b"--" + boundary[1].encode("utf-8", "replace"), MAX_FIELDS)[1:MAX_FIELDS] if boundary else ():
        head, _, content = part.partition(b"\r\n\r\n")
        field = _FIELD.search(head[:2_000])
        if field and b"filename" not in head[:2_000].lower() and len(content) <= MAX_PART:
            found.setdefault(field[1].decode("utf-8", "replace"), content.removesuffix(b"\r\n").decode("utf-8", "replace"))
    return found


def _unreadable(part: bytes) -> str:
    return "It is empty." if not part.strip() else "It is neither JSON nor a form, or it is cut off or nested too deeply."


def _values(content: bytes) -> Iterator[tuple[bytes, Any]]:
    """(bytes, value) of everything in a file, the value None where it can't be read: one JSON value, several, or forms."""
    stripped = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not stripped:
        return
    if stripped[:1] not in (b"{", b"[", b"\x1e"):
        for line in stripped.splitlines():
            if line.strip():
                yield line, value_of(line, {})
        return
    value = parsed(stripped)
    if value is not None:
        yield content, value
    else:
        yield from _several(stripped.decode("utf-8", "replace"))


def _several(document: str) -> Iterator[tuple[bytes, Any]]:
    """JSON values behind one another; from the first that can't be read on, line by line, so that each byte is read twice at most."""
    at = yield from _chain(document)
    broken: list[str] = []
    for line in document[at:].splitlines():
        value = _on_its_own(line)
        if value is not None:
            if broken:
                yield "\n".join(broken).encode("utf-8", "replace"), None
                broken = []
            yield line.encode("utf-8", "replace"), value
        elif line.strip():
            broken.append(line)
    if broken:
        yield "\n".join(broken).encode("utf-8", "replace"), None


def _on_its_own(line: str) -> Any:
    """The object or array that a line is, None where it is none; a comma may follow, as in an array that was cut off."""
    line = line.strip().rstrip(",")
    value = parsed(line) if line[:1] in ("{", "[") and line[-1:] in ("}", "]") else None
    return value if isinstance(value, (dict, list)) else None


def _chain(document: str) -> Generator[tuple[bytes, Any], None, int]:
    """The values up to the first that can't be read; gives back where that begins."""
    at = _behind_blanks(document, 0)
    while at < len(document):
        try:
            value, end = _DECODER.raw_decode(document, at)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, (dict, list)):
            break
        yield document[at:end].encode("utf-8", "replace"), value
        at = _behind_blanks(document, end)
        if document[at : at + 1] == ",":
            at = _behind_blanks(document, at + 1)
    return at


def _behind_blanks(document: str, at: int) -> int:
    found = _BLANK.match(document, at)
    return found.end() if found else at


def _opened(part: bytes, value: Any, where: str) -> Iterator[Post | Reject]:
    """A payload, or what a wrapper, or each wrapper of an array, holds."""
    if _is_wrapper(value):
        yield _unwrapped(part, value, where)
    elif isinstance(value, list) and value and _is_wrapper(value[0]):
        for number, one in enumerate(value, 1):
            at, alone = f"{where}:{number}", dumped(one, part)
            yield _unwrapped(alone, one, at) if _is_wrapper(one) else Post(alone, one, {}, at, 0.0, exact=False)
    else:
        yield Post(part, value, {}, where, 0.0)


def _is_wrapper(value: Any) -> bool:
    return isinstance(value, dict) and "body" in value and isinstance(value.get("headers"), (dict, list))


def _unwrapped(part: bytes, wrapper: Table, where: str) -> Post | Reject:
    headers = lowered(wrapper["headers"])
    context = table(wrapper.get("requestContext"))  # API Gateway: requestTimeEpoch in its first format, timeEpoch in its second
    received = moment(wrapper.get("received"), context.get("requestTimeEpoch"), context.get("timeEpoch"))
    body = wrapper["body"]
    if isinstance(body, (dict, list)):
        return Post(part, body, headers, where, received, exact=False)
    if not isinstance(body, str):
        return Reject(where, "The wrapper holds no body.", part)
    sent = _bytes_of(body, wrapper.get("isBase64Encoded") is True)
    if sent is None:
        return Reject(where, "The body in the wrapper is not Base64.", part)
    value = value_of(sent, headers)
    return Reject(where, _unreadable(sent), part) if value is None else Post(sent, value, headers, where, received)


def _bytes_of(body: str, encoded: bool) -> bytes | None:
    if not encoded:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
