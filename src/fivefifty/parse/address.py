"""Mail addresses as they stand in reports: found, cleaned, compared."""
from __future__ import annotations

import re

# Local part and domain loosely after RFC 5321 4.1.2 and RFC 6531: reports hold addresses that no grammar admits.
ADDRESS = re.compile(r"(?:\"[^\"\s]{1,64}\"|[^\s<>\"'()\[\]:;,@|\\\u3000-\u303f\uff00-\uffef]{1,200})@(?:\[[0-9a-fA-F:.]{2,60}\]|[^\W_](?:[^\s<>\"'()\[\]:;,@|\\/?!*=\u3000-\u303f\uff00-\uffef]{0,250}[^\W_])?)")
_PLAIN = re.compile(r"[A-Za-z0-9_.+=-]{1,200}@[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,20}")
_TYPED = re.compile(r"\s*[A-Za-z][\w.+-]{0,30}\s*;\s*")  # RFC 3464 2.1.2: an atom; gateways write "RFC-822", "X.400" and worse
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")


def clean(value: str) -> str:
    """An address from a report field: type, display name, angle brackets and comments taken off (RFC 3464 2.3.2, RFC 6533 3)."""
    if not value:
        return ""
    if ";" in value:
        typed = _TYPED.match(value)
        value = value[typed.end() :] if typed else value
    value = value.strip()
    if _PLAIN.fullmatch(value):
        return value
    if "\\x{" in value:
        value = _HEX.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), value)
    if "<" in value and ">" in value:
        inside = value[value.rfind("<") + 1 :]
        inside = inside[: inside.find(">")] if ">" in inside else inside
        value = inside if "@" in inside or not ADDRESS.search(value) else value
    if "@" in value and (" " in value or "(" in value or "[" in value):
        found = ADDRESS.search(value)
        value = found[0] if found else value
    return value.strip().strip("<>,;").removeprefix("mailto:").strip("'").rstrip(".").strip()


def addresses(text: str) -> list[str]:
    """Every address in a text, in order, each once."""
    seen: dict[str, str] = {}
    for found in ADDRESS.findall(text):
        one = found.removeprefix("mailto:").strip("'").rstrip(".").lstrip("*#=")
        if "@" in one:
            seen.setdefault(one.lower(), one)
    return list(seen.values())


def domain_of(address: str) -> str:
    """The domain in lower case, or ""."""
    return address.rpartition("@")[2].strip("<>[] ").lower() if "@" in address else ""
