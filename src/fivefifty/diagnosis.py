"""From a bounce to verdicts: the one way through the core, pure and offline.

Order of witnesses: the words of the innermost host, then of those around it, then the human part of the report, then what
the codes alone can say.  A code alone never states a cause, and before RCPT TO nobody can have spoken of the recipient.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .causes import Cause, cause, deciding_test
from .codes import from_codes
from .knowledge import rulebook
from .model import Failure, Reply
from .parse import parse
from .providers import provider_of
from .rules import Context, Match, Rulebook, fold, words_in
from .verdict import Verdict

STRONG = 60  # from this rank on the innermost host's words need no second witness
OVERRULES = 85  # from this rank on the words of an outer host explain the reply they quote
WEAK = 45  # up to this rank an enhanced status that names a subject is the better witness

_LOOKED_UP = re.compile(r"name service error for name=([\w.-]{1,255}) type=a")
_CLAUSE = 160  # characters on each side of an "or" that can belong to it
_SENTENCE_END = re.compile(r"[.;:] |, ")

_BEFORE_RCPT = frozenset(("connect", "ehlo", "starttls", "auth", "mail"))  # RFC 5321 3.3: the recipient is not named yet
_ABOUT_RECIPIENT = frozenset(("address.unknown", "address.inactive", "address.domain", "address.syntax"))
DOUBTS = frozenset(
    "sender senders originator blocked block blacklist blacklisted blocklist blocklisted listed spam policy policies reputation spf dkim dmarc relay relaying greylist greylisted "
    "temporarily temporary later retry limit quota authenticate authenticated authentication authorized permission permitted forbidden prohibited restricted login password "
    "verify verification unverified callout callback".split()
)


class _Reading(NamedTuple):
    """A cause, how firmly it is read, and what it rests on."""

    cause: str
    standing: str
    alternatives: tuple[str, ...] = ()
    decide: str = ""
    match: Match | None = None


def diagnose(source: bytes | str, where: str = "", own_domains: Iterable[str] = ()) -> list[Verdict]:
    """The verdicts of one input, one for each recipient; [] when it is ordinary mail.

    `source` is a mail, an mbox, or pasted text; `where` is what it is called in `Verdict.source`.  With `own_domains` a bounce of a mail that is not from one of them is
    told apart as backscatter.  Nothing is asked of the outside, and no input raises.
    """
    own = frozenset(domain.lower().strip().rstrip(".") for domain in own_domains)
    verdicts = [verdict_of(failure, index, where) for index, failure in enumerate(parse(source, own))]
    return [verdict for verdict in verdicts if verdict.kind != "not_a_bounce"]


def verdict_of(failure: Failure, index: int = 0, where: str = "") -> Verdict:
    """The verdict about one Failure."""
    folded = fold(failure.layers[-1].text if failure.layers else failure.text)
    provider = provider_of(failure, folded)
    match = _match_of(failure, folded, provider)
    if failure.kind == "notice" and not _speaks_of_a_cause(match, failure):
        return _verdict(failure, _Reading(failure.notice or "notice.success", "stated"), provider, index, where)
    if match is None and not (failure.reply_code or failure.status) and "pasted text" in failure.seen.values():
        return _verdict(failure, _Reading("unknown", "open"), provider, index, where, kind="not_a_bounce")
    reading = _either_or(_other_name(_before_rcpt(_reading_of(match, failure), failure), failure, folded), failure, folded, provider)
    return _verdict(failure, reading, provider, index, where)


def _match_of(failure: Failure, folded: str, provider: str) -> Match | None:
    """The rule that decides: the innermost words, an outer layer's or the human part's only where those are weak."""
    book = rulebook()
    if failure.notice == "notice.autoreply":  # a person's words: only wordings known of such mails count
        told_by = [match for match in book.matches(fold(failure.text), _context(Reply(), failure, provider)) if match.rule.family == "notices"]
        return max(told_by, key=_telling, default=None)
    best = _from_layers(book, failure, folded, provider)
    if failure.text and (best is None or best.rule.rank < STRONG):
        last = failure.layers[-1] if failure.layers else Reply()
        told = book.match(folded if not failure.layers else fold(failure.text), _context(last, failure, provider))
        if told is not None and (best is None or told.rule.rank >= STRONG):
            best = told
    return best


def _telling(match: Match) -> tuple[bool, bool, int, str]:
    """Of the wordings in an automatic reply: a stated dead address first, then words of an absence, then hints that somebody left."""
    rule = match.rule
    return rule.cause.startswith("address.") and rule.standing == "stated", rule.cause.startswith("notice."), rule.rank, rule.id


def _context(layer: Reply, failure: Failure, provider: str) -> Context:
    return Context(layer.status or failure.status, layer.reply_code, layer.phase or failure.phase, provider, layer.remote_mta or failure.remote_mta)


def _from_layers(book: Rulebook, failure: Failure, folded: str, provider: str) -> Match | None:
    """The innermost layer whose words are strong, unless a layer around it says what that reply was about (a verified sender)."""
    best: Match | None = None
    at_least = 0
    for layer in reversed(failure.layers):
        asked = book.from_rank(OVERRULES) if at_least >= OVERRULES else book
        match = asked.match(folded if layer is failure.layers[-1] else fold(layer.text), _context(layer, failure, provider), at_least)
        if match is not None:
            best = match
            at_least = best.rule.rank + 1 if best.rule.rank < STRONG else max(best.rule.rank + 1, OVERRULES)
    return best


def _speaks_of_a_cause(match: Match | None, failure: Failure) -> bool:
    """Whether a notice shows the reason behind it: the last error of a delay, a dead address in an automatic reply."""
    if match is None or match.rule.cause.startswith("notice."):
        return False
    return failure.notice in ("notice.delayed", "notice.autoreply")


def _codes_of(failure: Failure) -> tuple[str, int, str]:
    last = failure.layers[-1] if failure.layers else Reply()
    return last.status or failure.status, last.reply_code or failure.reply_code, last.phase or failure.phase


def _reading_of(match: Match | None, failure: Failure) -> _Reading:
    """The rule's reading; where there is none, or only a weak one beside a status that names a subject, the codes'."""
    if match is not None and (match.rule.rank > WEAK or match.rivals):
        return _by_rule(match)
    coded = _Reading(*from_codes(*_codes_of(failure)))
    if match is None or (coded.standing == "likely" and coded.cause != match.rule.cause and match.rule.standing != "stated" and _names_subject(failure)):
        return coded
    return _by_rule(match)


def _names_subject(failure: Failure) -> bool:
    """Whether the enhanced status says more than "undefined" (X.0.0, X.7.1 and the like say next to nothing)."""
    status = _codes_of(failure)[0]
    return bool(status) and not status.endswith(".0") and status[1:] not in (".7.1", ".5.1")


def _by_rule(match: Match) -> _Reading:
    rule = match.rule
    if not match.rivals:
        return _Reading(rule.cause, rule.standing, rule.alternatives, rule.decide, match)
    standing = "likely" if rule.standing == "stated" else rule.standing
    others = tuple(rival.cause for rival in match.rivals if rival.cause not in rule.alternatives)
    return _Reading(rule.cause, standing, (*rule.alternatives, *dict.fromkeys(others)), rule.decide, match)


def _before_rcpt(reading: _Reading, failure: Failure) -> _Reading:
    """Words about an unknown name before RCPT TO speak of the sender's: the recipient was not named yet."""
    if reading.cause not in _ABOUT_RECIPIENT or _codes_of(failure)[2] not in _BEFORE_RCPT:
        return reading
    return _Reading("sender.identity", "likely", (reading.cause, *reading.alternatives), "", reading.match)


