"""The HELO name is the reverse name of the sending IP."""
from __future__ import annotations

from ...mailauth.host_names import helo_form
from ...model import Finding
from .. import Inquiry, passed, skipped, warn
from ..receiving._shared import some
from ._shared import all_reverse_names

REFERENCE = "RFC 5321 4.1.4"
WEIGHT = 15


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each sending IP with a name.  RFC 5321 4.1.4: a difference is no reason to refuse mail, but filters score it."""
    name = inquiry.subject.helo_name.lower().strip().rstrip(".")
    if not name or not inquiry.subject.sending_ips:
        return [skipped("HELO name and sending IP are both needed to compare them.")]
    if helo_form(name) != "name":
        return []  # "helo" speaks of it
    told = []
    for one in await all_reverse_names(inquiry):
        facts = {"about": one.ip, "found": "\n".join(one.names[:10]), "helo_name": name}
        if name in one.names:
            told.append(passed(f"The HELO name {name} is the reverse name of {one.ip}.", *one.answers[:1], **facts))
        elif one.names:
            told.append(warn(f"The HELO name is {name}, the reverse name of {one.ip} is {some(one.names, 3)}. Receivers should not refuse mail for it, but some filters score it.",
                             *one.answers[:1], **facts, advice="Let both be the same name."))
    return told
