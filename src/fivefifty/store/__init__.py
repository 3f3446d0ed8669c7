"""Keeps events: failures as rows, everything in hourly counters, words once.  SQLite by default, PostgreSQL by its URL.

Several processes may use a store at once.  `add` is one transaction: what it returned for is on the disk, with the cursor that says how
far its source was read; a crash before leaves neither.  The same event twice changes nothing.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..model import Event

HOUR = 3600
# What counters are kept by, and `Store.grouped` can group by (besides "hour", "day", "kind", "cause", "owner", "template", and "late", which tells failures after delivery).
DIMENSIONS = ("author_domain", "recipient_domain", "provider", "sending_ip", "campaign")
GROUPS = (*DIMENSIONS, "hour", "day", "kind", "cause", "owner", "template", "late")


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the events of one `add`."""

    new: int = 0
    duplicates: int = 0  # the same event was there
    joined: int = 0  # another report of a failure that was there: kept beside it, not counted again
    too_old: int = 0  # older than what is kept


@dataclass(frozen=True, slots=True)
class Period:
    """Which counters: times are seconds since 1970 UTC, `until` excluded, 0 for no end; `where` keeps only those values of dimensions or groups."""

    since: float = 0.0
    until: float = 0.0
    where: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One group: the values asked for, in that order (hour and day as the second they begin), and how many mails."""

    values: tuple[Any, ...]
    count: int


class Store(Protocol):
    """What commands may ask of a store; both engines keep this (tests/test_store.py)."""

    where: str  # its path or URL without password, to show

    def add(self, events: Iterable[Event], cursor: tuple[str, str] | None = None) -> Added:
        """Keep completed events (judge.Judge.complete) and the new cursor (key, value), together.

        Counters have the hour of `time`, complaints that of `sent_at` where it is known.  Bounces and blocks that share Message-ID and
        recipient, or reporting host, queue id and recipient, with one that is there are joined to it, and fill what it lacks.
        """

    def cursor(self, key: str) -> str:
        """How far a source was read, "" at first."""

    def grouped(self, by: Sequence[str], period: Period = ...) -> list[Row]:
        """Mails by `by` (of GROUPS), most first."""

    def failures(self, period: Period = ..., limit: int = 0) -> Iterator[Event]:
        """Single events that are not deliveries, newest first."""

    def history(self, address: str) -> list[Event]:
        """Everything kept about one recipient, oldest first."""

    def last_event(self, source: str = "") -> float:
        """When the newest event (of a source) happened, 0.0 where there is none."""

    def forget(self, address: str) -> int:
        """Take an address out of everything (counters hold none); how many rows told of it."""

    def prune(self, before: float) -> int:
        """Drop what is older, counters included; events from before are refused from now on."""

    def get(self, table: str, key: str) -> dict[str, Any] | None:
        """One document of a small table ("case", "suppression", "memory"): plain JSON by key."""

    def get_many(self, table: str, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those of these documents that are there, by key."""

    def put(self, table: str, key: str, value: Mapping[str, Any] | None) -> None:
        """Write or (None) remove one document."""

    def put_many(self, table: str, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Write many, in one transaction."""

    def documents(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every document of a small table, by key."""

    def among(self, table: str, wanted: Sequence[str]) -> set[str]:
        """Which of these keys are there; made for a million at a time."""

    def close(self) -> None:
        """End."""


def open_store(where: str = "", *, read_only: bool = False, hash_key: bytes = b"") -> Store:
    """The store at a path or SQLAlchemy URL ("" for $FIVEFIFTY_STORE, else ~/.local/share/fivefifty/store.db), made or migrated where need be.

    With `hash_key` recipients are kept as keyed hashes of their local parts; the same key finds them again.
    """
    from .sql import SqlStore

    return SqlStore(where, read_only=read_only, hash_key=hash_key)
