"""The reverse name is a mail server's own, not one that a provider gives to a whole range."""
from __future__ import annotations

from ...mailauth.host_names import range_name
from ...mailauth.iprev import Iprev
from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import all_reverse_names, no_ip

REFERENCE = "M3AAWG: Sender best common practices"
WEIGHT = 50


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each sending IP that has a name."""
    found = await all_reverse_names(inquiry)
    return [_of(one) for one in found if one.names] or ([] if found else no_ip(inquiry))


def _of(one: Iprev) -> Finding:
    kinds = {name: range_name(name, one.ip) for name in one.names[:10]}
    facts = {"about": one.ip, "found": "\n".join(one.names[:10])}
    advice = "Have the provider set the reverse name to that of your mail server (mail.example.org), or send through a relay that has one."
    for kind, sentence, weight in (
        ("dynamic", "looks like that of a line whose address changes; many receivers refuse mail from those, and the Spamhaus PBL lists most of them", 75),
        ("generic", "looks like one that the provider gives to every address of a range; some receivers score or refuse that", 40),
    ):
        named = next((name for name, found in kinds.items() if found == kind), "")
        if named and "" not in kinds.values():
            return warn(f"The reverse name {named} of {one.ip} {sentence}.", *one.answers[:1], **facts, weight=weight, advice=advice, kind=kind)
    return passed(f"The reverse name of {one.ip} looks like a host's own.", *one.answers[:1], **facts, kind="")
