"""How many hosts the SPF record lets send"""
from __future__ import annotations

from ipaddress import ip_address

from ...mailauth.spf_audit import SpfAnalysis, target_of
from ...mailauth.spf_record import SpfRecord, Term
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import recorded, short, without, zone_line

REFERENCE = "RFC 7208 5.6"
WEIGHT = 40
_WIDE4, _WIDE6 = 15, 31  # prefix lengths of a domain's own networks that no sender of mail fills
_WIDER4, _WIDER6 = 8, 16  # the same for a provider's
_WHOLE_CLOUDS = {"_cloud-netblocks.googleusercontent.com": "every machine anybody rents at Google Cloud"}


async def check(inquiry: Inquiry) -> list[Finding]:
    """Networks too large to be anybody's mail servers, whole clouds, and private addresses that no receiver sees."""
    said: list[Finding] = []
    for analysis, record in await recorded(inquiry):
        if not record.problems:
            found = [*_wide(analysis), *_clouds(analysis), *_always(analysis), *_private(analysis, record)]
            hosts = sum(1 << (32 - term.length4) for _, term in analysis.terms() if term.name == "ip4" and term.qualifier == "pass")
            said += found or [passed(f"The SPF record of {analysis.domain} names no network that is unusually large.", about=analysis.domain, ipv4_addresses=hosts)]
    return said


def _length(term: Term) -> int:
    """How wide a term is: the prefix length, counted as if for IPv4."""
    if term.version == 6 or (term.name in ("a", "mx") and term.length4 == 32):
        return 32 if term.length6 > _WIDE6 else 0 if not term.length6 else _WIDER4 if term.length6 <= _WIDER6 else _WIDE4
    return term.length4


def _wide(analysis: SpfAnalysis) -> list[Finding]:
    said = []
    for domain, term in analysis.terms():
        own = domain == analysis.domain
        if term.qualifier != "pass" or (term.version == 4 and term.length4 >= 8 and _unroutable(term)) or term.name not in ("ip4", "ip6", "a", "mx") or _length(term) > (_WIDE4 if own else _WIDER4):
            continue
        if not _length(term):
            said.append(fail(f'"{short(term.text, 80)}" in the SPF record of {domain} lets every host of the Internet pass.', about=domain, weight=60, term=term.text[:200],
                             advice="Replace it by the addresses that send for you."))
        else:
            said.append(warn(f'"{short(term.text, 80)}" in the SPF record of {domain} is a very large network; whoever gets an address in it can send as {analysis.domain}.', about=domain,
                             term=term.text[:200], advice="Name only the hosts that send for you."))
    return said[:10]


def _clouds(analysis: SpfAnalysis) -> list[Finding]:
    return [
        warn(f"The SPF record of {analysis.domain} includes {name}, which is {_WHOLE_CLOUDS[name]}: each of them can send as {analysis.domain}.", about=name, weight=50,
             advice="Name only the addresses of your own machines.")
        for name in analysis.parts if name in _WHOLE_CLOUDS
    ]


def _always(analysis: SpfAnalysis) -> list[Finding]:
    """An "exists" without macros whose name is there matches for everybody."""
    said = []
    for domain, term in analysis.terms():
        name = target_of(term, domain).lower() if term.name == "exists" else ""
        answer = analysis.hosts.get((name, "A"))
        if name and answer and answer.found and term.qualifier == "pass":
            said.append(fail(f'"{short(term.text, 80)}" in the SPF record of {domain} matches for every host, because {name} exists.', answer, about=domain, weight=60, term=term.text[:200],
                             advice='Use "a:" where the addresses of the name are meant.'))
    return said[:5]


def _private(analysis: SpfAnalysis, record: SpfRecord) -> list[Finding]:
    """Addresses that can't reach a receiver (RFC 1918 and the like)."""
    useless = [term for term in record.directives if term.version == 4 and term.length4 >= 8 and _unroutable(term)]
    if not useless:
        return []
    names = ", ".join(short(term.text, 60) for term in useless[:6])
    return [warn(f"The SPF record of {analysis.domain} names private addresses ({names}), which no receiver ever sees.", about=analysis.domain, found=short(record.text, 1000), weight=5,
                 advice="Take them out.", record=zone_line(analysis.domain, without(record, [term.text for term in useless])), reference="RFC 1918")]


def _unroutable(term: Term) -> bool:
    address = ip_address(term.network.to_bytes(4, "big"))
    return address.is_loopback or address.is_link_local or any(term.network >> 32 - bits == network >> 32 - bits for network, bits in ((0x0A000000, 8), (0xAC100000, 12), (0xC0A80000, 16)))