def _other_name(reading: _Reading, failure: Failure, folded: str) -> _Reading:
    """Where the name that was not found is not the recipient's domain, the domain lives and one of its servers' names is wrong (Postfix: "name=mx.example.net")."""
    named = _LOOKED_UP.search(folded) if reading.cause == "address.domain" else None
    domain = failure.final_recipient.rpartition("@")[2].lower()
    if named is None or not domain or named[1].rstrip(".") == domain or domain.endswith("." + named[1].rstrip(".")):
        return reading
    return _Reading("recipient.dns", "likely", ("address.domain", *(one for one in reading.alternatives if one != "recipient.dns")), "", reading.match)


def _either_or(reading: _Reading, failure: Failure, folded: str, provider: str) -> _Reading:
    """A reply that says "no such user or your server is blocked" settles nothing, however plain each half is."""
    at = folded.find(" or ")
    if at < 0 or reading.standing != "stated" or reading.cause.startswith("notice."):
        return reading
    context = _context(failure.layers[-1] if failure.layers else Reply(), failure, provider)
    before, after = (rulebook().match(half, context) for half in _halves(folded, at))
    if before is None or after is None or min(before.rule.rank, after.rule.rank) < WEAK:
        return reading
    one, other = before.rule.cause, after.rule.cause
    if (one in _ABOUT_RECIPIENT) == (other in _ABOUT_RECIPIENT) or "unknown" in (one, other):
        return reading
    return _Reading(one, "open", (other, *(cause for cause in reading.alternatives if cause not in (one, other))), "", reading.match)


