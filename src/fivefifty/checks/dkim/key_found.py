"""The DKIM key is where verifiers look for it."""
from __future__ import annotations

from ...answers import DnsAnswer
from ...mailauth.dkim_key import DkimKey
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ._shared import Survey, asked, facts, survey

REFERENCE = "RFC 6376 3.6.2"
WEIGHT = 70
_NAME_IT = "Name the selector: it stands behind s= in the DKIM-Signature of any mail you sent."


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each selector that is known; one for all that were guessed."""
    seen = await survey(inquiry)
    found = [_named(seen, key) for key in seen.named]
    if seen.below is not None:
        found.append(_guessed(seen, seen.below, inquiry.subject.domain))
        if found[-1].outcome == "fail" and (await inquiry.world.dns(inquiry.subject.domain, "MX")).state == "nxdomain":
            found[-1] = skipped(f"{inquiry.subject.domain} does not exist, so it has no DKIM key.", seen.below, about=inquiry.subject.domain)
    return found or [skipped("No domain was given, and no signed mail, so there is no DKIM key to look for.")]


def _named(seen: Survey, key: DkimKey) -> Finding:
    """A selector that was given or stands in the mail."""
    if key.state == "found":
        return passed(f"The DKIM key {key.name} is there{' and the mail is signed with it' if seen.uses(key) else ''}.", *asked(key), **facts(key))
    if key.state == "unknown":
        return unknown(f"Whether the DKIM key {key.name} is there could not be learned: {key.why}.", *asked(key), **facts(key))
    reason = "the mail is signed with it, and the signature counts for nothing" if seen.uses(key) else "what is signed with it counts for nothing"
    why = f" ({key.why})" if key.why else ""
    return fail(f"There is no DKIM key at {key.name}{why}: {reason}.", *asked(key), **facts(key),
                advice="Publish the TXT (or CNAME) record that the sending system shows for this selector, or let it sign with a selector that is published.")


def _guessed(seen: Survey, below: DnsAnswer, domain: str) -> Finding:
    """No selector of the domain is known: what the DNS tells nevertheless."""
    name = f"_domainkey.{domain}"
    tried = [key.selector for key in seen.guessed]
    found = [key for key in seen.guessed if key.state == "found"]
    known = {"about": name, "tried": tried}
    if below.unlearned:
        return unknown(f"Whether {domain} has DKIM keys could not be learned: {below.error or below.state} for {name}.", below, **known)
    if any(not key.revoked for key in found):
        names = [key.selector for key in found]
        return passed(f"{domain} has DKIM keys; found among the usual selectors: {', '.join(names)}.", *_answers(found), found=found[0].record[:2000], selectors=names, **known)
    if seen.silent:
        return passed(f"{domain} has no DKIM key in use, and needs none: by its SPF record (v=spf1 -all) it sends no mail.", below, weight=5, **known)
    if found:
        return unknown(f"Only withdrawn DKIM keys of {domain} were found ({', '.join(key.selector for key in found)}); selectors can't be listed, so others may be in use.", *_answers(found),
                       found=found[0].record[:2000], selectors=[key.selector for key in found], advice=_NAME_IT, **known)
    if below.state == "nxdomain":
        return fail(f"{domain} has no DKIM key: the name {name} does not exist, so nothing stands below it (RFC 8020).", below, weight=50, reference="RFC 8020 2",
                    advice="Switch DKIM signing on in the sending system, and publish the record it shows.", **known)
    open_ = [key for key in seen.guessed if key.state == "unknown"]
    if open_:
        return unknown(f"No DKIM key of {domain} was found, but not every question was answered.", *_answers(open_), **known)
    return unknown(f"No DKIM key of {domain} was found among the {len(tried)} selectors tried ({', '.join(tried)}); selectors can't be listed, so there may well be others.", below, advice=_NAME_IT, **known)


def _answers(keys: list[DkimKey]) -> list[DnsAnswer]:
    return [one for key in keys for one in asked(key)]
