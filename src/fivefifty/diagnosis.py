"""From a bounce to verdicts: the one way through the core, pure and offline.

Order of witnesses: the words of the innermost host, then of those around it, then the human part of the report, then what
the codes alone can say.  A code alone never states a cause.
"""
from __future__ import annotations

from .causes import Cause, cause
from .codes import from_codes
from .knowledge import rulebook
from .model import Failure, Reply
from .parse import parse
from .providers import provider_of
from .rules import Context, Match, Rulebook, fold
from .verdict import Verdict

STRONG = 60  # from this rank on the innermost host's words need no second witness

_DAMPED = {"stated": "likely"}


def diagnose(source: bytes | str, where: str = "") -> list[Verdict]:
    """The verdicts of one input, one for each recipient; [] when it is ordinary mail.

    `source` is a mail, an mbox, or pasted text.  Nothing is asked of the outside, and no input raises.
    """
    verdicts = [verdict_of(failure, where, index) for index, failure in enumerate(parse(source))]
    return [verdict for verdict in verdicts if verdict.kind != "not_a_bounce"]


def verdict_of(failure: Failure, where: str = "", index: int = 0) -> Verdict:
    """The verdict about one Failure."""
    book = rulebook()
    folded = fold(failure.layers[-1].text if failure.layers else failure.text)
    provider = provider_of(failure, folded)
    match = _from_layers(book, failure, provider) if failure.notice != "notice.autoreply" else None
    if match is None or match.rule.rank < STRONG:
        match = _better(match, _from_text(book, failure, provider))
    if failure.kind == "notice" and not _speaks_of_a_cause(match, failure):
        return _notice(failure, provider, where, index)
    if match is not None:
        return _matched(match, failure, provider, where, index)
    if not _has_codes(failure) and "pasted text" in failure.seen.values():
        return _verdict(failure, "unknown", "open", provider, where, index, kind="not_a_bounce")
    return _coded(failure, provider, where, index)


def _context(layer: Reply, failure: Failure, provider: str) -> Context:
    return Context(layer.status or failure.status, layer.reply_code, layer.phase or failure.phase, provider, layer.remote_mta or failure.remote_mta)


def _from_layers(book: Rulebook, failure: Failure, provider: str) -> Match | None:
    """The innermost layer's rule; an outer layer's only where the inner words are weak."""
    best: Match | None = None
    for layer in reversed(failure.layers):
        match = book.match(fold(layer.text), _context(layer, failure, provider))
        if match is not None and (best is None or match.rule.rank > best.rule.rank):
            best = match
        if best is not None and best.rule.rank >= STRONG:
            return best
    return best


def _from_text(book: Rulebook, failure: Failure, provider: str) -> Match | None:
    if not failure.text:
        return None
    last = failure.layers[-1] if failure.layers else Reply()
    return book.match(fold(failure.text), _context(last, failure, provider))


def _better(first: Match | None, second: Match | None) -> Match | None:
    if first is None or second is None:
        return first or second
    return second if second.rule.rank >= STRONG > first.rule.rank else first


def _speaks_of_a_cause(match: Match | None, failure: Failure) -> bool:
    """Whether a notice shows the reason behind it: the last error of a delay, a dead address in an automatic reply."""
    if match is None or match.rule.cause.startswith("notice."):
        return False
    if failure.notice == "notice.delayed":
        return True
    return failure.notice == "notice.autoreply" and match.rule.family == "notices"


def _has_codes(failure: Failure) -> bool:
    return bool(failure.reply_code or failure.status)


def _matched(match: Match, failure: Failure, provider: str, where: str, index: int) -> Verdict:
    rule = match.rule
    standing, alternatives, decide = rule.standing, rule.alternatives, rule.decide
    if match.rivals:
        standing = _DAMPED.get(standing, standing)
        alternatives = (*alternatives, *(rival.cause for rival in match.rivals if rival.cause not in alternatives))
    verdict = _verdict(failure, rule.cause, standing, provider, where, index, match=match, alternatives=alternatives, decide=decide)
    return verdict


def _coded(failure: Failure, provider: str, where: str, index: int) -> Verdict:
    last = failure.layers[-1] if failure.layers else Reply()
    name, standing, alternatives = from_codes(last.status or failure.status, last.reply_code or failure.reply_code, last.phase or failure.phase)
    return _verdict(failure, name, standing, provider, where, index, alternatives=alternatives)


def _notice(failure: Failure, provider: str, where: str, index: int) -> Verdict:
    return _verdict(failure, failure.notice or "notice.success", "stated", provider, where, index, kind="notice")


def is_temporary(failure: Failure) -> bool:
    """Whether the receiver's last word was a 4xx: it asked to be tried again (RFC 5321 4.2.1)."""
    last = failure.layers[-1] if failure.layers else Reply()
    if last.reply_code:
        return last.reply_code < 500
    return (last.status or failure.status).startswith("4")


def _permanent(found: Cause, match: Match | None, failure: Failure) -> bool:
    if match is not None and match.rule.permanent is not None:
        return match.rule.permanent
    if found.permanent == "no" or failure.stage == "delayed":
        return False
    return not is_temporary(failure)


def _verdict(
    failure: Failure, name: str, standing: str, provider: str, where: str, index: int, *,
    match: Match | None = None, alternatives: tuple[str, ...] = (), decide: str = "", kind: str = "",
) -> Verdict:
    found = cause(name)
    permanent = _permanent(found, match, failure)
    kind = kind or failure.kind
    suppress = found.suppress and standing == "stated" and (permanent or kind == "notice") and (match is None or match.rule.suppress is not False)
    if kind == "failure" and name.startswith("notice."):
        kind = "notice"
    return Verdict(
        failure=failure, kind=kind, cause=name, owner=found.owner, standing=standing, alternatives=tuple(one for one in alternatives if one != name),
        decide=decide, permanent=permanent, suppress=suppress, retry=found.retry and not permanent or found.retry and is_temporary(failure),
        rule=match.rule.id if match else "", provider=provider, words=match.words if match else (), source=where, index=index,
    )
