"""SPF of the HELO name"""
from __future__ import annotations

from ...mailauth.host_names import helo_form
from ...mailauth.ip_kinds import is_ipv6, parsed_ip
from ...mailauth.spf import SpfResult, is_checkable
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._shared import evaluated, seen_outside, short, zone_line

REFERENCE = "RFC 7208 2.3"
WEIGHT = 60


async def check(inquiry: Inquiry) -> list[Finding]:
    """What SPF says of the name the server gives in HELO: for mail with the null sender it is all there is."""
    subject = inquiry.subject
    name = subject.helo_name.lower().removesuffix(".")
    addresses = seen_outside(inquiry)
    if not name or not addresses:
        return [skipped("SPF of the HELO name needs the name and the public IP address of the sending server.")]
    if not is_checkable(name) or helo_form(name) != "name":
        return [skipped(f'The HELO name "{short(name, 80)}" is not a domain name that SPF can be asked for.', about=name[:200])]
    return [await _judged(inquiry, await evaluated(inquiry, ip, name, "")) for ip in addresses]


async def _judged(inquiry: Inquiry, result: SpfResult) -> Finding:
    if result.result != "none":
        return _said(result)
    answer = await inquiry.world.dns(result.domain, "AAAA" if is_ipv6(result.ip) else "A")
    if parsed_ip(result.ip) in map(parsed_ip, answer.records):
        return _said(result)
    # a record would not help as long as the name does not lead to the IP: "sending.helo" speaks of that
    return skipped(f"The HELO name {result.domain} has no SPF record, and does not lead to {result.ip}; so that comes first.", *result.answers, about=result.domain, result="none", ip=result.ip)


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
                    advice="Publish one for the name itself.", record=line, **rest)
    if result.result in ("fail", "permerror"):
        why = f": {result.problem}" if result.problem else ""
        return fail(f"SPF gives {result.result} for the HELO name {name} from {ip}{why}; some receivers refuse all mail from there, and most its bounces.", *result.answers,
                    advice=f"Let the record of {name} name {ip}, or have the server say another name.", record=line if result.result == "permerror" else "", **rest)
    return warn(f"SPF says {result.result} for the HELO name {name} from {ip}.", *result.answers, weight=25, advice=f"Let the record of {name} name {ip}.", **rest)
