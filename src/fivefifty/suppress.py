"""The suppression list in the store: kept up to date with every batch of events, asked before mail is sent, changed by people.

Four small tables: "suppression" (an address and the reasons it stands there), "held" (reasons that are in doubt), "cleared" (taken off by a
person: only newer evidence counts), and "soft" (addresses that failed for a reason that may pass, and when they last took mail).
"""
from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Any

from .model import Event
from .plan.suppression import (
    ALL,
    MARKETING,
    TRUSTED,
    Decision,
    Outbreak,
    Past,
    Rules,
    alive,
    consider,
    grouped_hours,
    hard_causes,
    key_of,
    outbreaks,
    suspects,
)
from .store import Period, Store

TABLE, HELD, CLEARED, SOFT = "suppression", "held", "cleared", "soft"
HASHES = ("sha256", "md5")
DAY = 86_400.0
USUAL = 28 * DAY  # how far back the usual share of unknown users is looked for
EVIDENCE = 5  # events that are shown of a reason
TRIED = 200  # providers of one batch that are looked at for an outbreak, those with most hard words first

Document = dict[str, Any]


def apply(store: Store, events: Sequence[Event], rules: Rules = Rules(), now: float = 0.0) -> list[Decision]:  # noqa: B008 a frozen value
    """Look at events that the store has just kept, and change the list where they speak about addresses.  The same events again change nothing."""
    now = now or time.time()
    soft_causes = {cause for rule in rules.soft for cause in rule.causes}
    speaking = [event for event in events if _speaks(event, soft_causes)]
    living = _living(store, [event for event in events if alive(event) and event.trust in TRUSTED and event.recipient])
    if not speaking and not living:
        return []
    doubted = doubts(store, speaking, rules)
    speaking += _before(store, doubted)
    book = _Book(store, [key for event in (*speaking, *living) if (key := key_of(event.recipient))])
    book.note(living, [event for event in speaking if event.cause in soft_causes])
    decisions = consider([*speaking, *living], book.past, rules, now, doubted)
    book.write(decisions, now)
    return decisions


def _speaks(event: Event, soft_causes: set[str]) -> bool:
    if event.trust not in TRUSTED or not event.recipient:
        return False
    return (event.kind == "bounce" and (event.suppress or event.cause in soft_causes)) or event.kind in ("complaint", "unsubscribe", "suppression")


def _living(store: Store, events: Sequence[Event]) -> list[Event]:
    """Signs of life of addresses that something is known of; of each the newest."""
    newest: dict[str, Event] = {}
    for event in events:
        key = event.recipient.lower()
        if key not in newest or newest[key].time < event.time:
            newest[key] = event
    if not newest:
        return []
    wanted = list(newest)
    known = {key for table in (TABLE, HELD, SOFT) if _any(store, table) for key in store.among(table, wanted)}
    return [newest[key] for key in sorted(known)]


def _any(store: Store, table: str) -> bool:
    """Whether a table holds anything; the look is ended at once, because a store does not write while it is read through."""
    following = store.documents(table)
    try:
        return next(following, None) is not None
    finally:
        if isinstance(following, Generator):
            following.close()


def doubts(store: Store, events: Sequence[Event], rules: Rules) -> list[Outbreak]:
    """Providers that answered nearly everybody with "user unknown" around these events, by the store's counters."""
    times = suspects(events)
    if not times:
        return []
    since, until = min(first for first, _ in times.values()) - DAY, max(last for _, last in times.values()) + 3600
    most = {str(row.values[0]): row.count for row in store.grouped(("provider",), Period(since, until, {"owner": "address", "kind": "bounce"}))}
    found: list[Outbreak] = []
    for provider in sorted((one for one in times if most.get(one, 0) >= rules.outbreak_least), key=lambda one: -most[one])[:TRIED]:
        first, last = times[provider]
        rows = store.grouped(("hour", "kind", "cause"), Period(first - DAY, last + 3600, {"provider": provider}))
        hours = grouped_hours((int(row.values[0]), str(row.values[1]), str(row.values[2]), row.count) for row in rows)
        if any(outbreaks(provider, hours, (0, 0), rules)):
            earlier = store.grouped(("kind", "cause"), Period(first - DAY - USUAL, first - DAY, {"provider": provider}))
            usual = grouped_hours((0, str(row.values[0]), str(row.values[1]), row.count) for row in earlier).get(0, (0, 0))
            found += outbreaks(provider, hours, usual, rules)
    return found


