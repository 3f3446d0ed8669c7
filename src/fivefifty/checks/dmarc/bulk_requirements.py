"""What Gmail, Yahoo and Outlook.com require of bulk senders: met, not met, cannot know."""
from __future__ import annotations

from ...mailauth.author import header_fields
from ...model import Finding, Subject
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ..message._shared import looks_bulk, mail
from ..sending._shared import all_reverse_names
from ._message import Authentication, authentication

REFERENCE = "support.google.com/a/answer/81126; senders.yahooinc.com/best-practices; Microsoft, requirements for high-volume senders (2025)"
WEIGHT = 60
MET, NOT_MET, CANNOT_KNOW = "met", "not met", "cannot know"
_NEEDS = {
    "spf": "SPF passes", "dkim": "DKIM passes", "dmarc": "DMARC record, at least p=none", "alignment": "SPF or DKIM aligns with From:", "from": "one valid From: address",
    "ptr": "PTR of the sending IP, and back", "tls": "TLS on the way", "one_click": "one-click unsubscribe (marketing mail)", "spam_rate": "spam complaints below 0.3 %",
}
# provider -> what it requires, from 5,000 mails a day on (Yahoo names no number)
_PROVIDERS = {
    "Google": ("spf", "dkim", "dmarc", "alignment", "from", "ptr", "tls", "one_click", "spam_rate"),
    "Yahoo": ("spf", "dkim", "dmarc", "alignment", "from", "ptr", "one_click", "spam_rate"),
    "Microsoft (Outlook.com)": ("spf", "dkim", "dmarc", "alignment", "from"),
}
_SOFT = ("one_click", "tls", "spam_rate")  # whether these apply, or hold, depends on more than can be seen
Row = tuple[str, str]  # (state, why)


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each provider."""
    subject = inquiry.subject
    tables = await requirements(inquiry)
    if not tables:
        return [skipped("The bulk sender requirements need a sending domain.")]
    return [_of(provider, rows, bool(subject.sending_ips or subject.message), _lacking(subject)) for provider, rows in tables.items()]


async def requirements(inquiry: Inquiry) -> dict[str, list[dict[str, str]]]:
    """For each provider its requirements in order, each with `requirement`, `state` (met, not met, cannot know) and `why`; {} without a domain."""
    seen = await authentication(inquiry)
    if not seen.author_domain or seen.policy.state == "invalid":
        return {}
    rows = await inquiry.once("dmarc.requirements", lambda: _rows(inquiry, seen))
    return {
        provider: [{"id": need, "requirement": _NEEDS[need], "state": rows[need][0], "why": rows[need][1]} for need in needs]
        for provider, needs in _PROVIDERS.items()
    }


async def _rows(inquiry: Inquiry, seen: Authentication) -> dict[str, Row]:
    return {
        "spf": await _spf(inquiry, seen), "dkim": _dkim(seen), "dmarc": _dmarc(seen), "alignment": _alignment(seen), "from": _from(inquiry, seen),
        "ptr": await _ptr(inquiry), "tls": (CANNOT_KNOW, "only the receiver's Received: field shows whether TLS was used"),
        "one_click": await _one_click(inquiry), "spam_rate": (CANNOT_KNOW, "Google Postmaster Tools and Yahoo's Sender Hub show it"),
    }


async def _spf(inquiry: Inquiry, seen: Authentication) -> Row:
    if seen.spf:
        bad = [f"{ip}: {result}" for ip, result in seen.spf if result not in ("pass", "temperror")]
        if bad:
            return NOT_MET, f"SPF of {seen.spf_domain} gives {', '.join(bad[:4])}"
        doubt = [ip for ip, result in seen.spf if result != "pass"]
        return (CANNOT_KNOW, f"a DNS query failed for {', '.join(doubt[:4])}") if doubt else (MET, f"SPF of {seen.spf_domain} passes")
    domain = seen.spf_domain or inquiry.subject.domain or seen.author_domain
    answer = await inquiry.world.dns(domain, "TXT")
    published = any(text[:6].lower() == "v=spf1" and text[6:7] in ("", " ") for text in answer.records)
    if published or answer.unlearned or not seen.spf_domain:
        words = "it has a record; whether it passes depends on the sending IP" if published else "the envelope sender and the sending IP are not known"
        return CANNOT_KNOW, f"{domain}: {words}"
    return NOT_MET, f"{domain} has no SPF record"


def _dkim(seen: Authentication) -> Row:
    good = [domain for domain, result in seen.dkim if result == "pass"]
    if good:
        return MET, f"the signature of {good[0]} verifies"
    if seen.message and not seen.dkim:
        return NOT_MET, "the mail has no DKIM signature"
    broken = [(domain, result) for domain, result in seen.dkim if result not in ("unverified", "temperror")]
    if broken and len(broken) == len(seen.dkim):
        return NOT_MET, ", ".join(f"the signature of {domain or 'an unknown domain'}: {result}" for domain, result in broken[:3])
    return CANNOT_KNOW, "the signature can't be verified on what is there of the mail" if seen.dkim else "it takes a mail to see"


def _dmarc(seen: Authentication) -> Row:
    policy = seen.policy
    if policy.state == "found":
        return MET, f"{policy.name} asks for {policy.policy}"
    if policy.state == "temperror":
        return CANNOT_KNOW, "a DNS query failed"
    return NOT_MET, f"no DMARC policy applies to {policy.domain}"


def _alignment(seen: Authentication) -> Row:
    states = []
    for ip, outcome in seen.outcomes:
        winner = next((one for one in outcome.identities if one.authenticated), None)
        if winner:
            states.append((MET, f"{winner.mechanism.upper()} ({winner.domain}) aligns"))
        elif outcome.result == "temperror" or any((one.aligned and one.result in ("unverified", "temperror")) or one.alignment == "unknown" for one in outcome.identities):
            states.append((CANNOT_KNOW, "an identity would align if it passes"))
        else:
            known = bool(seen.dkim or seen.message) and bool(seen.spf_domain)
            states.append((NOT_MET if known else CANNOT_KNOW, f"nothing that passes aligns{f' ({ip})' if ip else ''}" if known else "not all identities of the mail are known"))
    return min(states, key=lambda row: (NOT_MET, CANNOT_KNOW, MET).index(row[0])) if states else (CANNOT_KNOW, "it takes a mail to see")


def _from(inquiry: Inquiry, seen: Authentication) -> Row:
    if not inquiry.subject.message:
        return CANNOT_KNOW, "it takes a mail to see"
    from ...mailauth.author import author

    wrote = author(inquiry.subject.message)
    return (MET, f"the author domain is {wrote.domain}") if wrote.domain else (NOT_MET, wrote.problems[0] if wrote.problems else "From: names no author domain")


async def _ptr(inquiry: Inquiry) -> Row:
    results = await all_reverse_names(inquiry)
    if not results:
        return CANNOT_KNOW, "the sending IP is not known"
    bad = [one.ip for one in results if one.result in ("fail", "permerror")]
    if bad:
        return NOT_MET, f"{', '.join(bad[:4])}: no PTR name that leads back"
    doubt = [one.ip for one in results if one.result != "pass"]
    return (CANNOT_KNOW, f"a DNS query failed for {', '.join(doubt[:4])}") if doubt else (MET, "every sending IP has a name that leads back to it")


async def _one_click(inquiry: Inquiry) -> Row:
    """RFC 8058 3: both fields, and an https: URI."""
    message = inquiry.subject.message
    if not message:
        return CANNOT_KNOW, "it takes a mail to see"
    where, how = " ".join(header_fields(message, "list-unsubscribe")), " ".join(header_fields(message, "list-unsubscribe-post"))
    if "https:" in where.lower() and "list-unsubscribe=one-click" in how.lower().replace(" ", ""):
        return MET, "the mail has List-Unsubscribe with https: and List-Unsubscribe-Post"
    if where:
        return NOT_MET, "List-Unsubscribe lacks an https: address" if "https:" not in where.lower() else "the mail has no List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    parted = await mail(inquiry)
    if parted is None or not looks_bulk(parted):  # only marketing mail needs it
        return CANNOT_KNOW, "the mail does not look like a mailing"
    return NOT_MET, "the mail has no List-Unsubscribe field"


def _lacking(subject: Subject) -> str:
    """What would have to be given to see the rest."""
    wanted = (("the sending IP", subject.sending_ips), ("the envelope sender", subject.envelope_sender or subject.message), ("a mail as it was sent", subject.message))
    lacking = [words for words, there in wanted if not there]
    return f"Give {' and '.join(lacking)}." if lacking else ""


def _of(provider: str, rows: list[dict[str, str]], given: bool, lacking: str) -> Finding:
    facts = {"about": provider, "provider": provider, "requirements": rows}
    missed = [row for row in rows if row["state"] == NOT_MET]
    hard = [row for row in missed if row["id"] not in _SOFT]
    if hard:
        return fail(f"{provider}: bulk mail does not meet the requirements: {'; '.join(row['why'] for row in hard)}.", **facts,
                    advice="Below 5,000 mails a day the rules are softer, but the same faults send mail to the junk folder.")
    if missed:
        return warn(f"{provider}: as marketing mail it would need more: {'; '.join(row['why'] for row in missed)}.", **facts, weight=30,
                    advice="Add one-click unsubscribe (RFC 8058) to marketing mail; other mail does not need it.")
    open_rows = [row["requirement"] for row in rows if row["state"] == CANNOT_KNOW and row["id"] not in _SOFT]
    if not open_rows:
        return passed(f"{provider}: what can be seen of the requirements for bulk senders is met.", **facts)
    made = unknown if given else skipped
    return made(f"{provider}: nothing is amiss so far; still to be seen: {', '.join(open_rows)}.", **facts, advice=lacking)
