"""The watch: rounds over a real store with made-up clocks, a recorded World, and a real process with a real receiver."""
from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fivefifty.errors import InputError
from fivefifty.model import Event
from fivefifty.settings import Settings
from fivefifty.store import open_store
from fivefifty.watch.desk import all_cases, keep
from fivefifty.watch.lock import only_one
from fivefifty.watch.loop import Surroundings, Watch
from fivefifty.watch.outbox import Channel, Outbox, channels
from fivefifty.world.recorded import RecordedWorld

START = 20_500 * 86_400.0
KEYS = {"alerts": "json://127.0.0.1:1/"}


class Clock:
    """A wall clock and the time that passed; both move only when told."""

    def __init__(self) -> None:
        self.wall, self.gone = START, 100.0

    def go(self, seconds: float, *, wall: float | None = None) -> None:
        self.gone += seconds
        self.wall += seconds if wall is None else wall


class Post:
    """A channel that can be away."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.away = False

    def __call__(self, channel: Channel, title: str, body: str, severity: str) -> bool:
        if not self.away:
            self.got.append((title, body))
        return not self.away


def mails(kind: str, number: int, at: float, name: str = "", **more: object) -> list[Event]:
    values = {"provider": "gmail", "author_domain": "example.org", "recipient_domain": "example.net", **more}
    if kind == "bounce":
        values = {"cause": "address.unknown", "owner": "address", "template": "550 5.1.1 no such user", **values}
    return [Event(kind, "postfix", at, f"{name}{n}@example.net", message_id=f"{name}{kind}{at}{n}", **values) for n in range(number)]


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


def watch_on(store, clock, post, settings=None, world=None, **more):
    lines: list[str] = []

    @asynccontextmanager
    async def worlds(_):
        yield world

    around = Surroundings(lines.append, lambda: clock.wall, lambda: clock.gone, worlds, post, **more)
    made = Watch(store, settings or Settings(keys=KEYS), around)
    made.lines = lines
    return made


def test_a_bad_import_is_told_once_and_its_end_once(store):
    clock, post = Clock(), Post()
    store.add(mails("delivery", 500, START) + mails("bounce", 3, START))
    watch = watch_on(store, clock, post)
    watch.round()
    assert post.got == []
    store.add(mails("bounce", 200, START, "bad"))
    for _ in range(5):
        clock.go(300)
        watch.round()
    assert len(post.got) == 1
    title, body = post.got[0]
    assert title.startswith("[case 1] ") and "above 5 % (certain)" in title
    assert "203 of 703" in body and "address.unknown" in body and "no such user" in body and "fivefifty cases ack 1" in body
    clock.go(7200)
    store.add(mails("delivery", 40, clock.wall))
    watch.round()
    assert len(post.got) == 1, "40 good mails prove nothing yet"
    store.add(mails("delivery", 400, clock.wall, "good"))
    for _ in range(5):
        clock.go(300)
        watch.round()
    assert len(post.got) == 2 and post.got[1][0].startswith("[case 1] over: ") and "0 of 440" in post.got[1][1]
    assert all_cases(store)[1]["state"] == "verified"


def test_silence_is_no_recovery(store):
    clock, post = Clock(), Post()
    store.add(mails("bounce", 100, START))
    watch = watch_on(store, clock, post)
    for _ in range(40):
        watch.round()
        clock.go(86_400)
    assert len(post.got) == 1 and all_cases(store)[1]["state"] == "open"


def test_what_a_person_calls_fixed_is_proved_or_contradicted_by_mail(store):
    from fivefifty.plan import cases

    clock, post = Clock(), Post()
    store.add(mails("bounce", 100, START))
    watch = watch_on(store, clock, post)
    watch.round()
    keep(store, cases.moved(all_cases(store)[1], "fixed", clock.wall, "person jane", "removed the import"))
    watch.round()
    assert all_cases(store)[1]["state"] == "fixed", "old mail contradicts nothing"
    clock.go(7200)
    store.add(mails("bounce", 100, clock.wall, "more"))
    watch.round()
    assert all_cases(store)[1]["state"] == "open" and post.got[-1][0].startswith("[case 1] not fixed: ")


def test_a_restart_tells_nothing_anew(store):
    clock, post = Clock(), Post()
    store.add(mails("bounce", 100, START))
    watch_on(store, clock, post).round()
    clock.go(300)
    watch_on(store, clock, post).round()
    assert len(post.got) == 1


def test_notes_wait_for_a_channel_that_is_away_and_survive_a_restart(store):
    clock, post = Clock(), Post()
    post.away = True
    store.add(mails("bounce", 100, START))
    watch_on(store, clock, post).round()
    assert len(list(store.documents("outbox"))) == 1
    post.away = False
    watch = watch_on(store, clock, post)
    watch.round()
    assert post.got == [], "it waits half a minute before the second try"
    clock.go(31)
    watch.round()
    assert len(post.got) == 1 and [note for _, note in store.documents("outbox") if "sent" not in note] == []


def test_a_crash_between_note_and_case_tells_once(store, monkeypatch):
    from fivefifty.watch import desk

    clock, post = Clock(), Post()
    store.add(mails("bounce", 100, START))

    def dies(*_):
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(desk, "keep", dies)
        watch_on(store, clock, post).round()
    assert len(post.got) == 1 and all_cases(store) == {}
    clock.go(300)
    watch_on(store, clock, post).round()
    assert len(post.got) == 1 and all_cases(store)[1]["state"] == "open"


def test_quiet_hours_make_one_digest_and_critical_notes_break_through(store):
    clock, post = Clock(), Post()  # START is midnight UTC
    settings = Settings(keys=KEYS, alerts={"quiet": "22:00-07:00"})
    outbox = Outbox(store, channels(settings), post)
    for number in range(3):
        outbox.put(f"{number}", f"note {number}", "text", "warning", clock.wall)
    outbox.put("9", "urgent", "text", "critical", clock.wall)
    outbox.deliver(clock.wall)
    assert [title for title, _ in post.got] == ["urgent"]
    outbox.deliver(clock.wall + 6.9 * 3600)
    assert len(post.got) == 1
    outbox.deliver(clock.wall + 7.1 * 3600)
    assert len(post.got) == 2 and post.got[1][0] == "fivefifty: 3 notes from the quiet hours" and "note 2" in post.got[1][1]


def test_a_dry_run_changes_nothing(store):
    clock, post = Clock(), Post()
    store.add(mails("bounce", 100, START))
    watch = watch_on(store, clock, post, Settings(), dry_run=True)
    watch.round()
    watch.round()
    assert [line for line in watch.lines if line.startswith("would tell: [case 1]")] == [watch.lines[0]] and post.got == []
    assert all_cases(store) == {} and list(store.documents("outbox")) == [] and store.get("memory", "feeds") is None


def test_a_clock_that_jumps_raises_no_alarm(store):
    clock, post = Clock(), Post()
    for day in range(12):
        for hour in range(0, 24, 3):
            store.add(mails("bounce", 1, START - 86_400 * day - hour * 3600, f"{day}.{hour}") + mails("delivery", 60, START - 86_400 * day - hour * 3600))
    watch = watch_on(store, clock, post)
    watch.round()
    clock.go(300, wall=5 * 86_400)
    watch.round()
    assert post.got == [] and any("clock was moved" in line for line in watch.lines)


def test_a_silent_feed_is_an_alarm_and_ends_when_it_speaks(store):
    clock, post = Clock(), Post()
    for day in range(12):
        for hour in range(0, 24, 3):
            store.add(mails("bounce", 1, START - 86_400 * day - hour * 3600, f"{day}.{hour}") + mails("delivery", 60, START - 86_400 * day - hour * 3600))
    watch = watch_on(store, clock, post)
    watch.round()
    clock.go(8 * 3600)
    watch.round()
    assert post.got == [], "a pause of 8 hours is less than three times the usual one"
    clock.go(4 * 3600)
    watch.round()
    assert [title for title, _ in post.got] == ["[case 1] Nothing from postfix for 12 hours"]
    store.add(mails("bounce", 1, clock.wall, "back"))
    clock.go(4 * 3600)
    watch.round()
    assert post.got[1][0].startswith("[case 1] over: ")


ZONE = {"example.org": {"MX": [(10, "mx.example.org")], "TXT": ["v=spf1 -all", "other"]}, "_dmarc.example.org": {"TXT": ["v=DMARC1; p=none"]}, "mx.example.org": {"A": ["192.0.2.1"]}}


def test_dns_changes_are_told_after_two_looks_and_a_timeout_is_none(store):
    clock, post = Clock(), Post()
    settings = Settings(keys=KEYS, own_domains=("example.org",), watch={"live_every": 60})

    def look(zone):
        clock.go(3600)
        watch_on(store, clock, post, settings, RecordedWorld(zone)).round()

    look(ZONE)
    look({**ZONE, "_dmarc.example.org": {"TXT": "TIMEOUT"}})
    look({**ZONE, "_dmarc.example.org": {"TXT": "TIMEOUT"}})
    assert post.got == []
    gone = {**ZONE, "_dmarc.example.org": {}}
    look(gone)
    assert post.got == [], "seen once it may be a slip"
    look(gone)
    look(gone)
    assert [title for title, _ in post.got] == ["[case 1] DMARC record _dmarc.example.org is gone"] and "was: v=DMARC1; p=none" in post.got[0][1]
    look(ZONE)
    look(ZONE)
    assert post.got[-1][0].startswith("[case 1] over: ") and len(post.got) == 2


def test_a_store_that_is_away_ends_nothing(store):
    clock, post = Clock(), Post()
    watch = watch_on(store, clock, post)

    class Away:
        def __getattr__(self, name):
            raise OSError("secret://password")

    watch.counts.store = Away()
    assert watch.round() == 1
    assert any(line.startswith("rates: OSError") for line in watch.lines) and not any("secret" in line for line in watch.lines)


def test_what_a_dead_process_left_out_is_suppressed(store):
    """Kept, but never looked at, as after a kill between the two."""
    clock, post = Clock(), Post()
    store.add([*mails("bounce", 1, START, "left", suppress=True, trust="own", text="550 no"), *mails("delivery", 50, START)])
    watch_on(store, clock, post).round()
    assert [key for key, _ in store.documents("suppression")] == ["left0@example.net"]


def test_only_one_watch_of_a_store(tmp_path):
    with only_one(str(tmp_path)), pytest.raises(InputError), only_one(str(tmp_path)):
        pass
    with only_one(str(tmp_path)):
        pass


def test_channels_never_show_their_urls():
    found = channels(Settings(keys={"alerts": "json://user:geheim@example.org/a  json://example.org/b", "alerts_ops": "mailto://geheim@example.org"}, alerts={"channels": {"ops": {"least": "critical"}}}))
    assert [one.name for one in found] == ["default 1", "default 2", "ops"] and "geheim" not in repr(found)
    with pytest.raises(InputError, match="no URLs"):
        channels(Settings(alerts={"channels": {"ops": {}}}))


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what Apprise posts; the first try is refused."""

    got: list[dict] = []
    refused = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if Receiver.refused == 0:
            Receiver.refused = 1
            self.send_response(503)
        else:
            Receiver.got.append(json.loads(body))
            self.send_response(200)
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