def _before(store: Store, doubted: Iterable[Outbreak]) -> list[Event]:
    """The hard words of an outbreak that came before it was seen to be one."""
    return [event for one in doubted for event in store.failures(Period(one.since, one.until, {"provider": one.provider})) if event.suppress and event.recipient]


class _Book:
    """What is known of some addresses, read once and written once."""

    def __init__(self, store: Store, keys: Iterable[str]) -> None:
        self.store = store
        wanted = sorted(set(keys))
        self.known: dict[str, dict[str, Document]] = {table: _documents(store, table, wanted) for table in (TABLE, HELD, CLEARED, SOFT)}
        self.changed: dict[str, dict[str, Document | None]] = {table: {} for table in (TABLE, HELD, SOFT)}
        self._first: dict[str, list[Event]] = {}  # failures of those who never failed before: the store need not be asked

    def note(self, living: Iterable[Event], failing: Iterable[Event]) -> None:
        """Remember who failed softly, so that a later delivery is noticed: deliveries themselves are only counted."""
        for event in failing:
            key = key_of(event.recipient)
            if key in self._first:
                self._first[key].append(event)
            elif key and key not in self.known[SOFT]:
                self.known[SOFT][key] = self.changed[SOFT][key] = {"failed": event.time, "alive": 0.0}
                self._first[key] = [event]
        for event in living:
            one = self.known[SOFT].get(key_of(event.recipient))
            if one is not None and one["alive"] < event.time:
                one["alive"] = event.time
                self.changed[SOFT][key_of(event.recipient)] = one

    def past(self, key: str) -> Past:
        """For `plan.suppression.consider`."""
        failures = self._first.get(key) or (self.store.history(key) if key in self.known[SOFT] else ())
        return Past(failures, float(self.known[SOFT].get(key, {}).get("alive", 0.0)), float(self.known[CLEARED].get(key, {}).get("at", 0.0)), self._since(TABLE, key), self._since(HELD, key))

    def _since(self, table: str, key: str) -> dict[str, float]:
        return {reason: float(told["since"]) for reason, told in self.known[table].get(key, {}).get("reasons", {}).items()}

    def write(self, decisions: Iterable[Decision], now: float) -> None:
        """The decisions, table by table, each in one transaction; what is held is written first, so that nothing is lost between."""
        for one in decisions:
            getattr(self, f"_{one.action}")(one, now)
        for table in (HELD, TABLE, SOFT):
            changed = self.changed[table]
            self.store.put_many(table, {key: value for key, value in changed.items() if value})
            for key in (key for key, value in changed.items() if not value):
                self.store.put(table, key, None)

    def _suppress(self, one: Decision, now: float) -> None:
        known = self.known[TABLE].get(one.address, {}).get("reasons", {}).get(one.reason)
        if known and (not known["until"] or known["until"] >= one.until > 0):
            return
        self._put(TABLE, one, reason(one, now))
        self._drop(HELD, one)

    def _hold(self, one: Decision, now: float) -> None:
        known = self.known[TABLE].get(one.address, {}).get("reasons", {}).get(one.reason)
        if known and (known["since"] < one.since or not str(known["by"]).startswith("rule")):
            return  # it stands there on other evidence, or by a person's word
        if one.reason not in self._since(HELD, one.address):
            self._put(HELD, one, reason(one, now))
        self._drop(TABLE, one)

    def _lift(self, one: Decision, now: float) -> None:
        self._drop(TABLE, one)
        self._drop(HELD, one)

    def _contradict(self, one: Decision, now: float) -> None:
        told = self.known[TABLE].get(one.address, {}).get("reasons", {}).get(one.reason)
        if told and not told.get("contradicted"):
            self._put(TABLE, one, {**told, "contradicted": {"why": one.why, "time": one.since}})

    def _put(self, table: str, one: Decision, told: Document) -> None:
        document = self.known[table].setdefault(one.address, {"address": one.address, "reasons": {}})
        document["reasons"][one.reason] = told
        self.changed[table][one.address] = document

    def _drop(self, table: str, one: Decision) -> None:
        document = self.known[table].get(one.address)
        if document and document["reasons"].pop(one.reason, None):
            self.changed[table][one.address] = document if document["reasons"] else None


