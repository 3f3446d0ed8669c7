"""Which way the mail came: who handed it to whom."""
from __future__ import annotations

import re
from typing import Any

from ...model import Finding
from .. import Inquiry, passed, warn
from ._date import read_date
from ._shared import mail, without_comments

REFERENCE = "RFC 5321 4.4"
WEIGHT = 30
MAX_HOPS = 100
_FROM = re.compile(r"^from\s+([^\s;()]{1,255})", re.IGNORECASE)
_BY = re.compile(r"\bby\s+([^\s;()]{1,255})", re.IGNORECASE)
_WITH = re.compile(r"\bwith\s+([A-Za-z0-9]{1,40})", re.IGNORECASE)
_IP = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{3,45})\]|(?<![\w.:])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding with all hops, oldest first; a second where there are so many that it looks like a loop."""
    message = await mail(inquiry)
    if message is None:
        return []
    fields = message.named("received")
    if not fields:
        return []
    hops = [_hop(field.text) for field in reversed(fields[:MAX_HOPS])]
    handed = "; ".join(_words(hop) for hop in hops[-10:])
    found = [passed(f"The mail went through {len(fields)} servers: {handed}." if len(fields) > 1 else f"The mail went through one server: {handed}.", weight=5, hops=hops)]
    if len(fields) > 30:  # RFC 5321 6.3 has servers give up at 100; the usual settings are 25 to 50
        found.append(warn(f"The mail has {len(fields)} Received fields: it goes in a circle, or is near the limit at which servers refuse it (usually 25 to 50).", count=len(fields),
                          advice="Look for two servers that forward to each other."))
    return found


def _hop(value: str) -> dict[str, Any]:
    """One Received field as plain values, "" for what it does not say."""
    value = value[:4000]
    origin, by = _FROM.search(value), _BY.search(without_comments(value))
    told = value[: by.start()] if by and by.start() < len(value) else value
    head = value.partition(" by ")[0] if origin else ""
    address = next((one[0] or one[1] for one in _IP.findall(head or told) if _is_ip(one[0] or one[1])), "") if origin else ""
    plain = without_comments(value)
    with_ = _WITH.search(plain)
    at = read_date(without_comments(value.rpartition(";")[2])) if ";" in value else None
    return {"from": origin[1].strip("[]") if origin else "", "address": address, "private": bool(address) and _is_private(address), "by": by[1] if by else "", "with": with_[1] if with_ else "",
            "at": at.isoformat() if at else ""}


def _words(hop: dict[str, Any]) -> str:
    origin = hop["from"] + (f" [{hop['address']}{', private' if hop['private'] else ''}]" if hop["address"] and hop["address"] != hop["from"] else "")
    return f"{origin or 'made'} to {hop['by']}" if origin and hop["by"] else f"taken over by {hop['by']}" if hop["by"] else f"from {origin or 'somewhere'}"


def _is_ip(text: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_private(text: str) -> bool:
    from ipaddress import ip_address

    return not ip_address(text).is_global
