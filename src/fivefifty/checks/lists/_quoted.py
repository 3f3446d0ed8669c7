"""What a reply says about lists: which it names, and about which IP or domain it speaks."""
from __future__ import annotations

import re
from dataclasses import replace

from ...mailauth.dnsbl import blocklist_of, domain_of, ip_of
from ...providers import Blocklist, blocklists, lists_named
from ...rules import fold
from ._asked import is_public

MAX_REPLY = 20_000
MAX_NAMED = 5
_PARAMETER = re.compile(r"[?&/](?:ip|addr|address|i|v|query|q|bl\?ip)=\[?([0-9a-fA-F.:]{3,45})", re.IGNORECASE)
_CLIENT = re.compile(r"(?:client host|connection from|your ip(?: address)?|host|ip|sender)\W{0,4}(?:[\w.-]{1,255}\s?)?[\[(]([0-9a-fA-F.:]{3,45})[\])]", re.IGNORECASE)
_IP = re.compile(r"(?<![\w.-])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)|[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{2,40}(?:\.\d{1,3}){0,3})")
# "blocked using bl.example.org", "listed at …", "found in …": what Postfix, Exim, sendmail and others write before the zone
_ZONE = re.compile(
    r"(?:blocked using|blocked by|rejected by|refused by|listed (?:at|by|in|on)|found (?:in|on)|see|in an? (?:rbl|dnsbl)(?: list)?|dnsbl|rbl|black ?list(?:ed)?(?: at| by| in| on)?|"
    r"block ?list(?:ed)?(?: at| by| in| on)?)[:\s(\[<\"']{1,4}((?:[a-z0-9_-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})(?![\w/@-])",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62}", re.IGNORECASE)
# a domain that the reply blames: "domain example.org", "URL [example.org]", "<user@example.org>: Sender address", "/query/domain/example.org"
_BLAMED = re.compile(
    r"(?:\b(?:urls?|uri|domains?|links?|website|site|hostname|sender address|helo command|from|dom)\b[\s:=(\[<\"'/]{1,4}|[?&](?:domain|d|q|query|host)=)"
    r"(?:https?://)?(?:[^\s@<>\[\]]{1,64}@)?((?:[a-z0-9_-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})",
    re.IGNORECASE,
)
_ABOUT_DOMAIN = re.compile(r"\b(?:domains?|mailfrom|helo|ehlo|urls?|uri|links?|dbl)\b", re.IGNORECASE)
_DOMAIN_LABELS = {"rhsbl", "dbl", "uribl", "surbl", "uri", "rhs", "domain"}
# what an operator answers to a receiver that asks it wrongly, quoted to the sender as if it were the reason
_REFUSED = ("open resolver", "public/open resolver", "public resolver", "public dns resolver", "returnc", "127.255.255.", "query refused", "refused.shtml",
            "excessive number of queries", "excessive queries", "too many queries", "typing error")


def named_lists(reply: str) -> list[Blocklist]:
    """The public lists that a reply names, known ones first; a zone we do not know counts where the words say that it is a list.

    A part of a combined list stands for the whole: replies name the parts loosely, and the answer tells which part it is.
    """
    text = reply[:MAX_REPLY]
    lists = blocklists()
    known = [lists[id] for id in lists_named(fold(text))]
    if known:
        whole = [lists.get(one.part_of, one) for named in known for one in _members(named)]
        return list({one.id: one for one in (_meant(one, text) for one in whole)}.values())[:MAX_NAMED]
    zones = dict.fromkeys(found.lower() for found in _ZONE.findall(text) if _may_be_zone(found.lower()))
    return [_of_domains(blocklist_of(zone), text) for zone in list(zones)[:MAX_NAMED]]


def _meant(one: Blocklist, text: str) -> Blocklist:
    """The operator's list of domains, where only the operator is named and the words speak of a domain ("domain is listed in Spamhaus")."""
    if not one.general or quoted_ips(text) or not _ABOUT_DOMAIN.search(text):
        return one
    return next((other for other in blocklists().values() if other.provider == one.provider and other.subject == "domain" and other.zone), one)


def _of_domains(one: Blocklist, text: str) -> Blocklist:
    """A list we do not know, as one of domains where its name or the reply says so."""
    told = set(re.split(r"[.-]", one.id)) & _DOMAIN_LABELS
    if told or (one.id not in blocklists() and not quoted_ips(text) and blamed_domains(text, (one.id,))):
        return replace(one, subject="domain")
    return one


def _members(named: Blocklist) -> list[Blocklist]:
    """The list itself; for a family without a zone of its own (UCEPROTECT) its lists."""
    members = [one for one in blocklists().values() if one.id.startswith(named.id + "-") and one.zone] if named.general and not named.zone else []
    return members or [named]


def _may_be_zone(name: str) -> bool:
    """A zone has at least three labels or says what it is: "see example.org" names a page."""
    words = set(re.split(r"[.-]", name))
    return bool(words & {"bl", "rbl", "dnsbl", "zen", "dul", "spam", "blacklist", "blocklist", "black", "blocked", "rhsbl", "dbl", "uribl", "surbl"})


def receiver_refused(reply: str) -> str:
    """The words that show that the list refused the receiver's question, or ""."""
    text = reply[:MAX_REPLY].lower()
    return next((mark for mark in _REFUSED if mark in text), "")


def quoted_ips(reply: str) -> list[str]:
    """The public IPs of a reply, the most telling first: the parameter of a link, the client in brackets, any other."""
    text = reply[:MAX_REPLY]
    found = [*_PARAMETER.findall(text), *_CLIENT.findall(text), *_IP.findall(text)]
    canonical = [str(address) for one in found[:200] if (address := ip_of(one)) is not None]
    return list(dict.fromkeys(one for one in canonical if is_public(one)))


def blamed_domains(reply: str, receivers: tuple[str, ...]) -> list[str]:
    """The domains that a reply blames by its words, but no list's own and not the receiver's."""
    strangers = tuple(one.zone for one in blocklists().values() if one.zone) + tuple(name for name in receivers if name)
    names = dict.fromkeys(domain_of(one) for one in _BLAMED.findall(reply[:MAX_REPLY])[:200])
    return [name for name in names if name and not lists_named(name) and not any(name == one or name.endswith("." + one) for one in strangers)]


def quoted_domains(reply: str, candidates: tuple[str, ...]) -> list[str]:
    """Those of the sender's names that the reply quotes, itself or a name below."""
    names = {domain_of(one) for one in _NAME.findall(reply[:MAX_REPLY])[:500]}
    return [one for one in candidates if any(name == one or name.endswith("." + one) for name in names)]