def _documents(store: Store, table: str, keys: Sequence[str]) -> dict[str, Document]:
    """Those documents that are there."""
    return store.get_many(table, sorted(store.among(table, keys))) if keys else {}


def reason(one: Decision, now: float, by: str = "") -> Document:
    """One reason as it is kept."""
    return {
        "why": one.why, "since": one.since, "until": one.until, "scope": one.scope, "by": by or f"rule {one.reason}", "added": now,
        "evidence": [evidence(event) for event in one.evidence[-EVIDENCE:]],
    }


def evidence(event: Event) -> Document:
    """An event as a reason cites it."""
    return {"time": event.time, "source": event.source, "trust": event.trust, "kind": event.kind, "cause": event.cause, "status": event.status, "provider": event.provider,
            "text": event.text[:300], "where": event.where, "id": event.native_id or event.message_id or event.queue_id}


# -- asking

@dataclass(frozen=True, slots=True)
class Asked:
    """For what mail it is asked: `scope` "marketing" heeds everything, "transactional" not the wishes about advertising; `via` the service that is to send."""

    scope: str = MARKETING
    via: str = ""

    def heeds(self, scope: str) -> bool:
        """Whether a reason of that scope counts."""
        return scope in (ALL, self.scope) or (bool(self.via) and scope == f"via {self.via}")


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether one address may get mail.  `state`: free, suppressed, held, or "no address"."""

    given: str
    state: str
    reasons: Mapping[str, Document]


def standings(store: Store, addresses: Sequence[str], asked: Asked = Asked(), now: float = 0.0) -> Iterator[Standing]:
    """The standing of each address, in their order; made for a million at a time."""
    now = now or time.time()
    keys = [key_of(one) for one in addresses]
    told = {state: _told(store, table, keys, asked, now) for state, table in (("suppressed", TABLE), ("held", HELD))}
    for given, key in zip(addresses, keys, strict=True):
        state = next((state for state, found in told.items() if key in found), "free") if key else "no address"
        yield Standing(given, state, told[state][key] if state in told else {})


def _told(store: Store, table: str, keys: Sequence[str], asked: Asked, now: float) -> dict[str, Mapping[str, Document]]:
    """The reasons that count, by the key of the address."""
    spelled: dict[str, list[str]] = {}
    for name in (store.get("memory", "suppression hashes") or {}) if table == TABLE else ():
        for key in keys:
            spelled.setdefault(hashed(key, name), []).append(key)
    found = {key: heeded for key, document in _documents(store, table, sorted({one for one in keys if one})).items() if (heeded := _heeded(document, asked, now))}
    for key, document in _documents(store, table, sorted(spelled)).items() if spelled else ():
        heeded = _heeded(document, asked, now)
        if heeded:
            found.update(dict.fromkeys(spelled[key], heeded))
    return found


def _heeded(document: Document, asked: Asked, now: float) -> Mapping[str, Document]:
    return {name: told for name, told in document.get("reasons", {}).items() if asked.heeds(told["scope"]) and not 0 < told["until"] <= now}


def hashed(key: str, name: str) -> str:
    """An address as lists of hashes hold it."""
    raw = key.encode("utf-8", "replace")
    return f"{name}:" + (sha256(raw) if name == "sha256" else md5(raw, usedforsecurity=False)).hexdigest()


# -- people

def add(store: Store, given: Mapping[str, Document] | Iterable[tuple[str, Document]]) -> int:
    """Put addresses (or hashes, "sha256:…") on the list, each for the reasons given with it (as `reason` makes them, with their "id"); how many are new."""
    pairs = list(given.items() if isinstance(given, Mapping) else given)
    wanted = sorted({key for key, _ in pairs})
    known = _documents(store, TABLE, wanted)
    new = len(wanted) - len(known)
    for key, told in pairs:
        reasons = known.setdefault(key, {"address": key, "reasons": {}})["reasons"]
        fresh = {name: value for name, value in told.items() if name != "id"}
        reasons[told["id"]] = _wider(reasons.get(told["id"]), fresh) if fresh["by"].startswith("import ") else fresh
    store.put_many(TABLE, known)
    for key in store.among(HELD, sorted({key for key, told in pairs if told["scope"] == ALL and not told["until"]})):
        store.put(HELD, key, None)
    for name in {key.partition(":")[0] for key in wanted if "@" not in key}:
        store.put("memory", "suppression hashes", {**(store.get("memory", "suppression hashes") or {}), name: True})
    return new


def _wider(known: Document | None, told: Document) -> Document:
    """Of two imported lines about one address the one that keeps more mail away, whatever their order."""
    def reach(one: Document) -> tuple[bool, bool, float]:
        return one["scope"] == ALL, not one["until"], float(one["until"])

    return known if known is not None and reach(known) > reach(told) else told


def remove(store: Store, keys: Iterable[str], by: str, note: str = "", now: float = 0.0) -> list[str]:
    """Take addresses off the list, with the hashes that stand for them; from now on only newer evidence counts.  Returns those that stood there."""
    wanted = sorted(set(keys))
    spelled = {hashed(key, name): key for name in (store.get("memory", "suppression hashes") or {}) for key in wanted}
    hashes = store.among(TABLE, sorted(spelled))
    stood = sorted(store.among(TABLE, wanted) | store.among(HELD, wanted) | {spelled[one] for one in hashes})
    store.put_many(CLEARED, {key: {"at": now or time.time(), "by": by, "note": note} for key in stood})
    for key in (*stood, *sorted(hashes)):
        for table in (TABLE, HELD, SOFT):
            store.put(table, key, None)
    return stood


def confirm(store: Store, keys: Iterable[str], by: str) -> int:
    """Held addresses go on the list for good: a person has looked; how many.  What else stood there of them stays."""
    found = _documents(store, HELD, sorted(set(keys)))
    known = _documents(store, TABLE, sorted(found))
    confirmed = {key: {name: {**told, "by": by} for name, told in document["reasons"].items()} for key, document in found.items()}
    store.put_many(TABLE, {key: {"address": key, "reasons": {**known.get(key, {}).get("reasons", {}), **reasons}} for key, reasons in confirmed.items()})
    for key in found:
        store.put(HELD, key, None)
    return len(found)


def expire(store: Store, now: float) -> int:
    """Drop reasons whose time is over; how many addresses left the list."""
    gone, shorter = [], {}
    for key, document in store.documents(TABLE):
        left = {name: told for name, told in document.get("reasons", {}).items() if not 0 < told["until"] <= now}
        if not left:
            gone.append(key)
        elif len(left) < len(document["reasons"]):
            shorter[key] = {**document, "reasons": left}
    store.put_many(TABLE, shorter)
    for key in gone:
        store.put(TABLE, key, None)
    return len(gone)


__all__ = ["Asked", "Standing", "add", "apply", "confirm", "expire", "hard_causes", "key_of", "remove", "standings"]
