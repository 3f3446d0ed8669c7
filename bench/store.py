#!/usr/bin/env python3
"""Events a second into the store, beside the plain way (every event a row with a unique key) in the same run; questions to a store of ten million events.

    python bench/store.py [EVENTS]

Two days of sending: 95 % delivered, 7,000 recipient domains, 63 texts, 3 IPs, 10 campaigns.  The large store is the measured day copied to nine others by SQL, because adding
ten million events would take minutes; every counter and row of theirs is a real one.
"""
from __future__ import annotations

import os
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator

from fivefifty.model import Event
from fivefifty.store import Period, open_store
from fivefifty.store.identity import event_id

T0, BATCH, ROUNDS = 1_793_577_600, 20_000, 2
LARGE = 10_000_000
DAY = 86_400


def made(number: int, seed: int = 5) -> Iterator[Event]:
    """Events of one day, in order."""
    chance = random.Random(seed)
    for n in range(number):
        domain = int(7000 * chance.random() ** 3)
        failed = chance.random() < 0.05
        text = chance.randrange(63)
        yield Event(
            "bounce" if failed else "delivery", "postfix", T0 + n * DAY / number, recipient=f"u{n}@d{domain}.example", recipient_domain=f"d{domain}.example", provider=f"p{domain % 40}",
            envelope_sender="news@example.com", author_domain="example.com", message_id=f"m{n}@example.com", queue_id=f"Q{n:X}", reporting_mta="mx1", sending_ip=f"192.0.2.{domain % 3}",
            campaign=f"c{n * 10 // number}", status="5.1.1" if failed else "2.0.0", reply_code=550 if failed else 250, text=f"550 5.1.1 <u{n}@d{domain}.example>: refused {text}" if failed else "250 2.0.0 ok",
            template=f"550 5.1.1 <recipient>: refused {text}" if failed else "", cause=("address.unknown", "content.spam", "reputation.provider")[text % 3] if failed else "",
            owner="address" if failed else "",
        )


def batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while some := [event for _, event in zip(range(BATCH), events, strict=False)]:
        yield some


def ours(path: str, number: int, dull: float = 0.0) -> float:
    """Events a second; only `add` is timed."""
    store, spent, chance, again = open_store(path), 0.0, random.Random(1), []
    for some in batches(made(number)):
        given = some + again
        again = [event for event in some if chance.random() < dull]
        start = time.perf_counter()
        store.add(given, ("log", str(len(some))))
        spent += time.perf_counter() - start
    store.close()
    return number * (1 + dull) / spent


def plain(path: str, number: int) -> float:
    """The peer: one table, every event a row with all its fields, a unique key and an index on time; same batches, same durability."""
    database = sqlite3.connect(path, isolation_level=None)
    names = [name for name in Event.__slots__ if name != "facts"]
    columns = ", ".join('"' + name + '"' for name in names)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", f"CREATE TABLE events (id BLOB PRIMARY KEY, {columns})", "CREATE INDEX by_time ON events (time)"):
        database.execute(statement)
    spent, marks = 0.0, ",".join("?" * (len(names) + 1))
    for some in batches(made(number)):
        start = time.perf_counter()
        rows = [(event_id(event).to_bytes(8), *(getattr(event, name) for name in names)) for event in some]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(f"INSERT OR IGNORE INTO events VALUES ({marks})", rows)
        database.execute("COMMIT")
        spent += time.perf_counter() - start
    database.close()
    return number / spent


def enlarge(path: str, number: int) -> int:
    """Copy the day until there are LARGE events."""
    database = sqlite3.connect(path)
    columns = [row[1] for row in database.execute("PRAGMA table_info(events)")]
    copied = ", ".join(f'"{name}" - {{at}}' if name == "time" else f'"{name}" - ({{at}} / 3600 << 44)' if name == "id" else f'"{name}"' for name in columns)
    times = LARGE // number
    for n in range(1, times):
        at = n * DAY
        database.execute(f"INSERT INTO counts SELECT hour - {at}, stream, kind, cause, template, late, n FROM counts WHERE hour >= {T0}")
        database.execute(f"INSERT INTO seen SELECT id - ({at} / 3600 << 44) FROM seen WHERE id >= (SELECT min(id) FROM events WHERE time >= {T0})")
        database.execute(f"INSERT INTO events SELECT {copied.format(at=at)} FROM events WHERE time >= {T0}")
    database.commit()
    database.close()
    return times * number


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    quick = min(number, 200_000)
    with tempfile.TemporaryDirectory() as folder:
        best = {"ours": 0.0, "again": 0.0, "plain": 0.0}
        for n in range(ROUNDS):
            best["plain"] = max(best["plain"], plain(f"{folder}/plain{n}.db", quick))
            best["ours"] = max(best["ours"], ours(f"{folder}/ours{n}.db", quick))
            best["again"] = max(best["again"], ours(f"{folder}/again{n}.db", quick, 0.1))
        sizes = {name: os.path.getsize(f"{folder}/{name}0.db") / 1e6 for name in ("ours", "plain")}
        print(f"{quick:,} events into SQLite: {best['ours']:,.0f} events/s ({sizes['ours']:.0f} MB); every event a row: {best['plain']:,.0f} events/s ({sizes['plain']:.0f} MB): {best['ours'] / best['plain']:.1f} x")
        print(f"the same with 10 % of them twice: {best['again']:,.0f} events/s")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        speed = ours(f"{folder}/large.db", number)
        print(f"{number:,} events of one day: {speed:,.0f} events/s, memory grew by {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:.0f} MB")
        total = enlarge(f"{folder}/large.db", number)
        store = open_store(f"{folder}/large.db")
        print(f"a store of {total:,} events, {os.path.getsize(f'{folder}/large.db') / 1e6:.0f} MB; one day of it:")
        for by in (("provider", "kind"), ("recipient_domain", "kind"), ("sending_ip", "kind"), ("campaign", "kind"), ("hour", "kind"), ("template", "cause")):
            start = time.perf_counter()
            rows = store.grouped(by, Period(T0, T0 + DAY))
            print(f"  by {' and '.join(by)}: {len(rows):,} rows in {time.perf_counter() - start:.2f} s")
        keys = {f"u{n}@d{n % 7000}.example": {"why": "address.unknown"} for n in range(0, 2_000_000, 4)}
        store.put_many("suppression", keys)
        wanted = [f"u{n}@d{n % 7000}.example" for n in range(1_000_000)]
        start = time.perf_counter()
        found = store.among("suppression", wanted)
        spent = time.perf_counter() - start
        start = time.perf_counter()
        peer = {one for one in wanted if one in keys}
        print(f"a million addresses against {len(keys):,} suppressed ones: {spent:.2f} s, {len(found):,} found; a Python set in memory: {time.perf_counter() - start:.2f} s")
        assert found == peer
        store.close()


if __name__ == "__main__":
    main()
