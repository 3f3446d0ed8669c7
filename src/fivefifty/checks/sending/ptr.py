"""The sending IP has a reverse name (PTR)."""
from __future__ import annotations

from ...mailauth.ip_kinds import is_ipv6
from ...mailauth.iprev import MOST_NAMES, Iprev, reverse_name
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ..receiving._shared import some, why
from ._shared import all_reverse_names, no_ip

REFERENCE = "RFC 1912 2.1; Google: Email sender guidelines"
WEIGHT = 95


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each sending IP."""
    found = await all_reverse_names(inquiry)
    return [_of(inquiry, one) for one in found] or no_ip(inquiry)


def _of(inquiry: Inquiry, one: Iprev) -> Finding:
    ip, answer = one.ip, one.ptr
    assert answer is not None  # only public addresses come here
    facts = {"about": ip, "found": "\n".join(one.names[:20]), "names": list(one.names[:20]), "ipv6": is_ipv6(ip)}
    if answer.unlearned:
        return unknown(f"Whether {ip} has a reverse name could not be learned, because {why(answer)}; a receiver that sees the same puts the mail off.", answer, **facts,
                       advice="Ask the provider of the address to have the reverse zone looked at.", dns_state=answer.state)
    if not answer.found:
        return fail(f"{ip} has no reverse name (PTR record); many receivers refuse mail from such an address{', Gmail always' if is_ipv6(ip) else ''}.", answer, **facts,
                    advice="Have the provider of the address (not your DNS host) set its reverse name to the name that your mail server greets with, and give that name an address record.",
                    record=_record(inquiry, ip))
    if len(one.names) > MOST_NAMES:
        return warn(f"{ip} has {len(one.names)} reverse names; receivers look at ten of them or fewer.", answer, **facts, weight=25, advice="Keep one name, that of the mail server.")
    return passed(f"{ip} has the reverse name {some(one.names, 3)}.", answer, **facts)


def _record(inquiry: Inquiry, ip: str) -> str:
    name = inquiry.subject.helo_name or (f"mail.{inquiry.subject.domain}" if inquiry.subject.domain else "")
    return f"{reverse_name(ip)}. PTR {name}." if name else ""
