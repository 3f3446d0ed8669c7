"""What a store promises, on both engines: the same test for SQLite and for a real PostgreSQL server."""
from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from itertools import count
from pathlib import Path

import pytest
from pg_server import NoServer, PgServer

from fivefifty.errors import InputError, StoreError
from fivefifty.model import Event
from fivefifty.store import HOUR, Period, open_store
from fivefifty.store.identity import event_id, join_keys

T0 = 1_793_613_600.0  # 2026-11-02 10:00 UTC
NAMES = count()


@pytest.fixture(scope="session")
def server():
    try:
        found = PgServer()
    except (NoServer, OSError, subprocess.SubprocessError, ImportError) as error:
        yield f"NO POSTGRESQL: its half of the contract is not tested here: {error}"
        return
    yield found
    found.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """A path or URL of a store that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    found = request.getfixturevalue("server")
    if isinstance(found, str):
        pytest.skip(found)
    return found.fresh(f"t{os.getpid()}_{next(NAMES)}")


@pytest.fixture
def store(place):
    made = open_store(place)
    yield made
    made.close()


def bounce(number=1, **more):
    told = {
        "time": T0 + number, "recipient": f"u{number}@example.net", "recipient_domain": "example.net", "provider": "example.net", "author_domain": "example.com",
        "envelope_sender": "news@example.com", "message_id": f"m{number}@example.com", "queue_id": f"Q{number}", "reporting_mta": "mx1", "sending_ip": "192.0.2.1", "campaign": "c1",
        "status": "5.1.1", "reply_code": 550, "text": f"550 5.1.1 <u{number}@example.net>: unknown", "template": "550 5.1.1 <recipient>: unknown", "cause": "address.unknown",
        "owner": "address", "standing": "stated", "rule": "r", "suppress": True, **more,
    }
    return Event(told.pop("kind", "bounce"), told.pop("source", "postfix"), **told)


def delivery(number=1, **more):
    return bounce(number, **{"kind": "delivery", "text": "250 ok", "template": "", "cause": "", "owner": "", "status": "2.0.0", "reply_code": 250, "suppress": False, **more})


def total(store, **where):
    return sum(row.count for row in store.grouped(("kind",), Period(where=where)))


def test_events_come_back_as_they_went_in(store):
    told = bounce(facts={"a": [1, "\u00e4"]}, sent_at=T0 - 5, trust="signed", where="mail.log:3", native_id="n1", stage="expired")
    assert store.add([told]).new == 1
    (back,) = store.failures()
    for field in dataclasses.fields(Event):
        if field.name != "text":
            assert getattr(back, field.name) == getattr(told, field.name), field.name
    assert back.text in (told.text, told.text.replace("<u1@example.net>", "u1@example.net"))
    assert store.history("U1@Example.Net") == [back]


def test_the_same_event_changes_nothing_whenever_it_comes_again(store):
    some = [bounce(n) for n in range(50)] + [delivery(100 + n) for n in range(200)]
    assert store.add(some) == dataclasses.replace(store.add([]), new=250)
    assert store.add(some).duplicates == 250
    assert store.add([bounce(3), bounce(3), delivery(100)]).duplicates == 3
    assert store.add([delivery(900), delivery(900)]) == dataclasses.replace(store.add([]), new=1, duplicates=1)
    assert total(store) == 251 and total(store, kind="delivery") == 201


def test_a_later_version_that_calls_it_a_block_still_knows_the_event(store):
    store.add([bounce()])
    assert store.add([bounce(kind="block", cause="content.spam", owner="content")]).duplicates == 1


def test_two_witnesses_of_one_failure_are_counted_once(store):
    mail = bounce(source="mail", time=T0 + 9, queue_id="", reporting_mta="mx1.example.com", trust="matched", suppress=False, native_id="d1", sending_ip="", remote_mta="mx.example.net")
    for first, second in ((bounce(), mail), (dataclasses.replace(mail, message_id="other@example.com", native_id="d2"), bounce(message_id="other@example.com", queue_id="Q2", time=T0 + 2))):
        assert store.add([first]).new == 1
        assert store.add([second]).joined == 1
    assert total(store) == 2
    assert len(store.history("u1@example.net")) == 4 and len(list(store.failures())) == 2
    joined = next(one for one in store.failures() if one.source == "postfix")
    assert joined.remote_mta == "mx.example.net" and joined.trust == "own"


def test_witnesses_of_one_batch_and_by_queue_id(store):
    assert store.add([bounce(message_id=""), bounce(source="mail", message_id="", native_id="x", reporting_mta="MX1", trust="unverified")]).joined == 1
    assert total(store) == 1


@pytest.mark.parametrize("second", [
    {"kind": "deferral"}, {"late": True}, {"recipient": "other@example.net"}, {"time": T0 + 40 * 86_400}, {"queue_id": "Q7"},
])
def test_what_is_another_failure_is_not_joined(store, second):
    store.add([bounce()])
    added = store.add([bounce(**{"source": "mail" if "queue_id" not in second else "postfix", "native_id": "z", **second})])
    assert (added.new, added.joined) == (1, 0) and total(store) == 2


def test_a_second_witness_moves_the_counters_when_it_knows_the_cause(store):
    store.add([bounce(cause="unknown", owner="unknown", template="odd", text="odd")])
    store.add([bounce(source="mail", native_id="d", cause="address.full", owner="recipient", template="full", text="full")])
    assert [(row.values, row.count) for row in store.grouped(("cause", "template"))] == [(("address.full", "full"), 1)]


def test_an_unverified_witness_never_makes_an_address_dead(store):
    store.add([bounce(suppress=False, cause="unknown", owner="unknown")])
    store.add([bounce(source="mail", native_id="d", trust="unverified", suppress=False)])
    assert not any(one.suppress for one in store.history("u1@example.net"))


def test_groups(store):
    store.add([delivery(n, provider="p1" if n % 2 else "p2") for n in range(10)] + [bounce(50, provider="p1"), bounce(51, provider="p1", time=T0 + HOUR, cause="content.spam", owner="content", kind="block")])
    assert [(row.values, row.count) for row in store.grouped(("provider", "kind"))] == [(("p1", "delivery"), 5), (("p2", "delivery"), 5), (("p1", "block"), 1), (("p1", "bounce"), 1)]
    assert {row.values[0]: row.count for row in store.grouped(("owner",))} == {"": 10, "address": 1, "content": 1}
    assert {row.values: row.count for row in store.grouped(("hour", "day"))} == {(int(T0), 1793577600): 11, (int(T0) + HOUR, 1793577600): 1}
    assert store.grouped(()) [0].count == 12 and store.grouped(("kind",), Period(since=T0 + HOUR))[0].count == 1
    assert total(store, owner="content") == 1 and total(store, provider="p2") == 5
    assert store.grouped(("kind",), Period(until=T0)) == [] and store.last_event() >= T0 + HOUR and store.last_event("postfix") == T0 + HOUR
    with pytest.raises(InputError, match="recipient"):
        store.grouped(("recipient",))
    with pytest.raises(InputError):
        store.grouped(("kind",), Period(where={"text; DROP TABLE": "x"}))


def test_complaints_stand_in_the_hour_of_sending_and_aggregates_by_their_count(store):
    store.add([bounce(kind="complaint", sent_at=T0 - 30 * HOUR, time=T0, message_id="", queue_id=""), bounce(7, kind="authentication", count=40, recipient="", native_id="r|1")])
    assert {row.values: row.count for row in store.grouped(("kind", "hour"))} == {("complaint", int(T0 - 30 * HOUR)): 1, ("authentication", int(T0)): 40}


def test_volumes_without_recipients_are_told_apart(store):
    one = Event("delivery", "table", T0, recipient_domain="example.net", author_domain="example.com", count=500)
    other = dataclasses.replace(one, recipient_domain="example.org")
    assert store.add([one, other, dataclasses.replace(one)]).new == 2 and total(store) == 1000


def test_a_cursor_is_kept_with_its_events_or_not_at_all(store):
    assert store.cursor("log") == ""
    store.add([bounce()], ("log", "17"))
    assert store.cursor("log") == "17"
    with pytest.raises(Exception):  # noqa: B017 whatever it is: a field no database can hold
        store.add([bounce(2), bounce(3, reply_code=object())], ("log", "99"))
    assert store.cursor("log") == "17" and total(store) == 1
    assert store.add([bounce(2)], ("log", "18")).new == 1


def test_strange_text_is_kept(store):
    store.add([bounce(text="a\0b \ud800 \u202e", template="t\0\ud800", campaign="\0", recipient="\u00fc\ud800@example.net")])
    (back,) = store.failures()
    assert back.text.startswith("a\ufffdb") and back.campaign == "\ufffd"
    store.put("memory", "k\0", {"a": "\ud800"})
    assert store.get("memory", "k\ufffd") == {"a": "\ud800"}


def test_documents(store):
    assert store.get("case", "1") is None
    store.put("case", "1", {"a": 1})
    store.put_many("case", {"1": {"a": 2}, "2": {}})
    store.put("other", "1", {})
    assert list(store.documents("case")) == [("1", {"a": 2}), ("2", {})] and store.among("case", ["1", "2", "3"]) == {"1", "2"}
    store.put("case", "1", None)
    assert store.get("case", "1") is None and store.get("other", "1") == {}


def test_writing_while_somebody_reads(store):
    store.put_many("case", {str(n): {"n": n} for n in range(30)})
    store.add([bounce(n) for n in range(30)])
    for key, value in store.documents("case"):
        store.put("copy", key, value)
    for event in store.failures():
        store.add([dataclasses.replace(event, native_id="again" + event.message_id, message_id="", queue_id="")])
    assert store.get_many("copy", ["3", "5", "x"]) == {"3": {"n": 3}, "5": {"n": 5}} and total(store) == 60


def test_forgetting_takes_the_address_out_of_everything_but_keeps_it_suppressed(store, place):
    address = "u1@example.net"
    store.add([bounce(facts={"to": address}), bounce(2, text=f"forwarded for {address}: no", template=f"odd {address}"), bounce(3, envelope_sender="b+u1=example.net@example.com")])
    store.put("suppression", address, {"why": "address.unknown", "said": f"<{address}>"})
    store.put("case", "c", {"about": f"mail to {address.upper()}"})
    assert store.forget(" U1@example.net ") >= 4
    assert store.history(address) == [] and total(store) == 3  # counters hold no address
    assert store.among("suppression", [address, "x@example.net"]) == {address} and store.get("suppression", address)["why"] == "address.unknown"
    assert store.add([bounce()]).duplicates == 1  # the log, fed again, does not bring it back
    store.close()
    if "://" not in place:
        raw = b"".join(Path(place + end).read_bytes() for end in ("", "-wal") if os.path.exists(place + end))
        assert b"u1@example.net" not in raw.lower() and b"u1=example.net" not in raw.lower()
    again = open_store(place)
    again.put("suppression", address, None)
    assert again.among("suppression", [address]) == set()
    again.close()


def test_forgetting_knows_other_spellings_and_spares_other_people(store):
    names = ["jos\u00e9@m\u00fcller.example", "ann@example.net", "mary.ann@example.net", "ann@example.net.example"]
    for name in names:
        store.put("suppression", name.replace("m\u00fcller", "xn--mller-kva"), {"address": name, "said": f"550 <{name}> {name.replace('@', '%40')}\n{name}"})
    store.put("case", "c", {"texts": names})
    store.add([bounce(1, text=" ".join(names), template="x", campaign="for ann@example.net", recipient="x@example.org", envelope_sender="b-ann=example.net-7@example.com")], ("follow", '{"seen": ["ann@example.net:2,S"]}'))
    store.forget("jos\u00e9@m\u00fcller.example")
    store.forget("Ann@Example.net")
    (event,) = store.failures()
    assert event.text == "<erased> <erased> mary.ann@example.net ann@example.net.example" and event.envelope_sender == "b-<erased>-7@example.com" and "ann@" not in event.campaign
    assert store.get("case", "c") == {"texts": ["<erased>", "<erased>", "mary.ann@example.net", "ann@example.net.example"]} and "ann" not in store.cursor("follow")
    assert store.get("suppression", "jos\u00e9@xn--mller-kva.example")["said"] == "550 <<erased>> <erased>\n<erased>"
    assert [key for key, _ in store.documents("suppression") if "@" in key] == ["ann@example.net.example", "mary.ann@example.net"]
    assert store.get("suppression", "mary.ann@example.net")["address"] == "mary.ann@example.net"
    assert not [row for row in store.grouped(("campaign",)) if "ann@" in row.values[0]]


def test_pruning_drops_the_old_and_refuses_it_ever_after(store, place):
    old = [bounce(n, time=T0 - 100 * 86_400 + n) for n in range(5)] + [delivery(50, time=T0 - 100 * 86_400)]
    store.add([*old, bounce(9)])
    assert store.prune(T0 - 86_400) > 0
    assert total(store) == 1 and len(list(store.failures())) == 1
    assert store.add(old).too_old == 6 and total(store) == 1
    other = open_store(place)
    assert other.add(old).too_old == 6 and other.add([bounce(9)]).duplicates == 1
    other.close()


def test_numbers_are_given_anew_after_somebody_pruned(store, place):
    """Streams and words that nobody uses go; what remembers their numbers must not count for others."""
    store.add([delivery(1, time=T0 - 90 * 86_400, recipient_domain="old.example", recipient="u@old.example")])
    other = open_store(place)
    other.prune(T0 - 86_400)
    other.add([delivery(2, recipient_domain="new.example", recipient="u@new.example")])
    other.close()
    assert store.add([delivery(3, recipient_domain="old.example", recipient="u@old.example"), delivery(4, time=T0 - 80 * 86_400)]).too_old == 1
    assert {row.values[0]: row.count for row in store.grouped(("recipient_domain",))} == {"new.example": 1, "old.example": 1}


def test_a_forged_report_says_nothing_beside_our_own_log(store):
    forged = {"source": "mail", "native_id": "d", "trust": "unverified", "suppress": False, "queue_id": "", "reporting_mta": "x"}
    own = {"kind": "block", "cause": "reputation.blocklist", "owner": "sender", "text": "listed", "template": "listed", "suppress": False}
    store.add([bounce(1, **forged), bounce(2, **own)])
    store.add([bounce(1, **own), bounce(2, **{**forged, "native_id": "e", "sending_ip": "203.0.113.66"})])
    for address in ("u1@example.net", "u2@example.net"):
        first = next(one for one in store.failures() if one.recipient == address)
        assert (first.kind, first.cause, first.trust, first.template, first.suppress) == ("block", "reputation.blocklist", "own", "listed", False)
    assert {row.values: row.count for row in store.grouped(("kind", "cause"))} == {("block", "reputation.blocklist"): 2}
    store.add([bounce(3, cause="content.spam", kind="block", **{**forged, "native_id": "f"})])
    store.add([bounce(3)])
    last = next(one for one in store.failures() if one.recipient == "u3@example.net")
    assert (last.kind, last.cause, last.suppress) == ("bounce", "address.unknown", True)


def test_a_queue_id_that_is_used_again_is_another_mail(store):
    store.add([bounce(1), bounce(1, message_id="other@example.com", time=T0 + 86_400)])
    assert total(store) == 2


@pytest.mark.parametrize("odd", [
    {"time": float("nan")}, {"time": float("inf")}, {"time": -5.0}, {"count": 10**30}, {"count": -3}, {"sent_at": float("nan")}, {"reply_code": 10**30}, {"reply_code": -1}, {"campaign": "x" * 9000},
    {"recipient": "u" * 9000 + "@example.net"}, {"template": "\u6f22" * 3000}, {"stage": "s" * 99}, {"source": "s" * 99}, {"rule": "r" * 99}, {"cause": "c" * 99}, {"text": "t" * 200_000},
])
def test_one_impossible_event_stops_nobody(store, odd):
    assert store.add([bounce(1), bounce(2, **odd), delivery(3, **odd)], ("log", "1")).new >= 2
    assert store.cursor("log") == "1" and sum(1 for _ in store.failures()) >= 1 and store.grouped(("owner",))


def test_the_last_event_of_a_source_that_only_delivers(store):
    store.add([delivery(1), delivery(2, source="exim", time=T0 + 9)])
    assert store.last_event("postfix") == T0 + 1 and store.last_event("exim") == T0 + 9 == store.last_event() and store.last_event("x") == 0.0
    store.add([bounce(5, time=T0 - 99)])
    assert store.last_event("postfix") == T0 + 1
    assert len(list(store.failures(Period(where={"hour": T0 - 3600})))) == 1 and not list(store.failures(Period(where={"day": T0 + 86_400})))


def test_hidden_recipients(place):
    from fivefifty.store.sql import SqlStore

    store = SqlStore(place, hash_key=b"key")
    store.add([bounce(facts={"to": "u1@example.net"}, template="550 5.1.1 <recipient>: unknown", envelope_sender="b+u1=example.net@example.com", where="new/u1@example.net")])
    (back,) = store.history("U1@example.net")
    assert back.recipient.endswith("@example.net") and "u1" not in repr(back).replace("<recipient>", "")
    assert store.forget("u1@example.net") and not store.history("u1@example.net")
    store.close()


WRITER = textwrap.dedent("""
    import sys
    from fivefifty.store import open_store
    from test_store import bounce, delivery
    store = open_store(sys.argv[1])
    print("ready", flush=True)
    for start in range(int(sys.argv[2]), int(sys.argv[3]), 50):
        store.add([delivery(n) if n % 5 else bounce(n) for n in range(start, start + 50)], ("log", str(start + 50)))
        print(start + 50, flush=True)
