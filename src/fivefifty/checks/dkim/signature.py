"""The DKIM signatures of the mail verify."""
from __future__ import annotations

from dataclasses import replace

from ...mailauth.dkim import DkimResult
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._shared import asked, mail, results, why_incomplete

REFERENCE = "RFC 6376 6.1"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each signature; a mail returned in part can't be judged in full."""
    if not inquiry.subject.message:
        return [skipped("No mail was given, so no DKIM signature can be verified.")]
    signatures = await results(inquiry)
    if not signatures:
        message = await mail(inquiry)
        if not message.fields:
            return [skipped("The mail has no header, so there is nothing to verify.")]
        return [warn("The mail has no DKIM-Signature, as it is at hand.", advice="Switch DKIM signing on in the system that sent it.", weight=50, signed=False)]
    incomplete = await why_incomplete(inquiry) if any(one.part == "body" for one in signatures) else ""
    found = [_told(one, incomplete) for one in signatures]
    if any(one.outcome == "pass" for one in found):  # one good signature is enough (RFC 6376 6.1); the others only tell of changes
        return [replace(one, outcome="warn", weight=20) if one.outcome == "fail" else one for one in found]
    return found


def _told(one: DkimResult, incomplete: str) -> Finding:
    who = f"The DKIM signature of {one.domain or 'the mail'}" + (f" (selector {one.selector})" if one.selector else "")
    answers = asked(one.key) if one.key else ()
    known = {"about": one.domain, "domain": one.domain, "selector": one.selector, "identity": one.identity, "dkim_result": one.result, "reason": one.reason_id}
    if one.result == "pass":
        return passed(f"{who} verifies" + (f"; {one.reason}." if one.reason else "."), *answers, **known)
    if one.result == "temperror":
        return unknown(f"{who} could not be verified: {one.reason}.", *answers, **known)
    if one.part == "body" and incomplete:
        header = {True: "the signature over the header is right", False: "the header was changed, too, or the key is another one"}.get(one.signature_matches, "the key gives no answer either")  # type: ignore[arg-type]
        return unknown(f"{who} can't be judged from this copy of the mail, because {incomplete}; {header}.", *answers, **known, advice="Take the mail as it was sent, whole.")
    if one.reason_id == "expired" and one.signature_matches and one.body_matches:
        return warn(f"{who} is right, but {one.reason}; a receiver that got the mail before then accepted it.", *answers, weight=15, **known)
    told = fail if one.result in ("fail", "permerror", "policy") else warn
    return told(f"{who} does not count: {one.reason}." if one.result == "policy" else f"{who} does not verify: {one.reason}.", *answers, **known, advice=_advice(one))


def _advice(one: DkimResult) -> str:
    if one.part == "body":
        return "Sign as the last step: something behind the signer (a footer, a filter, a list, a re-encoding relay) changes the body. In a returned copy the reporting server may have done it."
    if one.part == "signature":
        return "Compare the published key with the signer's private key, and look for what changes header fields behind the signer."
    if one.part == "key":
        return "Publish the key record that the sending system shows for this selector."
    return "Mend the signer's settings."