def test_a_real_process_tells_a_real_receiver_and_ends_on_sigterm(tmp_path):
    pytest.importorskip("apprise")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = str(tmp_path / "store.db")
    store = open_store(path)
    store.add(mails("bounce", 100, time.time() - 60))
    env = {**os.environ, "FIVEFIFTY_KEY_ALERTS": f"json://u:geheim@127.0.0.1:{server.server_port}/", "PYTHONPATH": str(Path(__file__).parent.parent / "src"), "FIVEFIFTY_SETTINGS": "",
           "XDG_CONFIG_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "fivefifty", "watch", "--store", path, "--interval", "1", "--no-live"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _until(lambda: any(note.get("tries") for _, note in store.documents("outbox")))
        second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
        assert second.returncode == 2 and "runs on this store already" in second.stderr
        for key, note in list(store.documents("outbox")):
            store.put("outbox", key, {**note, "due": 0.0} if "sent" not in note else note)  # the wait is tested with a made-up clock
        _until(lambda: Receiver.got)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
        server.shutdown()
        server.server_close()
        store.close()
    assert process.returncode == 0, told
    assert len(Receiver.got) == 1 and Receiver.got[0]["title"].startswith("[case 1] ")
    assert "geheim" not in told and "took no note" in told


def _until(ready) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)


