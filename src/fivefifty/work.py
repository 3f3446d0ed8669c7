"""Diagnoses a stream of pieces, in this process or in several, and keeps their order.

Workers get file names and ranges rather than mails where they can, and give back lines that are ready to be written.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .diagnosis import diagnose
from .errors import FivefiftyError, InputError
from .report import json_
from .report.summary import Tally
from .report.text import Look, render
from .sources import Mail, Piece
from .sources.files import mails
from .verdict import Verdict

CHUNK_PIECES, CHUNK_BYTES = 64, 2 * 1024 * 1024
_HEAD, _LONGEST_CODE = 2048, 24
_READABLE = bytes((9, 10, 13, *range(32, 127)))
AHEAD = 4  # chunks a worker has waiting; more would only fill memory

Chunk = list[Piece | InputError]


@dataclass(frozen=True, slots=True)
class Proved:
    """A verdict after live checks, with what is needed to judge it again (empty where nobody was asked)."""

    verdict: Verdict
    live: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """What to make of every verdict: text, json or jsonl, or nothing but counts."""

    form: str = "text"
    summary: bool = False
    look: Look = field(default_factory=Look)
    own_domains: tuple[str, ...] = ()  # a bounce of a mail from none of them is backscatter
    prove: Callable[[Sequence[Verdict], bytes], list[Proved]] | None = None  # live checks; only with one job


@dataclass(slots=True)
class Done:
    """What came of one chunk, in its order."""

    shown: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    unread: list[InputError] = field(default_factory=list)
    size: int = 0


def run(given: Iterable[Piece | InputError], order: Order, jobs: int = 1) -> Iterator[Done]:
    """The given pieces, done, in their order."""
    if jobs == 1:
        return (work(chunk, order) for chunk in _chunks(given, 1 if order.form == "text" else CHUNK_PIECES))
    return _in_processes(given, order, jobs)


def _in_processes(given: Iterable[Piece | InputError], order: Order, jobs: int) -> Iterator[Done]:
    from concurrent.futures import Future, ProcessPoolExecutor

    from .knowledge import rulebook

    rulebook()  # before the processes part, so that they share it
    waiting: deque[Future[Done]] = deque()
    with ProcessPoolExecutor(jobs) as pool:
        try:
            for chunk in _chunks(given, CHUNK_PIECES):
                waiting.append(pool.submit(work, chunk, order))
                while len(waiting) > AHEAD * jobs or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:  # shutting down twice, first without waiting, closes a pipe its own thread still writes to
                future.cancel()


def _chunks(given: Iterable[Piece | InputError], most: int) -> Iterator[Chunk]:
    chunk: Chunk = []
    size = 0
    for piece in given:
        chunk.append(piece)
        size += piece.size if isinstance(piece, Piece) else 0
        if len(chunk) >= most or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def work(chunk: Chunk, order: Order) -> Done:
    """One chunk, done."""
    done = Done()
    for piece in chunk:
        if isinstance(piece, InputError):
            done.unread.append(piece)
            continue
        done.size += piece.size
        for mail in mails(piece):
            if isinstance(mail, InputError):
                done.unread.append(mail)
            else:
                _one(mail, order, done)
    done.tally.unread = len(done.unread)
    return done


def _one(mail: Mail, order: Order, done: Done) -> None:
    try:
        proved = _proved(_verdicts(mail, order.own_domains), mail, order)
        shown = [] if order.summary else [_shown(one, order) for one in proved]
    except FivefiftyError:  # a knowledge file is wrong: no mail can be judged
        raise
    except Exception as error:  # our bug, on this mail: the others go on
        done.unread.append(_our_bug(error, mail.where))
        return
    done.tally.mails += 1
    done.shown += shown
    for verdict in (one.verdict for one in proved):
        if verdict.kind == "not_a_bounce":
            done.tally.ordinary += 1
        else:
            done.tally.add(verdict)


def _verdicts(mail: Mail, own_domains: tuple[str, ...]) -> list[Verdict]:
    """The verdicts on one mail; an ordinary mail has one that says so."""
    found = diagnose(mail.content, mail.where, own_domains)
    if mail.notes:
        found = [replace(one, failure=replace(one.failure, notes=one.failure.notes + mail.notes)) for one in found]
    return found or [json_.no_bounce(mail.where, mail.notes + _hint(mail.content))]


def _proved(verdicts: Sequence[Verdict], mail: Mail, order: Order) -> list[Proved]:
    return order.prove(verdicts, mail.content) if order.prove else [Proved(one) for one in verdicts]


def _hint(content: bytes) -> tuple[str, ...]:
    """What somebody may have meant who gave what is no mail at all."""
    if not content.strip():
        return ("There is nothing in it.",)
    if b"\0" in content[:_HEAD] and len(content[:_HEAD].translate(None, _READABLE)) > len(content[:_HEAD]) // 5:
        return ("It looks like a binary file, not like a mail or a text.",)
    asked = content.strip().decode("ascii", "replace")
    if len(asked) <= _LONGEST_CODE and any(char.isdigit() for char in asked):
        from .codes import explain_code

        if explain_code(asked).known:
            return (f"A code alone does not tell why; what it means: fivefifty code {asked!r}. Give the whole reply for a diagnosis.",)
    return ()


def _shown(proved: Proved, order: Order) -> str:
    verdict = proved.verdict
    if order.form == "text":
        return render(verdict, order.look)
    more: dict[str, Any] = {"live": proved.live} if proved.live else {}
    if order.look.letter and verdict.kind != "not_a_bounce":
        from .letter import letter

        more["letter"] = letter(verdict)
    return json_.line(verdict, **more)


def _our_bug(error: Exception, where: str) -> InputError:
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    at = f"{place.tb_frame.f_code.co_filename.rpartition('/')[2]}:{place.tb_lineno}" if place else "?"
    return InputError(
        f"fivefifty itself failed on it, which is a bug: {type(error).__name__} at {at}: {error}", where,
        "Please report this line, with the mail if you may pass it on.",
    )
