"""Names that do not exist have no records by a wildcard."""
from __future__ import annotations

from ...answers import DnsAnswer, present
from ...model import Finding
from .. import Inquiry, passed, unknown, warn
from ..receiving._shared import why

REFERENCE = "RFC 4592"
WEIGHT = 10
NOBODY = "fivefifty-no-such-name"  # fixed, so that a saved report can be replayed


async def check(inquiry: Inquiry) -> list[Finding]:
    """What a name below the domain answers that nobody can have made."""
    domain = inquiry.subject.domain
    if not domain or len(domain) + len(NOBODY) > 252:
        return []
    own = await inquiry.world.dns(domain, "MX")
    if own.state == "nxdomain":  # nothing can be below it: RFC 8020
        return []
    name = f"{NOBODY}.{domain}"
    text = await inquiry.world.dns(name, "TXT")
    if text.unlearned:
        return [unknown(f"Whether {domain} has a wildcard could not be learned, because {why(text)}.", text, about=domain)]
    if text.state == "nxdomain" and not text.aliases:
        return [passed(f"{domain} has no wildcard: a name that does not exist is not found.", text, about=domain, wildcard=[])]
    # "no data" proves nothing yet: some name servers say so of every name that does not exist (RFC 9824)
    others = await inquiry.together(inquiry.world.dns(name, "MX"), inquiry.world.dns(name, "A"))
    return [_of(domain, text, *others)]


def _of(domain: str, text: DnsAnswer, mx: DnsAnswer, address: DnsAnswer) -> Finding:
    answers = (text, mx, address)
    kinds = [answer.rrtype for answer in answers if answer.found]
    facts = {"about": domain, "found": "\n".join(f"*.{domain} {answer.rrtype} {present(record)[:300]}" for answer in answers for record in answer.records[:3]), "wildcard": kinds}
    if not kinds and not text.aliases:
        return passed(f"{domain} has no wildcard for TXT, MX or A records.", *answers, **facts)
    via = f" (an alias of {text.aliases[-1]})" if text.aliases else ""
    if text.found and not _only_spf(text):
        return warn(f"Every name below {domain} that does not exist answers with a TXT record{via}, so look-ups of DKIM keys and policies there may find text that is none.", *answers,
                    **facts, advice="Remove the wildcard TXT record, or limit it to the names that need it.")
    if mx.found:
        return warn(f"Every name below {domain} that does not exist takes mail{via}: a typing error in a host name is not noticed by the sender.", *answers, **facts, weight=5,
                    advice="Remove the wildcard MX record, unless all sub-domains are meant to take mail.")
    if text.found:
        return passed(f"Names below {domain} that do not exist have an SPF record by a wildcard, which keeps others from using them.", *answers, **facts)
    return passed(f"Names below {domain} that do not exist have an address by a wildcard{via}, so mail to them is tried there; it harms nothing else.", *answers, **facts)


def _only_spf(text: DnsAnswer) -> bool:
    """Whether it is SPF alone, which is published as a wildcard on purpose (RFC 7208 3.5)."""
    return all(record.lower().split(" ")[0] == "v=spf1" for record in text.records)
