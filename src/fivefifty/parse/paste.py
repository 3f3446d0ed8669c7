"""Text a person pastes: a reply, a transcript, a log line, the text of a report, fields of a DSN."""
from __future__ import annotations

import re

from ..model import Failure, Reply
from .address import clean
from .dsn import read_report
from .mime import Part
from .narrative import cut, read_story
from .report import failure_of, sending_ip_of, stage_of
from .returned import Returned, returned_from_text
from .wrapper import peel

_FIELD = re.compile(r"^(?:final-recipient|diagnostic-code|original-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_TO = re.compile(r"\b(?:orig_)?to=<?([^\s<>,;\"]+@[^\s<>,;\"]+)>?", re.IGNORECASE)


def read_paste(text: str) -> list[Failure]:
    """The Failures of a pasted text; [] where it holds nothing at all."""
    text = text.strip()
    if not text:
        return []
    fields = _FIELD.search(text)
    if fields:
        before = text[: fields.start()].rfind("\n\n")
        report = read_report(text[before + 2 if before >= 0 else 0 :])
        if report.recipients:
            part = Part({}, b"", "text/plain", {}, "pasted text")
            return [failure_of(group, report.message, part, Returned(), text[:6000], ()) for group in report.recipients]
    human, below = cut(text)
    returned = returned_from_text(below) if below else Returned()
    story = read_story(text, set())
    segments = [segment for segment in story.segments if segment.strength >= 3] or story.segments[:1]
    if len(segments) > 1:
        return [_pasted(segment.text, segment.address, text, returned) for segment in segments]
    return [_pasted(human or text, segments[0].address if segments else "", text, returned)]


def _pasted(words: str, address: str, whole: str, returned: Returned) -> Failure:
    layers = peel(words)
    last = layers[-1] if layers else Reply()
    told = _TO.search(words)
    return Failure(
        final_recipient=clean(told[1]) if told else address, stage=stage_of("", words, ""), status=next((layer.status for layer in reversed(layers) if layer.status), ""),
        reply_code=next((layer.reply_code for layer in reversed(layers) if layer.reply_code), 0), diagnostic_code=" ".join(words.split())[:4000],
        phase=next((layer.phase for layer in reversed(layers) if layer.phase), ""), remote_mta=last.remote_mta, remote_ip=last.remote_ip, sending_ip=sending_ip_of(layers),
        envelope_sender=returned.envelope_sender, author_domain=returned.author_domain, message_id=returned.message_id, subject=returned.subject,
        layers=layers, seen={"diagnostic_code": "pasted text"}, text=whole[:6000],
    )
