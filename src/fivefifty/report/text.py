"""A verdict for a tired person: a calm sentence first, then why, whose problem it is, and what to do."""
from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ..causes import cause
from ..fixes import given_up, sentence
from ..model import Failure, Finding, Reply
from ..verdict import Verdict
from . import clean

if TYPE_CHECKING:
    from rich.console import Console

LABEL = 12  # columns of the left-hand words
MAX_REPLY = 1_500  # characters of a reply that are shown; -v shows MAX_FIELD
MAX_FIELD = 20_000

_WHOSE = {
    "address": "The address itself: nothing on your side is wrong.",
    "recipient": "The recipient's side: their server or its settings. You can only tell them.",
    "sender": "Your side: how your mail is sent, signed or configured, or what others think of your server.",
    "list": "Your address list: too many of its addresses are bad.",
    "content": "What the mail contains.",
    "policy": "The receiving side: a rule or filter of theirs; only they can see and change it.",
    "transient": "Nobody's so far: it looks temporary.",
    "notice": "Nobody's: this reports something, it is not a failure.",
    "unknown": "Not known yet.",
}
_SURE = {
    "stated": "Stated: the words below say so themselves.",
    "proved": "Proved by a check.",
    "likely": "Likely: the words point to it but do not say it outright.",
    "disputed": "Doubtful: a check contradicts what the reply says.",
    "open": "Open: the words leave more than one reading.",
}
_SIDE = {
    "address": "the address itself", "recipient": "the recipient's server", "sender": "your side", "list": "your address list", "content": "what the mail contains",
    "policy": "a rule of the receiving side", "transient": "nobody, if it passes",
}
_UNDECIDED = ("policy.opaque_gateway", "unknown")  # their summaries say themselves that nothing is settled
_SEVERAL = "The reply leaves more than one reading; nothing is settled before a test."
_WHEN = {
    "connect": "when your server connected", "ehlo": "when your server said its name (EHLO)", "starttls": "when encryption was to start (STARTTLS)",
    "auth": "at the login (AUTH)", "mail": "when the sender was named (MAIL FROM)", "rcpt": "when this recipient was named (RCPT TO)",
    "data": "before the mail itself was sent (DATA)", "end-of-data": "after the whole mail was sent (end of DATA)",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How to show it.  `color` means that a terminal is looking."""

    width: int = 88
    color: bool = False
    verbose: bool = False
    letter: bool = False


Span = tuple[str, str]  # text and its style: "", "bold", "dim", "words"


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph with what stands left of it."""

    spans: tuple[Span, ...]
    label: str = ""
    indent: int = LABEL
    verbatim: bool = False  # keep its lines as they are


def render(verdict: Verdict, look: Look) -> str:
    """The whole text for one verdict, with a line end."""
    if verdict.kind == "not_a_bounce":
        blocks = [Block(((f"{verdict.source}: this is not a bounce. It reports no failed or delayed delivery.", ""),), indent=0), *_notes(verdict)]
    else:
        blocks = list(_blocks(verdict, look))
    return drawn(blocks, look)


def drawn(blocks: Iterable[Block], look: Look) -> str:
    """The blocks as text, with a line end."""
    draw = _colored if look.color else _plain
    return "\n".join(line for block in blocks for line in draw(block, look.width)) + "\n"


def _blocks(verdict: Verdict, look: Look) -> Iterator[Block]:
    known = cause(verdict.cause)
    if verdict.source:
        yield Block(((verdict.source, "dim"),), indent=0)
    yield Block(((opening(verdict), "bold"),), indent=0)
    yield said(known.summary if verdict.standing != "open" or verdict.cause in _UNDECIDED else _SEVERAL, indent=0)
    yield gap()
    yield from _conclusion(verdict)
    yield from _reply(verdict, look)
    yield from _notes(verdict)
    yield from _checked(verdict, look)
    yield from _fix(verdict)
    if look.verbose:
        yield from _fields(verdict)
    if look.letter:
        from ..letter import letter

        ready = letter(verdict)  # one line where a letter is pointless: it says so
        yield from (gap(), Block((("The letter", "bold"),), indent=0), Block(((ready, ""),), indent=2, verbatim="\n" in ready))


def opening(verdict: Verdict) -> str:
    """The first sentence."""
    failure = verdict.failure
    who = failure.final_recipient or failure.original_recipient
    to = f" to {who}" if who else ""
    if failure.stage == "delayed" or failure.action == "delayed":
        return f"Your mail{to} is delayed; your server keeps trying."
    if verdict.kind == "notice":
        return f"This is not a failed delivery{f' ({who})' if who else ''}."
    if failure.stage == "expired":
        return f"Your mail{to} was given up after repeated attempts."
    if not verdict.permanent:
        return f"Your mail{to} was not accepted this time."
    return f"Your mail{to} {'was refused' if failure.reply_code else 'could not be delivered'}."


def _conclusion(verdict: Verdict) -> Iterator[Block]:
    is_open = verdict.standing == "open"
    readings = (verdict.cause, *verdict.alternatives) if is_open else (verdict.cause,)
    for number, one in enumerate(readings):
        label = ("Could be" if is_open else "Cause") if number == 0 else ""
        yield Block(((cause(one).title, "bold"), (f"  ({one})", "dim")), label)
    yield said(_whose(verdict), "Whose")
    yield said(_SURE.get(verdict.standing, ""), "How sure")
    if verdict.dispute:
        yield said(verdict.dispute, "Against it")
    if not is_open and verdict.alternatives:
        yield said("Less likely: " + "; ".join(cause(one).title for one in verdict.alternatives))
    test = sentence(verdict.decide) if verdict.decide else ""
    if test and not any(test in step for step in verdict.fix.steps):
        yield said(test, "The test")
    if verdict.kind == "failure":
        yield said(_address_advice(verdict), "Address")
        yield said(_again_advice(verdict), "Try again")


def _whose(verdict: Verdict) -> str:
    """Whose problem it is; an open verdict whose readings have several owners names them all."""
    owners = tuple(dict.fromkeys(cause(one).owner for one in (verdict.cause, *verdict.alternatives)))
    if verdict.standing != "open" or len(owners) == 1:
        return _WHOSE.get(verdict.owner, "")
    sides = [_SIDE[one] for one in owners if one in _SIDE]
    return f"Not settled: {' or '.join(filter(None, (', '.join(sides[:-1]), sides[-1])))}." if sides else _WHOSE["unknown"]


def _address_advice(verdict: Verdict) -> str:
    if verdict.suppress:
        return "Stop writing to it: this bounce speaks about the address itself."
    return "Keep it: this bounce does not prove that the address is dead."


def _again_advice(verdict: Verdict) -> str:
    known = cause(verdict.cause)
    if verdict.retry and given_up(verdict):
        return "Yes, but your server has given up: send it again yourself."
    if verdict.retry:
        return f"Yes: {known.retry_when}." if known.retry_when else "Yes, later."
    return "Not unchanged: the same mail would meet the same answer." if verdict.permanent else "Only after the steps below."


def _reply(verdict: Verdict, look: Look) -> Iterator[Block]:
    failure = verdict.failure
    said = failure.layers[-1] if failure.layers else Reply(failure.diagnostic_code or failure.text)
    if not said.text:
        return
    yield gap()
    yield Block(((f"{_who_said(failure, said)}:", ""),), indent=0)
    limit = MAX_FIELD if look.verbose else MAX_REPLY
    shown = said.text[:limit]
    yield Block((*highlight(shown, verdict.words), *(((" […]", "dim"),) if len(said.text) > limit else ())), indent=4)


def _who_said(failure: Failure, said: Reply) -> str:
    host = said.remote_mta or failure.remote_mta
    address = said.remote_ip or failure.remote_ip
    if not host and not address:
        return "The words of the report"
    place = host or address
    if address and address != place:
        place += f" [{address}]"
    when = _WHEN.get(said.phase or failure.phase, "")
    return f"{place} said{', ' + when if when else ''}"


def _notes(verdict: Verdict) -> Iterator[Block]:
    for number, note in enumerate(verdict.failure.notes):
        yield said(note, "Note" if number == 0 else "")


def _told_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, but where one check could not learn several things, they are named together."""
    doubts: dict[str, list[Finding]] = {}
    for one in findings:
        if one.outcome == "unknown":
            doubts.setdefault(one.check, []).append(one)
        else:
            yield one
    for first, *others in doubts.values():
        also = ", ".join(other.about for other in others if other.about)
        yield replace(first, sentence=f"{first.sentence} The same of: {also}.") if also else first


_MARKS = {"fail": "FAIL", "warn": "warn", "unknown": "?", "crashed": "bug", "pass": "ok", "skipped": "-"}


def _checked(verdict: Verdict, look: Look) -> Iterator[Block]:
    """What live checks found; what did not apply only with -v."""
    shown = [one for one in verdict.findings if look.verbose or one.outcome not in ("skipped",)]
    if not shown:
        return
    yield from (gap(), Block((("What was checked", "bold"),), indent=0))
    for one in sorted(shown if look.verbose else _told_once(shown), key=lambda one: ("fail", "warn", "unknown", "crashed", "pass", "skipped").index(one.outcome)):
        yield Block(((one.sentence, ""), (f"  [{one.check}]", "dim")), f"{_MARKS[one.outcome]:>5}", indent=7)


def _fix(verdict: Verdict) -> Iterator[Block]:
    fix = verdict.fix
    if fix.steps:
        yield from (gap(), Block((("What to do", "bold"),), indent=0))
    for number, step in enumerate(fix.steps, 1):
        yield Block(((step, ""),), f"{number:>3}.", indent=5)
    told = {"Contact": fix.contact, "How": fix.contact_how, "Give them": fix.give, "Expect": fix.expect}
    rows = [said(value, label) for label, value in told.items() if value]
    if rows:
        yield from (gap(), *rows)


_SHOWN = (
    "final_recipient", "original_recipient", "action", "stage", "status", "reply_code", "diagnostic_code", "phase", "reporting_mta", "remote_mta",
    "remote_ip", "sending_ip", "helo_name", "envelope_sender", "author_domain", "message_id", "subject", "arrival_date", "last_attempt_date", "report_date", "text",
)


def _fields(verdict: Verdict) -> Iterator[Block]:
    failure = verdict.failure
    yield from (gap(), Block((("All that was read", "bold"),), indent=0))
    for name in _SHOWN:
        value = str(getattr(failure, name) or "")
        if value:
            place = failure.seen.get(name, "")
            yield Block(((value[:MAX_FIELD], ""), (f"  ({place})" if place else "", "dim")), name, indent=20)
    for number, layer in enumerate(failure.layers[:-1], 1):
        yield Block(((layer.text[:MAX_FIELD], ""), (f"  ({layer.wrapper or 'outermost'})", "dim")), f"layer {number}", indent=20)
    for number, reason in enumerate(verdict.because):
        yield said(reason, "" if number else "because", indent=20)
    for name, value in (("rule", verdict.rule), ("provider", verdict.provider), ("kind", verdict.kind)):
        if value:
            yield Block(((value, ""),), name, indent=20)


def highlight(text: str, words: Iterable[str]) -> tuple[Span, ...]:
    """The text with the words the verdict rests on marked.

    The words are in folded form (one space, plain quotes, a repeated code taken out), the text is as it came.
    """
    spans: list[Span] = []
    at = 0
    for fragment in words:
        found = _pattern(fragment).search(text, at)
        if found:
            spans += [(text[at : found.start()], ""), (found[0], "words")]
            at = found.end()
    return (*spans, (text[at:], ""))


@lru_cache(maxsize=512)
def _pattern(fragment: str) -> re.Pattern[str]:
    gap = r"\s{1,40}(?:[245]\d\d[ -]#?)?(?:[245]\.\d{1,3}\.\d{1,4}\s{1,8})?"  # a multi-line reply repeats its code (RFC 5321 4.2.1)
    quotes = {"'": "['\u2018\u2019]", '"': '["\u201c\u201d]'}
    escaped = ("".join(quotes.get(char, re.escape(char)) for char in word) for word in fragment.strip("*").split())
    return re.compile(gap.join(escaped), re.IGNORECASE)


def said(text: str, label: str = "", indent: int = LABEL) -> Block:
    """A plain paragraph."""
    return Block(((text, ""),), label, indent)


def gap() -> Block:
    """An empty line."""
    return Block((), indent=0)


def _plain(block: Block, width: int) -> list[str]:
    text = clean("".join(text for text, _ in block.spans))
    first, rest = f"{block.label:<{block.indent - 1}} " if block.label else " " * block.indent, " " * block.indent
    if block.verbatim:
        return [rest + line for line in text.splitlines()]
    lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False) or [""]
    resting = [text for text, style in block.spans if style == "words"]
    if resting:
        quoted = " … ".join(f'"{clean(" ".join(words.split()))}"' for words in resting)
        lines += textwrap.wrap("Known by the words: " + quoted, width, initial_indent=rest, subsequent_indent=rest, break_on_hyphens=False)
    return lines


_STYLES = {"bold": "bold", "dim": "dim", "words": "bold yellow", "words_quiet": "green", "": ""}


@lru_cache(maxsize=4)
def _console(width: int) -> Console:
    from io import StringIO

    from rich.console import Console

    return Console(file=StringIO(), force_terminal=True, color_system="standard", legacy_windows=False, width=width, highlight=False)


def _colored(block: Block, width: int) -> list[str]:
    """The same lines with styles; rich knows how wide each character is."""
    from rich.text import Text

    console = _console(width)
    text = Text()
    for part, style in block.spans:
        text.append(clean(part) if block.verbatim else " ".join(clean(part).split("\n")), style=_STYLES[style])
    left = f"{block.label:<{block.indent - 1}} " if block.label else " " * block.indent
    lines = text.split("\n") if block.verbatim else text.wrap(console, max(width - block.indent, 20))
    drawn = []
    for number, line in enumerate(lines or [Text()]):
        line.rstrip()
        start = Text()
        start.append(left if number == 0 else " " * block.indent, style="cyan")
        with console.capture() as captured:
            console.print(start + line, end="", soft_wrap=True)
        drawn.append(captured.get().rstrip())
    return drawn
