"""Narrative reports: Failures from a report that follows no standard, by its structure (see narrative.py)."""
from __future__ import annotations

import re

from ..model import Failure
from . import cue
from .address import addresses
from .dsn import read_report
from .formats import marking_headers, read_format
from .mime import Mail
from .narrative import Segment, addresses_in, lower, read_story
from .report import Shared, failure_of, human_part
from .returned import Returned, returned_from_text
from .telling import MAX_WORDS, Telling, failure_from, subject_of

MAX_SEARCHED = 200  # recipients whose reply is looked for elsewhere in the text

_DELAYED = re.compile(
    r"will (?:be )?(?:keep|continue)[a-z ]{0,20}(?:try|attempt|retr)|will be retried|will (?:re)?try (?:again|to)|still (?:being )?(?:trying|queued|attempt)|do not need to resend|do not resend|has been delayed|delivery (?:is |of your message )?(?:delayed|temporarily)|"
    r"warning[: -]{1,3}(?:message|could not)|is delayed|not yet been delivered|has not yet|keep trying|attempts will continue|will continue for|warning message only|verz\u00f6ger|retard[\u00e9a]|demorad|ritard|vertraag|\u9045\u5ef6|\u518d\u9001\u3092|\u5ef6\u8fdf|\u0437\u0430\u0434\u0435\u0440\u0436")
_FINAL = re.compile(r"permanent (?:fatal )?(?:error|failure)|giv(?:en|ing) up|failed permanently|no further (?:delivery )?attempts|could not be delivered to|has been returned|delivery failed|undeliverable|not going to try again")
_DELAYED_CUES = ("will ", "still ", "do not ", "has been delayed", "delivery ", "warning", "is delayed", "not yet been delivered", "has not yet", "keep trying", "attempts will continue",
                 "verz\u00f6ger", "retard", "demorad", "ritard", "vertraag", "\u9045\u5ef6", "\u518d\u9001\u3092", "\u5ef6\u8fdf", "\u0437\u0430\u0434\u0435\u0440\u0436")
_DELAY_SUBJECT = re.compile(r"\(delay\)|delayed|^warning[: -]{1,3}(?:message|could not)|delivery delay|verz\u00f6ger|retard|demor|\u9045\u5ef6|\u5ef6\u8fdf")
_SUCCESS = re.compile(r"(?:was|been) (?:successfully )?(?:delivered|relayed) (?:to|successfully)|successfully delivered|delivery (?:confirmation|was successful)")
_SUCCESS_CUES = ("successfully", "been delivered", "was delivered", "been relayed", "was relayed", "delivery confirmation", "delivery was successful")
_FAILS = re.compile(r"fail|not |n't|error|undeliver|reject|unable|cannot|[45]\d\d[ -]")
_REPLY_LINE = re.compile(r"[45](?:\.\d{1,2}\.\d|\d\d[ -](?:(?<=[\s:>;(\['\"].{4})|(?<=^.{4})))")


def from_story(mail: Mail, returned: Returned) -> list[Failure]:
    """A report without delivery-status part, read by its structure."""
    named = _failed_recipients(mail)
    telling, excluded = _telling(mail, returned, named)
    human, low = telling.human, telling.low
    fields = read_report(human) if "final-recipient:" in low else None
    if fields and fields.recipients:
        shared = Shared(fields.message, telling.where, telling.returned, tuple(mail.notes), mail.first("date"))
        return [failure_of(group, shared, human) for group in fields.recipients]
    telling.delayed, telling.success = _delayed(low, subject_of(mail).lower()), _succeeded(low)
    special = read_format(telling, low)
    if special:
        return special
    segments = _named(named, telling) or telling.story.segments
    if not segments:
        to = addresses(telling.returned.to)
        fallback = [one for one in to if one.lower() not in excluded][:1] or to[:1]
        segments = [Segment(one, human, 0, 1) for one in fallback] or [Segment("", human, 0)]
    return [failure_from(telling, segment.address, _words(segment, segments, telling, rank)) for rank, segment in enumerate(segments)]


def from_marked(mail: Mail, returned: Returned) -> list[Failure]:
    """A report that a header field of its own program marks, whatever its sender and subject; [] where there is none."""
    for name in marking_headers():
        if mail.first(name):
            telling, _ = _telling(mail, returned, _failed_recipients(mail))
            return read_format(telling, telling.low)
    return []


def _telling(mail: Mail, returned: Returned, named: list[str]) -> tuple[Telling, set[str]]:
    human, where = human_part(mail)
    excluded = _in_headers(mail, ("from", "return-path", "sender", "reply-to"))
    own = _in_headers(mail, ("to", "delivered-to", "x-original-to")).difference([one.lower() for one in named])
    own |= excluded
    story = read_story(human, own, excluded)
    if not returned.message_id and story.returned:
        returned = returned_from_text(story.returned)
    return Telling(mail, story, where, returned), own


def _in_headers(mail: Mail, names: tuple[str, ...]) -> set[str]:
    """The addresses in these header fields, in lower case; none goes past a space."""
    return addresses_in(" ".join([mail.first(name) for name in names]))


def _failed_recipients(mail: Mail) -> list[str]:
    """Exim's and Google's header field, which may stand more than once."""
    if not mail.first("x-failed-recipients"):
        return []
    return [one for value in mail.headers.get("x-failed-recipients") for one in addresses(value)]


def _named(named: list[str], telling: Telling) -> list[Segment]:
    """The recipients that X-Failed-Recipients names, each with its own text where the text names it too."""
    if not named:
        return []
    story = telling.story
    known = {segment.address.lower(): segment for segment in story.segments}
    if story.segments and all(segment.strength == 4 for segment in story.segments) and not any(one.lower() in known for one in named):
        return []  # an alias: the text says what it became
    return [known.get(one.lower()) or Segment(one, story.human, 0, 1) for one in named]


def _words(segment: Segment, segments: list[Segment], telling: Telling, rank: int) -> str:
    """The words about one recipient: its own, else a line elsewhere that names it with a reply, else what is said of all."""
    human = telling.human
    words = segment.text or human
    if _REPLY_LINE.search(words) or rank >= MAX_SEARCHED:
        return words
    for line in _lines_with(segment.address, telling):
        if _REPLY_LINE.search(line):
            return line
    if len(segments) == 1:
        return human if any(layer.reply_code or layer.status for layer in telling.layers_of(human[:MAX_WORDS])) else words
    shared = human[: segments[0].at] or human
    common = shared if _REPLY_LINE.search(shared) else human[segments[-1].at :]
    if not _REPLY_LINE.search(common) or any(other.address in common for other in segments if other is not segments[-1]):
        return words
    return words + "\n" + common if common is not shared else common


def _lines_with(address: str, telling: Telling) -> list[str]:
    """The lines that name an address, each with the one behind it."""
    found: list[str] = []
    human, low, wanted, at = telling.human, telling.story.low, lower(address), 0
    while wanted and (at := low.find(wanted, at)) >= 0 and len(found) < 20:
        start, end = human.rfind("\n", 0, at) + 1, human.find("\n", at)
        end = end if end >= 0 else len(human)
        found.append(human[start:end][:2000])
        at = end
    return found


def _delayed(low: str, subject: str) -> bool:
    if _DELAY_SUBJECT.search(subject):
        return True
    return cue.first(_DELAYED, low, _DELAYED_CUES, 0, 6000) is not None and not _FINAL.search(low, 0, 6000)


def _succeeded(low: str) -> bool:
    return cue.holds(low, _SUCCESS_CUES, 3000) and bool(_SUCCESS.search(low, 0, 3000)) and not _FAILS.search(low, 0, 3000)
