"""SPF result of this mail"""
from __future__ import annotations

from ...mailauth.spf import SpfResult, a_labels, ip_value, is_checkable
from ...mailauth.spf_record import is_spf, read_record
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._shared import evaluated, seen_outside, sender_domain, short, with_term, zone_line

REFERENCE = "RFC 7208 2.4"
WEIGHT = 90
_WEIGHTS = {"softfail": 60, "neutral": 40, "none": 60}


async def check(inquiry: Inquiry) -> list[Finding]:
    """What check_host says of each sending IP with this MAIL FROM, or with HELO where it is the null sender (RFC 7208 2.4)."""
    subject = inquiry.subject
    addresses = seen_outside(inquiry)
    if not addresses:
        return [skipped("Whether SPF lets the mail pass needs the public IP address it was sent from.")]
    null = subject.envelope_sender.strip() == "<>"
    if null and not subject.helo_name:
        return [skipped("The mail has the null sender, so SPF looks at the HELO name, and that is not known.")]
    domain = subject.helo_name.lower() if null else sender_domain(inquiry) or subject.domain
    if not domain:
        return [skipped("Whether SPF lets the mail pass needs the domain of its envelope sender.")]
    if not is_checkable(a_labels(domain)):
        return [skipped(f'"{short(domain, 80)}" is not a domain name that SPF can be asked for.')]
    mail_from = "" if null else subject.envelope_sender or f"postmaster@{domain}"
    found = [await evaluated(inquiry, ip, domain, mail_from) for ip in addresses]
    identity = "HELO" if null else "MAIL FROM" if sender_domain(inquiry) else "taken as MAIL FROM"
    return [_said(inquiry, result, identity) for result in found]


def _said(inquiry: Inquiry, result: SpfResult, identity: str) -> Finding:
    domain, ip = result.domain, result.ip
    facts = {"result": result.result, "identity": identity, "domain": domain, "mechanism": result.mechanism, "lookups": result.lookups, "voids": result.voids,
             "explanation": result.explanation, "problem": result.problem, "path": [list(step[:1]) + [short(str(part)) for part in step[1:]] for step in result.path[:200]]}
    rest = {"about": ip, "found": short(next((step.term for step in result.path if step.outcome == "record"), ""), 1000), **facts}
    words = {
        "pass": f'SPF passes: {ip} may send for {domain} ({identity}), by "{short(result.mechanism, 100)}"{_via(result)}.',
        "fail": f'SPF fails: {domain} ({identity}) says that {ip} must not send for it, by "{short(result.mechanism, 100)}"{_via(result)}.',
        "softfail": f'SPF says softfail: {ip} is probably not allowed to send for {domain} ({identity}), by "{short(result.mechanism, 100)}"{_via(result)}.',
        "neutral": f"SPF says neutral: the record of {domain} ({identity}) says nothing about {ip}.",
        "none": f"{domain} ({identity}) has no SPF record, so SPF says nothing about {ip}.",
        "permerror": f"SPF gives permerror for {ip} and {domain} ({identity}): {result.problem}.",
        "temperror": f"The SPF result for {ip} and {domain} ({identity}) could not be learned: {result.problem}.",
    }
    sentence = words[result.result]
    if result.result == "pass":
        return passed(sentence, *result.answers, **rest)
    if result.result == "temperror":
        return unknown(sentence, *result.answers, **rest)
    rest |= {"advice": _advice(inquiry, result), "record": _record(result)}
    if result.result in ("fail", "permerror"):
        return fail(sentence, *result.answers, **rest)
    return warn(sentence, *result.answers, weight=_WEIGHTS[result.result], **rest)


def _via(result: SpfResult) -> str:
    """Where the decisive term stands, where that is not the domain's own record."""
    deepest = None
    for step in reversed(result.path):  # the includes that matched follow what matched inside them
        if step.outcome != "match" or (deepest and step.depth <= deepest.depth):
            break
        deepest = step
    if deepest is None or deepest.domain == result.domain:
        return ""
    return f' ("{short(deepest.term, 60)}" in the record of {deepest.domain})'


def _term_for(ip: str) -> str:
    return f"ip{ip_value(ip)[0]}:{ip}"


def _advice(inquiry: Inquiry, result: SpfResult) -> str:
    if result.result == "permerror":
        return "Correct the record; until then no mail passes SPF where the evaluation gets that far."
    add = f"If {result.ip} is yours or sends for you, add it: {_term_for(result.ip)}, or the include its provider names."
    helo = inquiry.subject.helo_name.lower()
    if helo and helo != result.domain and not helo.endswith("." + result.domain) and not result.domain.endswith("." + helo):
        return f"{add} It calls itself {helo}: if it forwards mail, SPF can't pass there; sign with DKIM, which survives, or have the forwarder rewrite the envelope sender."
    return f"{add} If it is a forwarder's, SPF can't pass there: sign with DKIM, which survives forwarding."


def _record(result: SpfResult) -> str:
    """The domain's own record with the address added."""
    own = next((step.term for step in result.path if step.outcome == "record" and step.domain == result.domain), "")
    if result.result == "none":
        return zone_line(result.domain, f"v=spf1 {_term_for(result.ip)} ~all") if result.domain else ""
    record = read_record(own) if is_spf(own) else None
    if record is None or record.problems or result.result == "permerror" or _refused(result):
        return ""
    return zone_line(result.domain, with_term(record, _term_for(result.ip)))


def _refused(result: SpfResult) -> bool:
    """Whether a term of its own, not the final "all", refuses the address: then it is meant."""
    return result.mechanism.lower().lstrip("+-~?") not in ("all", "")
