"""Following a log: each line once, whatever happens to the file and to the process."""
from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fivefifty.errors import StoreError
from fivefifty.feeds import Setting
from fivefifty.follow import Follower, Told
from fivefifty.store import Period, open_store

NOW = 1_793_620_000.0
SOURCE = Path(__file__).parent.parent / "src"


def mails(first, count, bounces=5):
    """Lines of Postfix for mails first … first + count; each fifth bounces."""
    out = []
    for n in range(first, first + count):
        at = f"2026-11-02T{10 + n // 3600 % 10:02}:{n // 60 % 60:02}:{n % 60:02}.000000+00:00 mx1 postfix"
        queue_id = f"{n + 0x400000:X}"
        out.append(f"{at}/cleanup[7]: {queue_id}: message-id=<{n}@sender.example>")
        out.append(f"{at}/qmgr[8]: {queue_id}: from=<news@sender.example>, size=1000, nrcpt=1 (queue active)")
        words = "bounced (host mx.rcpt.example[192.0.2.25] said: 550 5.1.1 user unknown (in reply to RCPT TO command))" if n % bounces == 0 else "sent (250 2.0.0 ok)"
        status = "5.1.1" if n % bounces == 0 else "2.0.0"
        out.append(f"{at}/smtp[9]: {queue_id}: to=<u{n}@rcpt.example>, relay=mx.rcpt.example[192.0.2.25]:25, delay=1, delays=0/0/0/1, dsn={status}, status={words}")
        out.append(f"{at}/qmgr[8]: {queue_id}: removed")
    return "".join(line + "\n" for line in out).encode()


class Place:
    """A log, a store, and a follower that can be made anew."""

    def __init__(self, folder):
        self.log, self.where = folder / "mail.log", str(folder / "store.db")
        self.told: list[str] = []
        self.now = NOW
        self.store = open_store(self.where)
        self.start()

    def start(self, path=None, **entry):
        self.follower = Follower(Told(self.store, Setting(self.now), tell=self.told.append, clock=lambda: self.now), [{"kind": "postfix", "path": str(path or self.log), **entry}])

    def step(self, seconds=1.0):
        self.now += seconds
        for source in self.follower.sources:
            while source.step(patient=True):
                pass

    def append(self, content):
        with open(self.log, "ab") as file:
            file.write(content)

    def counts(self):
        return counted(self.store)


def counted(store):
    found = {row.values[0]: row.count for row in store.grouped(["kind"], Period())}
    return found.get("delivery", 0), found.get("bounce", 0)


def expected(count):
    bounces = len(range(0, count, 5))
    return count - bounces, bounces


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    for source in made.follower.sources:
        source.finish()
    made.store.close()


def test_lines_are_read_as_they_come_and_a_partial_one_waits(place):
    whole = mails(0, 10)
    place.append(whole[:1000])
    place.step()
    first = place.counts()
    place.append(whole[1000:-20])
    place.step()
    assert place.counts()[0] <= 8 and first != place.counts()
    place.append(whole[-20:])
    place.step()
    assert place.counts() == expected(10)


def test_a_restart_goes_on_with_the_senders_it_knew(place):
    whole = mails(0, 1)
    cut = whole.index(b"postfix/smtp") - 37
    cut = whole.rindex(b"\n", 0, cut + 37) + 1
    place.append(whole[:cut])
    place.step()
    place.follower.sources[0].finish()
    place.start()
    place.append(whole[cut:])
    place.step()
    event = next(place.store.failures())
    assert (event.message_id, event.envelope_sender) == ("0@sender.example", "news@sender.example")


def test_renamed_while_the_writer_goes_on(place):
    place.append(mails(0, 10))
    place.step()
    with open(place.log, "ab") as old:
        place.log.rename(place.log.with_name("mail.log.1"))
        place.append(mails(20, 10))
        place.step()
        old.write(mails(10, 10))
    place.step()
    place.step(10)
    place.step()
    assert place.counts() == expected(30)


def test_two_rotations_while_nobody_followed(place, tmp_path):
    place.append(mails(0, 10))
    place.step()
    place.append(mails(10, 10))
    place.follower.sources[0].finish()
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(place.log.read_bytes()))
    os.utime(tmp_path / "mail.log.2.gz", (NOW - 100, NOW - 100))
    place.log.unlink()
    (tmp_path / "mail.log.1").write_bytes(mails(20, 10))
    os.utime(tmp_path / "mail.log.1", (NOW - 50, NOW - 50))
    place.append(mails(30, 10))
    place.start()
    place.step()
    assert place.counts() == expected(40)
    read = place.follower.sources[0].intake.outcome
    assert read.read == 30, "what was read before is not read again"
    assert place.told == []


