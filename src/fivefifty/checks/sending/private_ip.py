"""The receiver saw a public address."""
from __future__ import annotations

import re

from ...mailauth.ip_kinds import WORDS, ip_kind
from ...model import Finding
from .. import Inquiry, fail, passed, warn

REFERENCE = "RFC 1918, RFC 4193"
WEIGHT = 60
_INSIDE = ("private", "shared", "link-local")
_LONGEST = 20_000
_IPV4 = re.compile(r"(?<![\w.-])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![\w-]|\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])(f[cde][0-9a-f]{2}:[0-9a-f:]{2,35})(?![\w:])", re.IGNORECASE)
# A loopback address counts only where a client is named by it: 127.0.0.2 and the like are answers of blocklists.
_LOCAL = re.compile(r"(?:\bip=|\bhost |\bclient |\bfrom )\S{0,64}?\[?\(?(127\.0\.0\.1|::1)(?=[\])\s,;&]|$)", re.IGNORECASE)
_ROUTE = re.compile(r"connect(?:ion)? (?:to|with) \S{1,255}", re.IGNORECASE)  # where the sending server went, not whom the receiver saw
_CLIENT = re.compile(r"\b(?:client|host|helo|ip|address|sender|from|spf)\b", re.IGNORECASE)


async def check(inquiry: Inquiry) -> list[Finding]:
    """Private addresses among the sending IPs, and in the reply of the receiver."""
    subject = inquiry.subject
    quoted = inside_addresses(subject.reply)
    told = [
        warn(f"{ip} is {WORDS[kind]}: no receiver outside ever sees it.", about=ip, found=ip, weight=20, kind=kind, in_reply=False,
             advice="Give the public address that your mail leaves from (--sending-ip): the one your router or relay shows outside.")
        for ip in subject.sending_ips[:20] if ip not in quoted and (kind := ip_kind(ip)) in (*_INSIDE, "loopback")
    ]
    told += [_seen_inside(ip, subject.reply) for ip in quoted[:5]]
    if not told and (subject.reply or subject.sending_ips):
        return [passed("Neither the reply nor the sending IPs hold a private address.")]
    return told


def inside_addresses(reply: str) -> list[str]:
    """The private addresses a reply speaks of."""
    text = _ROUTE.sub(" ", reply[:_LONGEST])
    named = [match[1] for match in (*_IPV4.finditer(text), *_IPV6.finditer(text)) if ip_kind(match[1]) in _INSIDE]
    return list(dict.fromkeys([*named, *(match[1] for match in _LOCAL.finditer(text))]))


def _seen_inside(ip: str, reply: str) -> Finding:
    facts = {"about": ip, "found": " ".join(reply.split())[:300], "kind": ip_kind(ip), "in_reply": True}
    if not _CLIENT.search(reply[:_LONGEST]):
        return warn(f"The reply holds {ip}, {WORDS[ip_kind(ip)]}; it says what happened inside somebody's network.", **facts, weight=20)
    return fail(f"The reply judges {ip}, {WORDS[ip_kind(ip)]}: the server that refused does not see the public address of the sender, so it tests SPF and blocklists with the wrong one. "
                "A container bridge, a proxy or a relay in front of it does that; or the server is in your own network.", **facts,
                advice="The admin of that server has to let it see the real client address, or to trust its own front relay; nothing in your DNS is at fault.")
