"""qmail-send through multilog or syslog: "delivery 7: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550_…/"."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import clean
from . import Entry

HINTS = ("delivery ", "info msg ")

_STARTING = re.compile(r"\bstarting delivery (\d{1,12}): msg (\d{1,20}) to (?:local|remote) (\S{1,320})")
_ENDED = re.compile(r"\bdelivery (\d{1,12}): (failure|deferral|success): (\S{1,4000})")
_SENDER = re.compile(r"\binfo msg (\d{1,20}): bytes \d{1,12} from <([^<>]{0,320})>")
_OUTCOMES = {"failure": "failed", "deferral": "delayed", "success": "delivered"}


def read(line: str) -> Entry | None:
    """A line of qmail-send's log.  The recipient stands in another line than the outcome; both carry the delivery's number."""
    started = _STARTING.search(line)
    if started:
        return Entry("context", f"qmail {started[1]}", Failure(final_recipient=clean(started[3])), parent=f"qmail msg {started[2]}")
    ended = _ENDED.search(line)
    if ended:
        return Entry(_OUTCOMES[ended[2]], f"qmail {ended[1]}", Failure(), ended[3].replace("_", " ").replace("/", "\n").strip())
    sender = _SENDER.search(line)
    return Entry("context", f"qmail msg {sender[1]}", Failure(envelope_sender=clean(sender[2]))) if sender else None