def test_copied_and_truncated(place, tmp_path):
    place.append(mails(0, 10))
    place.step()
    place.append(mails(10, 10))  # not read before the copy
    (tmp_path / "mail.log.1").write_bytes(place.log.read_bytes())
    os.truncate(place.log, 0)
    place.append(mails(20, 10))
    place.step()
    assert place.counts() == expected(30)


def test_truncated_and_grown_longer_than_before_is_noticed(place):
    place.append(mails(0, 5))
    place.step()
    os.truncate(place.log, 0)
    place.append(mails(5, 45))
    place.step()
    assert place.counts() == expected(50)


def test_emptied_under_a_writer_that_does_not_append(place):
    place.append(mails(0, 10))
    place.step()
    size = place.log.stat().st_size
    with open(place.log, "r+b") as file:
        file.truncate(0)
        file.seek(size)
        file.write(mails(10, 10))
    place.step()
    assert place.counts() == expected(20)


def test_a_log_that_goes_away_and_comes_back(place):
    place.step()
    place.append(mails(0, 10))
    place.step()
    place.log.unlink()
    place.step()
    place.append(mails(10, 10))
    place.step()
    place.step(10)
    assert place.counts() == expected(20)


def test_the_same_lines_again_and_garbage_between_them_change_nothing(place):
    whole = mails(0, 20)
    place.append(whole)
    place.step()
    lines = whole.splitlines(keepends=True)
    place.append(b"".join([*lines[40:], b"\xff\xfe\x00garbage\n", b"x" * 3_000_000 + b"\n", *lines[:40]]) + mails(20, 10))
    place.step()
    assert place.counts() == expected(30)


def test_a_link_that_is_turned_to_another_file(place, tmp_path):
    (tmp_path / "a").write_bytes(mails(0, 10))
    (tmp_path / "b").write_bytes(mails(10, 10))
    place.log.symlink_to("a")
    place.step()
    place.log.unlink()
    place.log.symlink_to("b")
    place.step()
    place.step(10)
    assert place.counts() == expected(20)


def test_every_log_of_a_pattern(place, tmp_path):
    for n in range(3):
        (tmp_path / f"acct-{n}.log").write_bytes(mails(10 * n, 10))
    place.start(tmp_path / "acct-*.log")
    place.step()
    (tmp_path / "acct-3.log").write_bytes(mails(30, 10))
    place.step()
    assert place.counts() == expected(40)


def test_classic_stamps_get_the_year_that_is_now(place):
    """A follower that runs for months is told the time again."""
    line = b"%s 10:00:00 mx1 postfix/smtp[9]: 4A00001EEF: to=<a@rcpt.example>, relay=mx.rcpt.example[192.0.2.25]:25, delay=1, dsn=5.1.1, status=bounced (host mx.rcpt.example[192.0.2.25] said: 550 5.1.1 no)\n"
    place.append(line % b"Nov  2")
    place.step()
    place.now += 120 * 86_400  # March of the next year
    place.append(line % b"Mar  1")
    place.step()
    assert sorted(time.gmtime(event.time).tm_year for event in place.store.failures()) == [2026, 2027]


class Down:
    """A store that fails when told to."""

    def __init__(self, store):
        self.store, self.down, self.failed = store, False, 0

    def __getattr__(self, name):
        return getattr(self.store, name)

    def add(self, events, cursor=None):
        if self.down:
            self.failed += 1
            raise StoreError("the store can't do it", "", "")
        return self.store.add(events, cursor)


