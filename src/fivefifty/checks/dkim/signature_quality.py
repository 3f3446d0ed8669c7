"""The DKIM signatures are made as they should be."""
from __future__ import annotations

from collections.abc import Iterator

from ...mailauth.dkim import DkimResult
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import mail, results

REFERENCE = "RFC 6376 5.4, 8.2, RFC 8301"
WEIGHT = 30
_WANTED = ("subject", "date", "to", "reply-to", "cc", "mime-version", "content-type")  # RFC 6376 5.4.1


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each thing that is weak about a signature; one pass where all are well made."""
    if not inquiry.subject.message:
        return []
    signatures = [one for one in await results(inquiry) if one.signed_headers]
    present = {field.name for field in (await mail(inquiry)).fields} if signatures else set()
    found = [finding for one in signatures for finding in _weak(one, present)]
    return found or [passed("The DKIM signatures are well made.", weight=5)] * bool(signatures)


def _weak(one: DkimResult, present: set[str]) -> Iterator[Finding]:
    known = {"about": one.domain, "domain": one.domain, "selector": one.selector}
    who = f"The DKIM signature of {one.domain}"
    if one.algorithm == "rsa-sha1":
        yield fail(f"{who} is made with rsa-sha1, which receivers must no longer accept.", weight=70, advice="Set the signer to rsa-sha256.", **known)
    if one.body_length is not None:
        covered = "nothing of the body" if one.body_length == 0 else f"only the first {one.body_length} octets of the body"
        yield warn(f"{who} covers {covered} (l=): anybody can add text behind it, and Gmail and others distrust it.", advice="Sign without l=.", **known)
    unsigned = [name for name in _WANTED if name in present and name not in one.signed_headers]
    if "subject" in unsigned or "date" in unsigned or "to" in unsigned:
        yield warn(f"{who} leaves {', '.join(unsigned)} unsigned: these can be changed without breaking it.", weight=15, advice="Let the signer cover them.", unsigned=unsigned, **known)


