"""There is one key record at a selector."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import asked, facts, survey

REFERENCE = "RFC 6376 3.6.2.2"
WEIGHT = 50


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each selector with several TXT records; one pass where there is none."""
    found = []
    seen = (await survey(inquiry)).found
    for key in seen:
        records = key.answer.records if key.answer else ()
        if len(records) < 2:
            continue
        what = f"{len(key.keys)} key records" if len(key.keys) > 1 else f"{len(records)} TXT records, one of them a key"
        found.append(warn(f"There are {what} at {key.name}: what a receiver takes is undefined, so signatures verify now and then.", *asked(key),
                          advice="Leave only the record that belongs to the key in use.", **{**facts(key), "found": "\n".join(map(str, records))[:2000], "records": len(records)}))
    return found or ([passed("There is one record at each selector.", weight=5)] if seen else [])
