"""Haraka: key="value" lines of deliveries and of clients it refused."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import ADDRESS, clean
from . import Entry

HINTS = ("[outbound]", "[core] disconnect", "[core] rcpt", "bouncing")

_FIELD = re.compile(r"\b([a-z_]{2,12})=(?:\"((?:[^\"\\]|\\.){0,2000})\"|([^\s\"]{1,400}))")
_ID = re.compile(r"\[([0-9A-F]{8}-[0-9A-F\-]{20,30})(?:\.\d{1,4}){0,3}\]", re.IGNORECASE)
_REPLY = re.compile(r"(?<![\w.\-=])([45]\d\d[ \-][^\n\"]{3,2000})")
_TO = re.compile(r"(?:recipient|rcpt|to)[ :=]{1,3}<?([^\s<>\"]{1,200}@[^\s<>\"]{1,255})")


def _address(words: str) -> str:
    found = ADDRESS.search(words)
    return clean(found[0]) if found else ""


def read(line: str) -> Entry | None:
    """A line of Haraka's log."""
    told = {name: text or bare for name, text, bare in _FIELD.findall(line)}
    found = _ID.search(line)
    key = found[1] if found else ""
    if "[core] disconnect" in line and told.get("lr", "")[:1] in ("4", "5"):
        return Entry("rejected", "", Failure(final_recipient=_address(told["lr"]), sending_ip=told.get("ip", ""), helo_name=told.get("helo", "")), told["lr"])
    if "delivered" in line and "response" in told:
        return Entry("delivered", key, Failure(remote_mta=told.get("host", ""), remote_ip=told.get("ip", "")), told["response"])
    reply = _REPLY.search(told.get("response", "") or told.get("lr", "") or line)
    if reply is None or not any(word in line for word in ("bounc", "reject", "defer", "fail", "error", "code")):
        return None
    to = _TO.search(line)
    known = Failure(final_recipient=clean(to[1]) if to else _address(line), remote_mta=told.get("host", ""), remote_ip=told.get("ip", ""))
    return Entry("delayed" if reply[1][0] == "4" else "failed", key, known, reply[1])