def test_a_store_that_is_away_for_a_while_loses_nothing(place, monkeypatch):
    monkeypatch.setattr("fivefifty.follow.FIRST_WAIT", 0.02)
    monkeypatch.setattr("fivefifty.follow.LONGEST_WAIT", 0.05)
    store, stop = Down(place.store), threading.Event()
    follower = Follower(Told(store, Setting(NOW), tell=place.told.append), [{"kind": "postfix", "path": str(place.log), "every": 0.02}])
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    try:
        place.append(mails(0, 10))
        until(lambda: place.counts() == expected(10))
        store.down = True
        place.append(mails(10, 10))
        until(lambda: store.failed >= 2)
        place.append(mails(20, 10))
        store.down = False
        until(lambda: place.counts() == expected(30))
    finally:
        stop.set()
        thread.join()
    assert place.counts() == expected(30)
    assert any("tried again" in one for one in place.told)


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def started(*args):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "FIVEFIFTY_SETTINGS": os.devnull}
    return subprocess.Popen([sys.executable, "-m", "fivefifty", *args], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_killed_at_any_time_it_ends_with_the_same_counts(tmp_path):
    log, where, rng, written = tmp_path / "mail.log", str(tmp_path / "s.db"), random.Random(5), 0
    log.touch()
    for turn in range(4):
        process = started("follow", "postfix", str(log), "--store", where, "--every", "0.05")
        deadline = time.monotonic() + 0.7 + rng.random() * 0.8
        while time.monotonic() < deadline:
            with open(log, "ab") as file:
                file.write(mails(written, 50))
            written += 50
            time.sleep(0.01)
            if turn == 2 and log.stat().st_size and not (tmp_path / "mail.log.1").exists():
                log.rename(tmp_path / "mail.log.1")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    process = started("follow", "postfix", str(log), "--store", where, "--once")
    assert process.wait(60) == 0, process.communicate()
    process.communicate()
    store = open_store(where)
    assert counted(store) == expected(written)
    store.close()


def test_sigterm_ends_it_after_the_batch_at_hand(tmp_path):
    log, where = tmp_path / "mail.log", str(tmp_path / "s.db")
    log.write_bytes(mails(0, 1000))
    process = started("follow", "postfix", str(log), "--store", where, "--every", "0.05")
    line = process.stderr.readline()
    assert b"following 1 source" in line
    time.sleep(0.2)
    process.terminate()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and b"kept in" in out
    assert json.loads(open_store(where).cursor(f"follow postfix {log}"))["place"]["offset"] in (0, log.stat().st_size)


class Rotating:
    """A log whose writer and rotation do what they do in the world, in any order."""

    def __init__(self, place, rng):
        self.place, self.rng, self.written, self.waiting = place, rng, 0, b""
        self.names = [place.log.with_name(f"mail.log.{n}") for n in range(1, 8)]

    def write(self):
        count = self.rng.randint(1, 30)
        self.waiting += mails(self.written, count)
        self.written += count
        cut = self.rng.randint(0, len(self.waiting))
        self.put(self.waiting[:cut])
        self.waiting = self.waiting[cut:]

    def put(self, content):
        self.place.append(content)
        os.utime(self.place.log, (self.place.now, self.place.now))

    def shift(self):
        """mail.log.1 becomes mail.log.2.gz, and so on."""
        self.put(self.waiting)
        self.waiting = b""
        for older, newer in zip(reversed(self.names), [*reversed(self.names[:-1])], strict=False):
            for ending in ("", ".gz"):
                path = newer.with_name(newer.name + ending)
                if path.exists():
                    content, stamp = path.read_bytes(), path.stat().st_mtime
                    target = older.with_name(older.name + ".gz")
                    target.write_bytes(content if ending else gzip.compress(content))
                    os.utime(target, (stamp, stamp))
                    path.unlink()

    def rename(self):
        if self.place.log.exists():
            self.shift()
            self.place.log.rename(self.names[0])
            if self.rng.random() < 0.5:
                self.place.log.touch()

    def copy(self):
        if self.place.log.exists():
            self.shift()
            self.names[0].write_bytes(self.place.log.read_bytes())
            os.utime(self.names[0], (self.place.now, self.place.now))
            os.truncate(self.place.log, 0)

    def look(self):
        self.place.step(self.rng.choice((0.5, 3, 10)))

    def killed(self):
        for source in self.place.follower.sources:
            source._close()
        self.place.start()

    def ended(self):
        for source in self.place.follower.sources:
            source.finish()
        self.place.start()


@pytest.mark.parametrize("seed", range(15))
def test_any_order_of_writing_rotation_and_restarts_counts_each_line_once(place, seed):
    rng = random.Random(seed)
    log = Rotating(place, rng)
    log.put(b"")
    log.look()
    rotations = 0
    for _ in range(60):
        name = rng.choices(("write", "look", "rename", "copy", "killed", "ended"), (8, 6, 1, 1, 1, 1))[0]
        if name in ("rename", "copy"):
            rotations += 1
            if rotations > 6:
                continue
        getattr(log, name)()
        place.now += 1
    log.put(log.waiting)
    place.step(10)
    place.step(10)
    assert place.counts() == expected(log.written), place.told
    assert place.told == []


@pytest.mark.parametrize(("kind", "name"), [("postfix", "mial.log"), ("postfix", "mial*.log"), ("mail", "bounces")])
def test_a_mistyped_path_is_told(tmp_path, kind, name):
    from click.testing import CliRunner

    from fivefifty.cli import main

    told = CliRunner().invoke(main, ["follow", kind, str(tmp_path / name), "--once", "--store", str(tmp_path / "store.db")])
    assert told.exit_code == 3 and "no such file or directory" in told.stderr.lower() and name in told.stderr
