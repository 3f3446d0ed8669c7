"""SPF of the HELO name"""
from __future__ import annotations

from ...mailauth.spf import SpfResult, ip_value, is_checkable
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._shared import evaluated, short, zone_line

REFERENCE = "RFC 7208 2.3"
WEIGHT = 60


async def check(inquiry: Inquiry) -> list[Finding]:
    """What SPF says of the name the server gives in HELO: for mail with the null sender it is all there is."""
    subject = inquiry.subject
    name = subject.helo_name.lower().removesuffix(".")
    addresses = [ip for ip in dict.fromkeys(subject.sending_ips) if ip_value(ip)[0]]
    if not name or not addresses:
        return [skipped("SPF of the HELO name needs the name and the IP address of the sending server.")]
    if not is_checkable(name) or ip_value(name)[0]:
        return [skipped(f'The HELO name "{short(name, 80)}" is not a domain name that SPF can be asked for.', about=name[:200])]
    return [_said(await evaluated(inquiry, ip, name, "")) for ip in addresses[:20]]


def _said(result: SpfResult) -> Finding:
    name, ip = result.domain, result.ip
    rest = {"about": name, "found": short(next((step.term for step in result.path if step.outcome == "record"), ""), 1000), "result": result.result, "ip": ip}
    line = zone_line(name, "v=spf1 a -all")
    if result.result == "pass":
        return passed(f"SPF passes for the HELO name {name} from {ip}.", *result.answers, **rest)
    if result.result == "temperror":
        return unknown(f"SPF of the HELO name {name} could not be learned: {result.problem}.", *result.answers, **rest)
    if result.result == "none":
        return warn(f"The HELO name {name} has no SPF record; bounces and other mail with the null sender pass no SPF.", *result.answers, weight=15,
                    advice="Publish one for the name itself, if its address is the one that sends.", record=line, **rest)
    if result.result in ("fail", "permerror"):
        why = f": {result.problem}" if result.problem else ""
        return fail(f"SPF gives {result.result} for the HELO name {name} from {ip}{why}; some receivers refuse all mail from there, and most its bounces.", *result.answers,
                    advice=f"Let the record of {name} name {ip}, or have the server say another name.", record=line if result.result == "permerror" else "", **rest)
    return warn(f"SPF says {result.result} for the HELO name {name} from {ip}.", *result.answers, weight=25, advice=f"Let the record of {name} name {ip}.", **rest)
