"""Exchange: message tracking (CSV, or as PowerShell shows it) and the message trace of Microsoft 365."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import ADDRESS, clean
from . import Entry

HINTS = (",FAIL,", ",DEFER,", ",HAREDIRECTFAIL,", ",DSN,", "RecipientStatus", "{LED=")

_EVENT = re.compile(r",(FAIL|DEFER|HAREDIRECTFAIL),")
_STATUS = re.compile(r"(?:^|,|\{)\"?((?:\[?\{LED=|[45]\d\d[ ;]|#?[45]\d\d#)[^\"]{3,2000}?)(?:\"|(?=,\d{1,12},\d{1,6},)|$)")
_SHOWN = re.compile(r"\bRecipientStatus\s*:\s*\{+(.{3,2000}?)\}\s*(?=[A-Z][A-Za-z]{2,30}\s*:|$)")
_RECIPIENTS = re.compile(r"\bRecipients?(?:Address)?\s*:\s*\{?([^\s{},]{3,320})")
_SENDER = re.compile(r"\bSender(?:Address)?\s*:\s*([^\s,]{3,320})")
_MESSAGE_ID = re.compile(r"<([^\s<>,\"]{1,500}@[^\s<>,\"]{1,255})>")


def read(line: str) -> Entry | None:
    """A line of a tracking log, or a record that PowerShell showed as a list (its lines are joined)."""
    event = _EVENT.search(line)
    if event:
        return _tracked(line, event)
    shown = _SHOWN.search(line)
    if shown is None:
        return None
    recipient, sender = _RECIPIENTS.search(line), _SENDER.search(line)
    return Entry("failed", "", Failure(final_recipient=clean(recipient[1]) if recipient else "", envelope_sender=clean(sender[1]) if sender else ""), shown[1])


def _tracked(line: str, event: re.Match[str]) -> Entry | None:
    rest = line[event.end() :]
    status = _STATUS.search(rest)
    if status is None:
        return None
    message_id = _MESSAGE_ID.search(rest[: status.start()])
    before = [clean(one) for one in ADDRESS.findall(_MESSAGE_ID.sub("", rest[: status.start()]))]
    behind = [clean(one) for one in ADDRESS.findall(_MESSAGE_ID.sub("", rest[status.end() :]))]
    known = Failure(final_recipient=before[-1] if before else "", envelope_sender=behind[-1] if behind else "", message_id=message_id[1] if message_id else "", last_attempt_date=line[:24] if line[:4].isdigit() else "")
    return Entry("delayed" if event[1] == "DEFER" else "failed", "", known, status[1])
