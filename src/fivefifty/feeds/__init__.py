"""What a sender's sources tell, as Events: logs, webhooks, reports, mails.  One feed, one file, found here and nowhere else.

A feed module has

- `TITLE`, one line for people ("Postfix: the mail log");
- `UNIT`, "lines" for logs and tables that are read line by line, "document" for what is read whole (a payload, a report, a mail);
- `looks(head: bytes) -> int`, how sure it is that an input beginning with these bytes is of its kind: 0 not at all … 100 no doubt;
- `reader(setting: Setting) -> LineReader | DocumentReader`;
- where payloads are signed, `verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str`: "" where the signature holds, else what is
  wrong with it, in a sentence.  Header names are lower case.

Its kind (`fivefifty ingest KIND`) is the file's name with "-" for "_".  Feeds are pure: no socket, no clock, no file.  Nothing in an input may
raise: what can't be read comes out as a Reject, and the rest goes on.
"""
from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from ..errors import InputError
from ..model import Event

GROUPS = ("logs", "webhooks", "reports", "mailbox")
MAX_LINE = 65_536  # bytes of one line that are looked at


@dataclass(frozen=True, slots=True)
class Setting:
    """What a feed may know besides the input."""

    now: float  # seconds since 1970: gives the year to lines that have none, and tells times that can't be
    zone: tzinfo = UTC  # of times that name none
    own_domains: frozenset[str] = frozenset()  # domains the user sends from
    own_hosts: frozenset[str] = frozenset()  # names and IPs of the user's mail servers
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)  # secrets of signatures: {"mailgun": …}; never shown
    trusted: bool = False  # the user vouches for payloads that carry no signature that could be checked


@dataclass(frozen=True, slots=True)
class Reject:
    """What could not be read, whole, and why."""

    where: str
    reason: str
    content: bytes


class LineReader(Protocol):
    """Reads a log or table, in order.  Lines come without their line end."""

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events these lines complete; `first` is the number of the first line (from 1)."""

    def end(self) -> list[Event | Reject]:
        """What is complete only at the end of the input."""

    def state(self) -> dict[str, Any]:
        """Plain JSON of what must be remembered to go on later (senders of open queue ids, the header of a table), bounded in size."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""


class DocumentReader(Protocol):
    """Reads inputs that stand for themselves."""

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterable[Event | Reject]:
        """The events of one payload, report or mail; `headers` are the HTTP headers it came with, or {}."""


class Feed(Protocol):
    """What a module offers."""

    TITLE: str
    UNIT: str

    def looks(self, head: bytes) -> int:
        """0 … 100."""

    def reader(self, setting: Setting) -> Any:
        """A LineReader or a DocumentReader, as UNIT says."""


@cache
def feeds() -> Mapping[str, str]:
    """Kind to module name, of every feed."""
    found: dict[str, str] = {}
    for group in GROUPS:
        try:
            package = import_module(f"{__name__}.{group}")
        except ModuleNotFoundError:
            continue
        for one in pkgutil.iter_modules(package.__path__):
            if not one.name.startswith("_"):
                kind = one.name.replace("_", "-")
                assert kind not in found, f"two feeds are called {kind}"
                found[kind] = f"{package.__name__}.{one.name}"
    return dict(sorted(found.items()))


def feed(kind: str) -> Feed:
    """The feed of that kind; `InputError` names the kinds there are."""
    name = feeds().get(kind)
    if name is None:
        raise InputError(f"there is no kind of events called {kind!r}", "", "The kinds are: " + ", ".join(feeds()))
    return cast(Feed, import_module(name))


def recognized(head: bytes, kinds: Iterable[str] = ()) -> str:
    """The kind whose feed is surest that this is its own, "" where none is."""
    best = max(((feed(kind).looks(head), kind) for kind in kinds or feeds()), default=(0, ""), key=lambda one: (one[0], one[1]))
    return best[1] if best[0] else ""


def events(kind: str, content: bytes, setting: Setting, where: str = "", headers: Mapping[str, str] | None = None) -> Iterator[Event | Reject]:
    """Everything in one input that is at hand as bytes; for tests and for embedding."""
    module = feed(kind)
    reader = module.reader(setting)
    if module.UNIT == "lines":
        lines = content.split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        yield from reader.read([line.rstrip(b"\r")[:MAX_LINE] for line in lines], where, 1)
        yield from reader.end()
    else:
        yield from reader.read(content, where, headers or {})
