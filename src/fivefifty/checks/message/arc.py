"""The ARC chain of the mail is whole."""
from __future__ import annotations

from ...mailauth import arc
from ...mailauth.arc import ArcResult
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ..dkim._shared import why_incomplete
from ._shared import mail

REFERENCE = "RFC 8617 5.2"
WEIGHT = 30


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the chain; nothing to say where there is none."""
    message = await mail(inquiry)
    if message is None:
        return []
    chain = await inquiry.once("arc.result", lambda: arc.verify_split(message, inquiry.world))
    if chain.result == "none":
        return [skipped("The mail has no ARC chain: no forwarder or list sealed it.")]
    incomplete = await why_incomplete(inquiry) if chain.result == "fail" else ""
    return [_told(chain, incomplete)]


def _told(chain: ArcResult, incomplete: str) -> Finding:
    hops = [{"instance": one.instance, "domain": one.domain, "cv": one.cv, "authserv_id": one.authserv_id, "results": one.results} for one in chain.sets]
    known = {"arc_result": chain.result, "hops": hops, "oldest_pass": chain.oldest_pass}
    if chain.result == "pass":
        by = ", ".join(one.domain for one in chain.sets)
        changed = f" The mail was changed before hop {chain.oldest_pass}." if chain.oldest_pass > 1 else ""
        return passed(f"The ARC chain is whole; sealed by {by}.{changed}", **known)
    if chain.unlearned:
        return unknown(f"The ARC chain could not be validated: {chain.reason}.", **known)
    if incomplete and "body" in chain.reason:
        return unknown(f"The ARC chain can't be judged from this copy of the mail, because {incomplete}.", **known)
    return fail(f"The ARC chain is broken: {chain.reason}.", advice="The forwarder or list that changed the mail must seal it after its changes; receivers will not rely on this chain.", **known)
