"""Sendmail's transcript of session, from 5.65 on: the reply stands before the line that names the recipient.

    ----- Transcript of session follows -----
    While talking to mx.example.net:
    >>> RCPT To:<someone@example.net>
    <<< 550 <someone@example.net>... User unknown
    550 <someone@example.net>... User unknown

Postfix's notices to the postmaster ("Transcript of session follows", In: and Out:) are read the same way.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...model import Failure, Reply
from ..address import clean
from ..dialogue import Exchange, Listener
from ..narrative import Segment
from ..reply import codes_of
from ..telling import Telling, failure_from

HINT = "transcript of session"
HEADERS: tuple[str, ...] = ()

MAX_LINES = 20_000

_RESULT = re.compile(r"[ \t]*([45]\d\d)[ -](?:[45]\.\d{1,3}\.\d{1,4} )?<?([^\s<>]{1,200}@[^\s<>]{1,255}?)>?\.\.\.[ \t]*")
_LOOSE = re.compile(r"[ \t]*[45]\d\d[ -](?![^\n]{0,300}@)")
_REASON = re.compile(r"\(reason:[ \t]*+([^\n]{3,1000})")
_CODE = re.compile(r"[45]\d\d[ -]")
_OUR_OWN = ("QUIT", "RSET", "NOOP")


@dataclass(slots=True)
class _Transcript:
    """What a transcript tells: exchanges and results by recipient, and the lines that name nobody."""

    results: dict[str, tuple[str, Exchange | None]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, Exchange] = field(default_factory=dict)  # of a RCPT, by its address
    of_all: Exchange | None = None  # the refusal that no recipient is named with: of the connection, the sender or the data
    loose: list[str] = field(default_factory=list)


def read(telling: Telling) -> list[Failure]:
    """One Failure a recipient of the list above the transcript, else of the transcript itself."""
    human = telling.human
    at = telling.story.low.find(HINT)
    told = _read(human[at:])
    listed = [segment for segment in telling.story.segments if segment.strength == 4 and segment.at < at]
    single = len(listed) == 1
    if not listed:
        listed = [Segment(address, "", at, 4) for address in told.names.values()]
    found = []
    for segment in listed:
        layers = _layers(segment, told, single)
        found.append(failure_from(telling, segment.address, segment.text if segment.at < at and not single else human, layers))
    return found


def _read(text: str) -> _Transcript:
    told, listener, taken = _Transcript(), Listener(), 0
    for line in text.split("\n")[1:MAX_LINES]:
        if listener.take(line):
            continue
        result = _RESULT.match(line)
        if result:
            address = clean(result[2])
            before = [one for one in listener.exchanges[taken:] if one.refused and not one.command.upper().startswith(_OUR_OWN) and one.address.lower() in ("", address.lower())]
            told.names.setdefault(address.lower(), address)
            told.results.setdefault(address.lower(), (line.strip(), before[-1] if before else None))
            taken = len(listener.exchanges)
        elif _LOOSE.match(line):
            told.loose.append(line.strip())
    _sort(told, listener.exchanges)
    return told


def _sort(told: _Transcript, exchanges: list[Exchange]) -> None:
    """Refusals by recipient; those who were accepted failed all the same where what came later was refused."""
    for one in reversed(exchanges):
        if one.refused and not one.address and not one.command.upper().startswith(_OUR_OWN):
            told.of_all = told.of_all or one
    for one in exchanges:
        if one.address and (one.refused or told.of_all):
            told.names.setdefault(one.address.lower(), one.address)
            if one.refused:
                told.refusals[one.address.lower()] = one


def _layers(segment: Segment, told: _Transcript, single: bool) -> tuple[Reply, ...]:
    """The layers about one recipient: the line of the result, and in it the reply of the remote host."""
    key = segment.address.lower()
    line, exchange = told.results.get(key, ("", None))
    exchange = told.refusals.get(key) or exchange
    if exchange is None and not line:
        exchange = told.of_all
    if exchange is not None:
        return _spoken(line, exchange)
    if line:
        return _result(line)
    reason = _REASON.search(segment.text)
    if reason and _CODE.match(reason[1]):
        return (_reply(reason[1].rstrip(" \t").removesuffix(")")),)
    if told.loose and (single or len(told.names) < 2):
        return (_reply(told.loose[-1]),)
    return ()


def _reply(text: str, phase: str = "", host: str = "") -> Reply:
    code, status = codes_of(text)
    return Reply(text.strip(), code, status, phase, host)


def _spoken(line: str, exchange: Exchange) -> tuple[Reply, ...]:
    code, status = codes_of(exchange.reply)
    inner = Reply(exchange.reply.strip(), code, status, exchange.phase, exchange.host, "", "while-talking" if line else "")
    return (_reply(line), inner) if line else (inner,)


def _result(line: str) -> tuple[Reply, ...]:
    """A result line; where it quotes a reply ("554 <a@b>... 550 Host unknown") that is the inner layer."""
    found = _RESULT.match(line)
    quoted = line[found.end() :] if found else ""
    if not _CODE.match(quoted):
        return (_reply(line),)
    code, status = codes_of(quoted)
    return (_reply(line), Reply(quoted, code, status, wrapper="result"))
