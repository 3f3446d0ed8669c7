"""The reverse name of the sending IP leads back to it (iprev, also called FCrDNS)."""
from __future__ import annotations

from ...mailauth.ip_kinds import is_ipv6
from ...mailauth.iprev import Iprev
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ..receiving._shared import some, why
from ._shared import all_reverse_names, no_ip

REFERENCE = "RFC 8601 2.7.3"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each sending IP."""
    found = await all_reverse_names(inquiry)
    return [_of(one, inquiry.subject.reply) for one in found] or no_ip(inquiry)


def _of(one: Iprev, reply: str) -> Finding:
    facts = {"about": one.ip, "found": "\n".join(f"{name} {some(answer.records, 3)}" for name, answer in zip(one.names, one.forward, strict=False)),
             "iprev": one.result, "names": list(one.names[:20]), "confirmed": list(one.confirmed), "ipv6": is_ipv6(one.ip)}
    if one.result == "permerror":
        return fail(f"{one.ip} has no reverse name, so nothing can lead back to it (iprev=permerror).", *one.answers, **facts,
                    advice="Have the provider of the address set its reverse name.")
    if one.result == "temperror":
        doubt = next(answer for answer in one.answers if answer.unlearned)
        return unknown(f"Whether the name of {one.ip} leads back to it could not be learned, because {why(doubt)} (iprev=temperror).", *one.answers, **facts)
    if one.result == "fail":
        return _fails(one, facts)
    if reply:  # a refusal over a name that is right today: RFC 2308 lets its absence be remembered
        facts["advice"] = "If the name was set only lately, receivers may remember for up to a day that there was none: wait, then send again."
    strays = [name for name in one.names[: len(one.forward)] if name not in one.confirmed]
    if strays:
        return warn(f"{one.ip} is confirmed by {some(one.confirmed, 3)}, but not by its other names {some(strays, 3)}; a receiver that looks at one name only may meet the wrong one.",
                    *one.answers, **{**facts, "advice": "Keep only the PTR record whose name leads back."}, weight=30)
    return passed(f"{one.ip} has the name {some(one.confirmed, 3)}, which leads back to it (iprev=pass).", *one.answers, **facts)


def _fails(one: Iprev, facts: dict[str, object]) -> Finding:
    rrtype = "AAAA" if is_ipv6(one.ip) else "A"
    elsewhere = [record for answer in one.forward for record in answer.records]
    told = f"leads to {some(elsewhere, 3)}" if elsewhere else f"has no {rrtype} record" if any(answer.state == "nodata" for answer in one.forward) else "does not exist"
    tail = f"{told}, not back to the IP" if elsewhere else told
    return fail(f"{one.ip} has the name {some(one.names, 3)}, but that name {tail} (iprev=fail).", *one.answers, **facts,
                advice=f"Publish an {rrtype} record that leads from the name to {one.ip}, or have the reverse name set to one that does.", record=f"{one.names[0]}. {rrtype} {one.ip}")
