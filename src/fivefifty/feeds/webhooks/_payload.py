"""Values out of JSON and forms that anybody may have written: each comes out in its own type, or empty; nothing here raises."""
from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any

from ...parse.address import addresses, clean

Table = dict[str, Any]

MAX_TEXT = 4_000  # characters of a reply that are kept
MAX_NAME = 500  # of an id, a tag, a class
MAX_ADDRESS = 400  # RFC 5321 4.5.3.1: 64 + 1 + 255, and some for a display name
MAX_RECIPIENTS = 10_000  # of one event
LATEST = 4_102_444_800.0  # the year 2100: a time behind it is none

_PLAIN = re.compile(r"[A-Za-z0-9_.+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,20}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63}){1,30}")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?=[0-9A-Fa-f:.]{2,45}\Z)[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")  # RFC 3463 2
_TYPED = re.compile(r"(?:smtp|dns|dsn|rfc822|utf-8|x-[\w-]{1,30})\s*;\s*", re.IGNORECASE)  # RFC 3464 2.1.2: "smtp; 550 …"
_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{1,9})?")
# What services write where they know no words.
_EMPTY_WORDS = frozenset((
    "smtp", "bounce", "bounced", "hard bounce", "soft bounce", "hardbounce", "softbounce", "failed", "failure", "unknown", "unknown reason", "unknown error", "no reason", "none",
    "null", "undefined", "error", "dropped", "rejected", "blocked", "deferred", "undeliverable", "general", "generic", "permanent", "temporary", "transient", "other", "not available",
    "undetermined", "undetermined bounce", "hardfail", "softfail",
))


def table(value: Any) -> Table:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is an array (its first MAX_RECIPIENTS), one element for anything else that is there, nothing for null."""
    if isinstance(value, list):
        return value if len(value) <= MAX_RECIPIENTS else value[:MAX_RECIPIENTS]
    return [] if value is None or value == "" else [value]


def elements(value: Any) -> Iterator[Any]:
    """What stands in an array, or the value itself: arrays of arrays are opened, in order."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(reversed(one))
        else:
            yield one


