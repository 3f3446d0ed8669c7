"""The DKIM key is long enough, and not too long."""
from __future__ import annotations

from ...mailauth.dkim_key import LARGEST_RSA, WEAKEST_RSA, DkimKey
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import asked, facts, survey

REFERENCE = "RFC 8301 3.2"
WEIGHT = 60
_RENEW = "Make a new RSA key of 2048 bits under a new selector, sign with it, and withdraw the old one some days later."


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each key that could be read."""
    seen = await survey(inquiry)
    keys = [key for key in seen.found if key.bits]
    rsa_too = {key.domain for key in keys if key.key_type == "rsa"}
    return [_rsa(key) if key.key_type == "rsa" else _ed25519(key, key.domain in rsa_too) for key in keys]


def _rsa(key: DkimKey) -> Finding:
    known = {**facts(key), "bits": key.bits, "key_type": "rsa"}
    told = f"The DKIM key {key.name} is RSA with {key.bits} bits"
    if key.bits < WEAKEST_RSA:
        return fail(f"{told}: below {WEAKEST_RSA} receivers must take no signature for valid.", *asked(key), advice=_RENEW, **known)
    if key.bits < 2048:
        return warn(f"{told}, the least that is still accepted; 2048 is what should be used today.", *asked(key), advice=_RENEW, weight=15, **known)
    if key.bits > LARGEST_RSA:
        return fail(f"{told}, which receivers do not calculate with.", *asked(key), advice=_RENEW, **known)
    if key.bits > 4096:
        return warn(f"{told}: receivers need not be able to use more than 4096.", *asked(key), advice=_RENEW, weight=40, **known)
    return passed(f"{told}.", *asked(key), **known)


def _ed25519(key: DkimKey, rsa_too: bool) -> Finding:
    known = {**facts(key), "bits": key.bits, "key_type": "ed25519", "reference": "RFC 8463"}
    if rsa_too:
        return passed(f"The DKIM key {key.name} is Ed25519, beside an RSA key for receivers that can't verify it.", *asked(key), **known)
    return warn(f"The DKIM key {key.name} is Ed25519, and no RSA key was found beside it: many large receivers can't verify Ed25519.", *asked(key), weight=30,
                advice="Sign twice: also with an RSA key of 2048 bits under a second selector.", **known)