def _halves(folded: str, at: int) -> tuple[str, str]:
    """What stands on both sides of an "or", each up to the end of its sentence."""
    before, after = folded[max(0, at - _CLAUSE) : at], folded[at + 4 : at + 4 + _CLAUSE]
    return before[max(before.rfind(". "), before.rfind("; ")) + 1 :], _SENTENCE_END.split(after, maxsplit=1)[0]


def is_temporary(failure: Failure) -> bool:
    """Whether the receiver's last word was a 4xx: it asked to be tried again (RFC 5321 4.2.1)."""
    status, reply_code, _ = _codes_of(failure)
    return reply_code < 500 if reply_code else status.startswith("4")


def _permanent(found: Cause, match: Match | None, failure: Failure) -> bool:
    if match is not None and match.rule.permanent is not None:
        return match.rule.permanent
    if found.permanent == "no" or failure.stage == "delayed":
        return False
    return not is_temporary(failure)


def _may_suppress(found: Cause, reading: _Reading, failure: Failure, permanent: bool) -> bool:
    """Only a stated, final word about the address itself, or a complaint, takes an address off the list."""
    if not found.suppress or reading.standing != "stated" or (reading.match is not None and reading.match.rule.suppress is False):
        return False
    if failure.kind == "notice":
        return True
    return permanent and failure.action not in ("delayed", "delivered", "relayed", "expanded") and not _leaves_a_doubt(failure, reading.match)


def _leaves_a_doubt(failure: Failure, match: Match | None) -> bool:
    """Whether a server also spoke of the sender, of a rule or of a while: then a live address may stand behind it.

    A dead address kept costs one more bounce; a live one declared dead is lost.
    """
    replies = [layer.text for layer in failure.layers[:-1] if layer.reply_code]
    replies.append(failure.layers[-1].text if failure.layers else failure.text)
    others = frozenset().union(*[words_in(fold(reply))[1] & DOUBTS for reply in replies])
    return bool(others) and not others <= words_in(" ".join(match.words) if match else "")[1]


def _verdict(failure: Failure, reading: _Reading, provider: str, index: int, where: str, *, kind: str = "") -> Verdict:
    found = cause(reading.cause)
    match = reading.match
    permanent = _permanent(found, match, failure)
    alternatives = tuple(one for one in reading.alternatives if one != reading.cause)
    if not kind:
        kind = "notice" if reading.cause.startswith("notice.") else failure.kind
    return Verdict(
        failure=failure, kind=kind, cause=reading.cause, owner=found.owner, standing=reading.standing, alternatives=alternatives,
        decide=reading.decide or (deciding_test(reading.cause, alternatives) if alternatives else ""), permanent=permanent,
        suppress=_may_suppress(found, reading, failure, permanent), retry=found.retry and (not permanent or is_temporary(failure)),
        rule=match.rule.id if match else "", provider=provider, words=match.words if match else (), source=where, index=index,
    )