def text(value: Any, limit: int = MAX_TEXT) -> str:
    """A string without what no store takes (control characters, half surrogates); "" for anything else."""
    if not isinstance(value, str) or not value:
        return ""
    kept = value if len(value) <= limit else value[:limit]
    if not (kept.isascii() and kept.isprintable()):
        kept = _CONTROLS.sub(" ", kept.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8"))
    return kept.strip()


def name(value: Any) -> str:
    """An id, a tag, a class: a string or a whole number."""
    if isinstance(value, str):
        return text(value, MAX_NAME)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64:
        return str(value)
    return ""


def first(*values: Any) -> str:
    """The first of these that is an id or a tag."""
    for value in values:
        one = name(value)
        if one:
            return one
    return ""


def words(value: Any) -> str:
    """The words of a server, without the type that reports put in front of them."""
    one = text(value)
    typed = _TYPED.match(one) if ";" in one[:40] else None
    return one[typed.end() :] if typed else one


def worded(said: str) -> bool:
    """Whether a text says more than codes and "bounced"."""
    return bool(said) and _WORD.search(said) is not None and said.lower().strip(" .:-_") not in _EMPTY_WORDS


def when(value: Any) -> float:
    """Seconds since 1970 UTC of a number (s, ms, µs, ns), a string of one, ISO 8601 or RFC 5322; 0.0 for what is none of these."""
    if isinstance(value, str):
        value = value.strip()
        if not 0 < len(value) <= 64:
            return 0.0
        return _in_range(float(value)) if _NUMBER.fullmatch(value) else _written(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return _in_range(float(value)) if -LATEST * 1e9 < value < LATEST * 1e9 else 0.0


def _in_range(seconds: float) -> float:
    """Seconds, whatever part of a second they were counted in."""
    if not math.isfinite(seconds):
        return 0.0
    while seconds >= 1e11:  # the year 5138 in seconds is 1973 in milliseconds
        seconds /= 1000
    return seconds if 0 < seconds < LATEST else 0.0


def _written(value: str) -> float:
    try:
        moment = datetime.fromisoformat(value.removesuffix(" UTC"))
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
    try:
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return 0.0
    return seconds if 0 < seconds < LATEST else 0.0


def moment(*values: Any) -> float:
    """The first of these that is a time."""
    for value in values:
        seconds = when(value)
        if seconds:
            return seconds
    return 0.0


def address(value: Any) -> str:
    """One mail address with its domain in lower case; "" where there is none, or where there are several, because then nobody knows whom it is about."""
    if isinstance(value, dict):
        value = value.get("address") or value.get("email") or ""
    if not isinstance(value, str) or not value:
        return ""
    if not _PLAIN.fullmatch(value):
        value = _spelled(text(value, MAX_ADDRESS))
    local, at, domain = value.rpartition("@")
    return f"{local}@{domain.lower()}" if local and at and domain else ""


def _spelled(value: str) -> str:
    found = addresses(value) if value.count("@") > 1 else [value]
    return clean(found[0]).replace("\n", "") if len(found) == 1 else ""


def addresses_in(value: Any) -> list[str]:
    """The addresses of an array, or of a string with one or several, each once."""
    found: dict[str, None] = {}
    for one in items(value):
        for each in addresses(text(one)) if isinstance(one, str) and one.count("@") > 1 else [one]:
            found.setdefault(address(each))
    found.pop("", None)
    return list(found)


def domain(value: Any) -> str:
    """The domain of an address, or of a From field with several authors the first one's (RFC 5322 3.6.2)."""
    found = addresses_in(value)
    return found[0].rpartition("@")[2] if found else ""


def message_id(value: Any) -> str:
    """A Message-ID without its angle brackets; "" for a service's own id (RFC 5322 3.6.4: there is an @ in it)."""
    one = name(value).strip("<> ")
    return one if "@" in one else ""


def host(value: Any) -> str:
    """A host name in lower case, "dns;" taken off."""
    one = words(value).rstrip(".") if isinstance(value, str) else ""
    return one.lower() if _HOST.fullmatch(one) else ""


def ip(value: Any) -> str:
    """An IP address as written, where it looks like one."""
    return value if isinstance(value, str) and _IP.fullmatch(value) else ""


def status(value: Any) -> str:
    """A status of RFC 3463, "" for anything else ("5", "bounced", 550)."""
    found = _STATUS.match(value) if isinstance(value, str) else None
    return found[0] if found else ""


def code(value: Any) -> int:
    """An SMTP reply code (RFC 5321 4.2.1), 0 for a service's own numbers."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 200 <= value < 600 else 0


def facts(given: Mapping[str, Any]) -> dict[str, object]:
    """What there is of these, as plain short values."""
    kept: dict[str, object] = {}
    for key, value in given.items():
        if isinstance(value, str):
            if value:
                kept[key] = value if len(value) <= 60 and value.isascii() and value.isprintable() else text(value, MAX_NAME)
        elif isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63) or (isinstance(value, float) and math.isfinite(value)):
            kept[key] = value
        elif isinstance(value, list):
            several = [one for one in map(name, value[:20]) if one]
            if several:
                kept[key] = several
    return kept


def identity(*parts: object) -> str:
    """An id for what has none of its own: the same parts always give the same, and it shows no address."""
    told = [one if isinstance(one, str) else str(one) if isinstance(one, (int, float)) else "" for one in parts]
    return blake2b("\0".join(told).encode("utf-8", "replace"), digest_size=16).hexdigest()


def posted_with(head: bytes, header: bytes) -> bool:
    """Whether the first bytes are a wrapper (_saved) with that header; then the body may be Base64 and tell nothing."""
    return b'"headers"' in head and header in head.lower()


def marked(head: bytes, *sets: tuple[bytes, ...]) -> bool:
    """Whether all words of one set stand in the first bytes; a wrapper's escaping and blanks after colons do not hide them."""
    plain = head.replace(b"\\", b"").replace(b'": ', b'":').replace(b'" :', b'":')
    return any(all(mark in plain for mark in marks) for marks in sets)
