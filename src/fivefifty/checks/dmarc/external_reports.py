"""Other organizations have agreed to take the DMARC reports that are sent to them."""
from __future__ import annotations

from ...mailauth.dmarc import DmarcPolicy, report_authorized
from ...mailauth.dmarc_record import ReportAddress
from ...model import Finding
from .. import Inquiry, passed, unknown, warn
from ..receiving._shared import why
from ._shared import author_policy

REFERENCE = "RFC 9990 4; RFC 9991 5"
WEIGHT = 25
MOST_ASKED = 10


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each domain outside the organization that reports are to go to."""
    policy = await author_policy(inquiry)
    record = policy.record
    if record is None or policy.state not in ("found", "void"):
        return []
    outside = {one.domain: one for one in reversed((*record.rua, *record.ruf)) if one.valid and one.domain and one.domain != policy.found_at}
    works = (_of(inquiry, policy, one) for one in list(reversed(outside.values()))[:MOST_ASKED])
    return [one for part in await inquiry.together(*works) for one in part]


async def _of(inquiry: Inquiry, policy: DmarcPolicy, address: ReportAddress) -> list[Finding]:
    allowed, answer = await report_authorized(policy.found_at, address, inquiry.world)
    name = f"{policy.found_at}._report._dmarc.{address.domain}"
    facts = {"about": address.domain, "found": address.uri, "authorized": allowed}
    if answer is None:
        if allowed:  # the same organization: nothing to agree on
            return []
        return [warn(f"Reports can't go to {address.domain}: the name that would allow it is too long.", **facts, advice="Use an address of your own domain.")]
    if allowed is None:
        return [unknown(f"Whether {address.domain} takes DMARC reports about {policy.found_at} could not be learned, because {why(answer) if answer.unlearned else 'a DMARC query failed'}.", answer, **facts)]
    if allowed:
        return [passed(f"{address.domain} has agreed to take DMARC reports about {policy.found_at}.", answer, **facts)]
    return [warn(f"Reports to {address.domain} are not sent: it does not publish that it takes reports about {policy.found_at}.", *policy.answers, answer, **facts,
                 advice=f"Ask whoever runs {address.domain} to publish the record, or use an address of your own domain.", record=f'{name}. TXT "v=DMARC1"')]