def test_a_part_that_fails_is_told_once_and_when_it_works_again(store, monkeypatch):
    from fivefifty.errors import StoreError

    clock = Clock()
    watch = watch_on(store, clock, Post())
    away = [True]

    def tallies(now: float):
        if away:
            raise StoreError("the database does not answer", "postgresql://u:***@db/name")
        return {}

    monkeypatch.setattr(watch.counts, "tallies", tallies)
    for _ in range(4):
        watch.round()
        clock.go(300)
    away.clear()
    watch.round()
    told = [line for line in watch.lines if line.startswith("rates: ")]
    assert told == ["rates: the database does not answer (postgresql://u:***@db/name)", "rates: it works again."]


def test_a_clock_far_ahead_with_mail_that_follows_it_empties_no_store(store):
    clock = Clock()
    watch = watch_on(store, clock, Post())
    store.add(mails("delivery", 5, START - 100 * 86_400) + mails("delivery", 5, START))
    watch.round()
    clock.go(86_400 * 1.1, wall=2 * 365 * 86_400)  # the mail log tells the same wrong time
    store.add(mails("delivery", 5, clock.wall, "ahead"))
    watch.round()
    clock.go(86_400 * 1.1)
    watch.round()
    assert sum(row.count for row in store.grouped(())) == 15
    clock.go(86_400 * 1.1, wall=-2 * 365 * 86_400)
    assert store.add(mails("delivery", 5, clock.wall, "back")).too_old == 0


def test_a_shorter_time_of_keeping_counts_at_once(store):
    clock = Clock()
    store.add(mails("delivery", 5, START - 100 * 86_400) + mails("delivery", 5, START))
    watch_on(store, clock, Post()).round()
    watch_on(store, clock, Post(), Settings(keys=KEYS, keep_days=30)).round()
    assert sum(row.count for row in store.grouped(())) == 5
