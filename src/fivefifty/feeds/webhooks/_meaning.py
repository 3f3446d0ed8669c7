"""What a service's own classes mean ("HardBounce", "10"), for events that come without a server's words.

Words are better evidence and are left to the judge.  A class counts as evidence about the address only where it says so of this address.
"""
from __future__ import annotations

from dataclasses import dataclass

from ...causes import cause
from ...model import Event
from ._payload import worded


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a class says by itself.  `suppress` only where it says that this address does not exist or is closed for good."""

    cause: str
    suppress: bool = False
    standing: str = "stated"


NO_SUCH = Meaning("address.unknown", suppress=True)
CLOSED = Meaning("address.inactive", suppress=True)
MISWRITTEN = Meaning("address.syntax", suppress=True)
FULL = Meaning("address.full")
NO_DOMAIN = Meaning("address.domain")
BAD_DNS = Meaning("recipient.dns", standing="likely")
UNREACHABLE = Meaning("recipient.unreachable", standing="likely")
NOT_HOSTED = Meaning("recipient.not_hosted", standing="likely")
TOO_LARGE = Meaning("content.size")
SPAM = Meaning("content.spam", standing="likely")
ATTACHMENT = Meaning("content.attachment")
BAD_FORMAT = Meaning("content.format")
DISTRUST = Meaning("reputation.provider", standing="likely")
LISTED = Meaning("reputation.blocklist", standing="likely")
DMARC = Meaning("auth.dmarc")
GREYLISTED = Meaning("transient.greylisted")
PASSING = Meaning("transient.system", standing="likely")
EXPIRED = Meaning("transient.expired")
TOO_FAST = Meaning("volume.sender_rate", standing="likely")
OWN_QUOTA = Meaning("volume.own_quota")
NOT_ALLOWED = Meaning("sender.not_allowed")
OWN_ACCOUNT = Meaning("sender.account", standing="likely")
UNCLEAR = Meaning("unknown", standing="open")
SUPPRESSED = Meaning("notice.suppressed")
COMPLAINED = Meaning("notice.complaint")
AUTOREPLY = Meaning("notice.autoreply")


def explained(event: Event, rule: str, meaning: Meaning | None = None) -> Event:
    """The event with what its class means, where there are no words to read; a class without a meaning of its own stays open.

    A code without words is left to the judge: it calls it likely and never suppresses by it.
    """
    if event.kind in ("bounce", "deferral") and worded(event.text):
        return event
    if meaning is None:
        if event.status or event.reply_code:
            return event
        meaning = UNCLEAR
    return told(event, rule, meaning)


def told(event: Event, rule: str, meaning: Meaning) -> Event:
    """The event with a meaning that goes before its words: these are the service's own and say the same or less."""
    event.cause, event.owner, event.standing = meaning.cause, cause(meaning.cause).owner, meaning.standing
    event.rule = f"esp-{event.source}-{_slug(rule)}"
    event.suppress = meaning.suppress and event.kind == "bounce" and bool(event.recipient)
    return event


def suppressed(event: Event, rule: str = "suppressed") -> Event:
    """A mail that the service did not even try to send."""
    event.kind = "suppression"
    return told(event, rule, SUPPRESSED)


def complained(event: Event, feedback_type: str = "") -> Event:
    """A complaint; "not-spam" is the opposite of one (RFC 5965 7.3)."""
    if feedback_type.lower() == "not-spam":
        event.kind = "notice"
        return event
    event.kind = "complaint"
    return told(event, "complaint", COMPLAINED)


def _slug(rule: str) -> str:
    return "-".join("".join(one if one.isalnum() and one.isascii() else " " for one in rule.lower()).split())[:60]
