"""How one address stands in texts, and texts without it: plain, as VERP writes it into a sender, in a URL, with its domain in either spelling."""
from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

ERASED = "<erased>"


@lru_cache(maxsize=64)
def spellings(address: str) -> tuple[str, ...]:
    """The address with the domain as it is, as A-label and as U-label (RFC 5890 2.3.2.1), without what differs in case only."""
    local, _, domain = address.strip().rpartition("@")
    forms = [domain]
    try:
        forms.append(domain.encode("idna").decode("ascii"))
        forms.append(forms[-1].encode("ascii").decode("idna"))
    except UnicodeError:
        pass  # no name of the DNS: it has one spelling
    return tuple(dict.fromkeys(f"{local}@{one}".lower() for one in forms))


@lru_cache(maxsize=64)
def written(address: str) -> tuple[str, ...]:
    """Everything to look for in a text, lower case."""
    return tuple(one.replace("@", sign) for one in spellings(address) for sign in ("@", "=", "%40"))


@lru_cache(maxsize=64)
def _pattern(address: str) -> re.Pattern[str]:
    """The address for itself: "mary.ann@" is somebody else than "ann@", "example.org.uk" another domain than "example.org".

    VERP puts anything but letters and digits before and after it.
    """
    plain = [re.escape(one) for one in written(address) if "@" in one]
    other = [re.escape(one) for one in written(address) if "@" not in one]
    return re.compile(
        rf"(?:(?<![\w.+-])|(?<=%3C)|(?<=\\[nrt]))(?:{'|'.join(plain)})(?![\w]|-\w|\.[a-z0-9])|(?:(?<![a-z0-9])|(?<=%3C)|(?<=\\[nrt]))(?:{'|'.join(other)})(?![a-z0-9]|\.[a-z0-9])", re.IGNORECASE,
    )


def without(text: str, address: str, own: bool = False) -> str:
    """The text without the address; `own`: a text about nobody else, where it goes from inside of other words, too."""
    if own:
        return re.sub("|".join(map(re.escape, sorted(written(address), key=len, reverse=True))), ERASED, text, flags=re.IGNORECASE)
    return _pattern(address).sub(ERASED, text)


def json_without(text: str, address: str, own: bool = False) -> str:
    """JSON without the address, whatever escapes it is written with; what is no JSON is taken as text."""
    try:
        told = json.loads(text)
        return json.dumps(_inside(told, address, own), ensure_ascii=True) if isinstance(told, (dict, list)) else without(text, address, own)
    except (ValueError, RecursionError):
        return without(text, address, own)


def _inside(told: Any, address: str, own: bool) -> Any:
    if isinstance(told, str):
        return without(told, address, own)
    if isinstance(told, dict):
        return {without(key, address, own): _inside(value, address, own) for key, value in told.items()}
    return [_inside(one, address, own) for one in told] if isinstance(told, list) else told