""")


def writer(place, first, last):
    root = os.path.dirname(os.path.dirname(__file__))
    return subprocess.Popen([sys.executable, "-c", WRITER, place, str(first), str(last)], stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": os.path.join(root, "src") + os.pathsep + os.path.join(root, "tests")})


def test_killed_while_writing_nothing_acknowledged_is_lost_and_nothing_counted_twice(place):
    open_store(place).close()
    for pause in (0.0, 0.03, 0.11):
        process = writer(place, 0, 100_000)
        assert process.stdout.readline() == "ready\n"
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        told = process.stdout.read().split()
        process.wait(10)
        store = open_store(place)
        acknowledged = int(told[-1]) if told else 0
        kept = int(store.cursor("log") or 0)
        assert kept >= acknowledged
        assert store.add([delivery(n) if n % 5 else bounce(n) for n in range(kept)]).duplicates == kept  # exactly what the cursor says is there
        store.close()


def test_several_processes_with_the_same_events_count_them_once(place):
    open_store(place).close()
    processes = [writer(place, 0, 600) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for process in processes:
        process.stdout.close()
    store = open_store(place)
    assert total(store) == 600 and sum(1 for _ in store.failures()) == 120
    store.close()


def test_the_tables_are_those_of_the_migrations(store):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from fivefifty.store.migrations import HEAD
    from fivefifty.store.schema import tables

    with store.engine.reading() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, tables) == []


def test_a_store_of_a_newer_program_is_refused(store, place):
    with store.engine.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer"):
        open_store(place)


# SQLite alone


def test_a_full_disk_is_told_and_the_store_goes_on_after(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    store.add([bounce()])
    with store.engine.database.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")  # this pooled connection is the next one too
        connection.rollback()
    with pytest.raises(StoreError, match="full"):
        store.add([bounce(n) for n in range(10, 3000)], ("log", "x"))
    assert total(store) == 1 and store.cursor("log") == ""
    store.engine.database.dispose()
    assert store.add([bounce(n) for n in range(10, 3000)]).new == 2990
    store.close()


@pytest.mark.parametrize(("make", "words"), [
    (lambda path: path.write_bytes(b"not a database at all" * 100), "no store"), (lambda path: path.mkdir(), "directory"),
])
def test_what_can_not_be_a_store(tmp_path, make, words):
    path = tmp_path / "s.db"
    make(path)
    with pytest.raises(StoreError, match=words) as caught:
        open_store(str(path))
    assert caught.value.hint and str(path) in str(caught.value)


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "s.db"
    store = open_store(str(path))
    store.add([bounce(n) for n in range(500)])
    store.close()
    raw = bytearray(path.read_bytes())
    raw[4096 * 3 :] = b"\x5a" * (len(raw) - 4096 * 3)
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=r"damaged|no store"):
        damaged = open_store(str(path))
        damaged.add([bounce(n) for n in range(1000, 2000)])


def test_somebody_else_holds_the_file(tmp_path, monkeypatch):
    from fivefifty.store import sqlite

    monkeypatch.setattr(sqlite, "WAIT", 0.2)
    store = open_store(str(tmp_path / "s.db"))
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process"):
        store.add([bounce()])
    other.execute("ROLLBACK")
    other.close()
    assert store.add([bounce()]).new == 1
    store.close()


def test_reading_only(tmp_path):
    with pytest.raises(StoreError, match="no store yet"):
        open_store(str(tmp_path / "s.db"), read_only=True)
    store = open_store(str(tmp_path / "s.db"))
    store.add([bounce()])
    reader = open_store(str(tmp_path / "s.db"), read_only=True)
    assert total(reader) == 1
    with pytest.raises(StoreError):
        reader.add([bounce(2)])
    assert oct(os.stat(tmp_path / "s.db").st_mode & 0o777) == "0o600"
    store.close()
    reader.close()


# PostgreSQL alone


def test_the_database_goes_away_and_comes_back(server):
    if isinstance(server, str):
        pytest.skip(server)
    store = open_store(server.fresh(f"gone{os.getpid()}"))
    store.add([bounce(n) for n in range(10)])
    server.kill()
    with pytest.raises(StoreError, match="does not answer") as caught:
        store.add([bounce(n) for n in range(20)], ("log", "1"))
    assert "s3cret" not in str(caught.value) and "s3cret" not in store.where
    server.start()
    assert store.add([bounce(n) for n in range(20)], ("log", "1")).new == 10 and total(store) == 20
    store.close()


def test_a_wrong_password_is_not_repeated(server):
    if isinstance(server, str):
        pytest.skip(server)
    with pytest.raises(StoreError) as caught:
        open_store(server.url.replace("s3cret", "wr0ng"))
    assert "wr0ng" not in repr(caught.value) + str(caught.value) + str(caught.value.__cause__)


def test_ids_hold_what_a_second_reading_gives_again():
    assert event_id(bounce()) == event_id(bounce(campaign="other", where="elsewhere", cause="x", provider="y"))
    assert len({event_id(bounce(**one)) for one in ({}, {"time": T0 + 5}, {"recipient": "x@example.net"}, {"text": "y"}, {"kind": "deferral"}, {"source": "exim"}, {"native_id": "n"})}) == 7
    assert 0 <= event_id(bounce(time=-1e12)) < event_id(bounce()) < event_id(bounce(time=T0 + 7200)) < 1 << 63 and event_id(bounce(time=1e300)) < 1 << 63
    assert join_keys(delivery()) == () and len(join_keys(bounce())) == 2


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_a_store_that_nobody_may_write_is_read(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir()
    made = open_store(str(folder / "store.db"))
    made.add([bounce()])
    made.close()
    os.chmod(folder / "store.db", 0o400)
    os.chmod(folder, 0o500)
    script = f"from fivefifty.store import open_store; print(len(list(open_store({str(folder / 'store.db')!r}, read_only=True).failures())))"
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 and shutil.which("setpriv") else []
    told = subprocess.run([*bound, sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    os.chmod(folder, 0o700)
    assert told.stdout == "1\n", told.stderr
