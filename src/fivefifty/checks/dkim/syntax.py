"""The DKIM key record can be read."""
from __future__ import annotations

from ...mailauth.dkim_key import DkimKey, KeyRecord
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import asked, facts, survey

REFERENCE = "RFC 6376 3.6.1"
WEIGHT = 80
_ADVICE = {
    "quotes": "Enter the record without quotation marks, as one text.",
    "backslash": "Enter the record without backslashes.",
    "truncated": "Enter the whole record; where the field takes no more than 255 characters, as several quoted strings of one record.",
    "base64": "Copy the record again from the sending system, without line breaks or spaces inside p=.",
    "der": "Copy the record again from the sending system: characters were lost or mixed up.",
    "wrapped": "Publish the last 32 octets of the key only, as base64.",
    "version": "Begin the record with v=DKIM1; in exactly these letters.",
    "version_place": "Move v=DKIM1; to the beginning of the record.",
    "missing": "Publish the record with its tag p=, which holds the public key.",
    "granularity": "Take g= out of the key record.",
    "hashes": "Take h= out of the key record, or write h=sha256.",
    "type": "Write k=rsa or k=ed25519, after the kind of the key.",
    "left_over": "Publish the key without what stands behind it.",
    "bare_rsa": "Publish the key as SubjectPublicKeyInfo (what `openssl rsa -pubout` writes).",
}


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each record at each selector."""
    return [_told(key, record) for key in (await survey(inquiry)).found for record in key.keys]


def _told(key: DkimKey, record: KeyRecord) -> Finding:
    known = {**facts(key), "found": record.text[:2000]}
    odd = record.problems or record.remarks
    if not odd:
        return passed(f"The DKIM key record {key.name} is well formed.", *asked(key), **known)
    told = f"The DKIM key record {key.name} {'is of no use' if record.problems else 'is readable, but'}: {'; '.join(one.text for one in odd)}."
    told = told if record.problems else told.replace("but: ", "but ", 1)
    known |= {"advice": _ADVICE.get(odd[0].id, "Publish the record again as the sending system shows it."), "problems": [one.id for one in odd], "record": _mended(record)}
    return fail(told, *asked(key), **known) if record.problems else warn(told, *asked(key), weight=25, **known)


def _mended(record: KeyRecord) -> str:
    """The record to publish, where what was meant is beyond doubt."""
    if record.problems and record.problems[0].id in ("quotes", "backslash"):
        from ...mailauth.dkim_key import read_key

        plain = record.text.replace("\\", "").replace('" "', "").replace('"', "").strip()
        return plain if not read_key(plain).problems else ""
    ids = {one.id for one in (*record.problems, *record.remarks)}
    if (record.problems and ids != {"version"}) or not ids & {"version", "version_place", "granularity"} or not record.octets:
        return ""
    kept = [f"{name}={value}" for name, value in record.tags.items() if name not in ("v", "g")]
    return "; ".join(["v=DKIM1", *kept])
