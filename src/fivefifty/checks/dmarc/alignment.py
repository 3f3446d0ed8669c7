"""An identity that passes SPF or DKIM aligns with the author domain."""
from __future__ import annotations

from ...mailauth.dmarc import DmarcResult, Identity, explain
from ...mailauth.organization import registered_domain
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._message import UNVERIFIED, Authentication, authentication

REFERENCE = "RFC 9989 4.4, 4.10.2, 5.3"
WEIGHT = 80
_WEIGHTS = {"reject": 95, "quarantine": 85, "none": 70, "": 50}


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each sending IP, or one where none is known."""
    seen = await authentication(inquiry)
    if not seen.author_domain or seen.policy.state == "invalid":
        return [skipped("Alignment needs the author domain (From:).")]
    if not seen.outcomes:
        if seen.message:
            return [_unsigned(seen)]
        return [skipped(f"To see whether mail from {seen.author_domain} aligns, the mail itself or its envelope sender and sending IP are needed.", about=seen.author_domain)]
    return [_of(seen, ip, outcome) for ip, outcome in seen.outcomes]


def _facts(seen: Authentication, ip: str, identities: tuple[Identity, ...]) -> dict[str, object]:
    return {
        "about": ip or seen.author_domain, "author_domain": seen.author_domain, "organizational_domain": seen.policy.organizational_domain,
        "policy": seen.policy.policy, "sending_ip": ip, "aligned": any(one.authenticated for one in identities), "found": seen.policy.record.text[:4000] if seen.policy.record else "",
        "identities": [{"mechanism": one.mechanism, "domain": one.domain, "result": one.result, "alignment": one.alignment, "aligned": one.aligned} for one in identities],
    }


def _unsigned(seen: Authentication) -> Finding:
    return unknown(f"The mail from {seen.author_domain} has no DKIM signature, and its envelope sender is not known, so its alignment can't be judged.", *seen.policy.answers,
                   **_facts(seen, "", ()), advice="Give the envelope sender and the sending IP.")


def _of(seen: Authentication, ip: str, outcome: DmarcResult) -> Finding:
    facts = _facts(seen, ip, outcome.identities)
    good = [one for one in outcome.identities if one.authenticated]
    maybe = [one for one in outcome.identities if one.aligned and one.result in (UNVERIFIED, "temperror")]
    if good:
        return _aligned(seen, good, outcome, facts)
    if outcome.result == "temperror":
        return unknown(f"Whether the mail aligns with {seen.author_domain} could not be learned: {outcome.reason}.", *seen.policy.answers, **facts)
    if maybe:
        return _unverified(seen, maybe, facts)
    return _unaligned(seen, outcome, facts)


def _aligned(seen: Authentication, good: list[Identity], outcome: DmarcResult, facts: dict[str, object]) -> Finding:
    told = "; ".join(explain(one, seen.policy) for one in outcome.identities[:6])
    if any(one.mechanism == "dkim" for one in good):
        return passed(f"The mail aligns with its author domain {seen.author_domain}: {told}.", *seen.policy.answers, **facts)
    if not seen.message:  # whether it is signed can't be seen: nothing to complain of
        return passed(f"Mail from {facts['sending_ip']} aligns with {seen.author_domain} by SPF ({told}). Whether it is signed with DKIM, too, only a mail shows.",
                      *seen.policy.answers, **facts)
    return warn(f"The mail aligns with its author domain {seen.author_domain} by SPF only ({told}), and that breaks when somebody forwards it.", *seen.policy.answers, **facts,
                advice=f"Sign with DKIM and d={seen.author_domain} as well.", weight=30)


def _unverified(seen: Authentication, maybe: list[Identity], facts: dict[str, object]) -> Finding:
    names = ", ".join(f"{one.mechanism.upper()} ({one.domain})" for one in maybe[:4])
    why = "its result could not be learned" if all(one.result == "temperror" for one in maybe) else "it could not be verified here"
    return unknown(f"{names} would align with {seen.author_domain} if it passes; {why}.", *seen.policy.answers, **facts,
                   advice="Give the sending IP, and the mail as it was sent, to settle it.")


def _unaligned(seen: Authentication, outcome: DmarcResult, facts: dict[str, object]) -> Finding:
    """None of the identities counts: which ones there are, and what would have to change."""
    told = "; ".join(explain(one, seen.policy) for one in outcome.identities[:6])
    requested = seen.policy.policy if seen.policy.state == "found" else ""
    what = {"reject": "Receivers refuse such mail", "quarantine": "Receivers put such mail into the junk folder", "none": "Large receivers refuse or junk such mail when it comes in bulk"}
    end = f" {what[requested]} (policy {requested})." if requested else ""
    if not seen.message:  # by DKIM it may pass all the same
        return warn(f"By SPF the mail does not align with {seen.author_domain}: {told}. It needs a DKIM signature that does; whether it has one, only the mail shows."
                    + (f" Without one:{end[:1]}{end[1:2].lower()}{end[2:]}" if end else ""),
                    *seen.policy.answers, **facts, advice=_advice(seen, outcome.identities), weight=_WEIGHTS[requested] // 2)
    if not seen.spf_domain:  # half of the identities are not known: that is no proof
        return warn(f"What is known of the mail does not align with {seen.author_domain}: {told}. Whether the envelope sender does is not known.{end}", *seen.policy.answers, **facts,
                    advice=_advice(seen, outcome.identities), weight=_WEIGHTS[requested] // 2)
    return fail(f"The mail does not align with its author domain {seen.author_domain}: {told}.{end}", *seen.policy.answers, **facts,
                advice=_advice(seen, outcome.identities), weight=_WEIGHTS[requested])


def _advice(seen: Authentication, identities: tuple[Identity, ...]) -> str:
    failing = [f"{one.mechanism.upper()} of {one.domain}" for one in identities if one.aligned]
    if failing:
        return f"The names are right, the results are not: make {' or '.join(failing[:3])} pass."
    home = seen.policy.organizational_domain if seen.policy.walk.with_record else registered_domain(seen.author_domain)
    strict = seen.policy.record is not None and (seen.policy.record.adkim == "s" or seen.policy.record.aspf == "s")
    where = f"exactly {seen.author_domain}" if strict else f"{seen.author_domain} or another name of {home}"
    return f"Have the sending service sign with DKIM under {where}, and use an envelope sender there whose SPF passes."
