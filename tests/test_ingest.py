"""From files to the store: every packing, every fault, nothing lost and nothing twice."""
from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_follow_logs import NOW, counted, expected, mails, started
from test_follow_mail import bounces, dsn

from fivefifty.cli.ingest import command
from fivefifty.errors import InputError
from fivefifty.feeds import Reject, Setting
from fivefifty.ingest import Intake, Plan
from fivefifty.model import Event
from fivefifty.sources import lines, tail
from fivefifty.store import open_store


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


def take(store, kind, *paths, rejects="", dry_run=False, after=None, **setting):
    return Intake(store, after=after).take(Plan(kind, tuple(map(str, paths)), Setting(NOW, **setting), str(rejects), dry_run))


def ingest(tmp_path, *args, **more):
    return CliRunner().invoke(command, [*map(str, args), "--store", str(tmp_path / "store.db"), "--settings", os.devnull], **more)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, lambda content: zipped(log=content), lambda content: gzip.compress(content[:5000]) + gzip.compress(content[5000:])])
def test_a_log_in_any_packing(store, tmp_path, pack):
    (tmp_path / "log").write_bytes(pack(mails(0, 40)[:-1]))  # the last line has no line end
    outcome = take(store, "postfix", tmp_path / "log")
    assert counted(store) == expected(40) and not outcome.unread
    again = take(store, "auto", tmp_path / "log")
    assert (again.new, again.duplicates) == (0, 40) and counted(store) == expected(40)


@pytest.mark.parametrize(("content", "said"), [
    (b"\x28\xb5\x2f\xfdxxxx", "unzstd"), (b"7z\xbc\xaf\x27\x1c", "Unpack it"), (zipped(a="x", b="y"), "2 files"), (b"PK\x03\x04garbage", "can't be opened"), (gzip.compress(mails(0, 5000))[:-3000], "cut off"),
])
def test_what_can_not_be_unpacked_is_told_and_the_rest_goes_on(store, tmp_path, content, said):
    (tmp_path / "1").write_bytes(content)
    (tmp_path / "2").write_bytes(mails(9000, 10))
    outcome = take(store, "postfix", tmp_path / "1", tmp_path / "2", tmp_path / "missing")
    assert said in f"{outcome.unread[0].what} {outcome.unread[0].hint}" and len(outcome.unread) == 2
    assert outcome.new >= 10


def test_a_packed_log_comes_through_a_pipe(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "src"), "FIVEFIFTY_SETTINGS": os.devnull}
    done = subprocess.run([sys.executable, "-m", "fivefifty", "ingest", "postfix", "-", "--store", str(tmp_path / "s.db"), "--json"], input=gzip.compress(mails(0, 20)), env=environment, capture_output=True)
    assert done.returncode == 0 and json.loads(done.stdout)["new"] == 20, done.stderr


def test_a_packed_log_of_any_size_takes_the_same_memory(tmp_path, monkeypatch):
    """It packs better than any bomb limit would let pass, and no block is larger than it has to be."""
    (tmp_path / "log.gz").write_bytes(gzip.compress((b"x" * 200 + b"\n") * 200_000))
    largest = seen = 0
    for block in lines.blocks(str(tmp_path / "log.gz")):
        largest, seen = max(largest, sum(map(len, block.lines))), seen + len(block.lines)
    assert seen == 200_000 and largest <= lines.BLOCK


def test_a_line_without_end_is_cut(tmp_path):
    (tmp_path / "log").write_bytes(b"a\n" + b"y" * (5 * lines.LONGEST) + b"\nb\r\nc")
    found = [line for block in lines.blocks(str(tmp_path / "log")) for line in block.lines]
    assert found[0] == b"a" and found[2:] == [b"b", b"c"] and len(found[1]) <= 2 * lines.LONGEST


def test_rotated_files_are_read_oldest_first():
    given = ["b/mail.log", "b/mail.log.1", "b/mail.log.10.gz", "b/mail.log.2.gz", "x-20261102", "x-20261101.gz", "x"]
    assert list(tail.in_time_order(given)) == ["b/mail.log.10.gz", "b/mail.log.2.gz", "b/mail.log.1", "b/mail.log", "x-20261101.gz", "x-20261102", "x"]


def test_what_one_rotated_file_begins_the_next_one_ends(store, tmp_path):
    whole = mails(0, 1).splitlines(keepends=True)
    (tmp_path / "mail.log.1").write_bytes(b"".join(whole[:2]))
    (tmp_path / "mail.log").write_bytes(b"".join(whole[2:]))
    take(store, "postfix", tmp_path / "mail.log", tmp_path / "mail.log.1")
    assert next(store.failures()).message_id == "0@sender.example"
    assert take(store, "postfix", tmp_path / "mail.log").duplicates == 1, "without the line that tells its Message-ID it is the same bounce"


def test_out_of_order_and_overlapping_files_count_once(store, tmp_path):
    whole = mails(0, 60).splitlines(keepends=True)
    for name, part in (("c", whole[100:]), ("a", whole[:160]), ("b", whole[60:200])):
        (tmp_path / name).write_bytes(b"".join(part))
    for name in "cab":
        take(store, "postfix", tmp_path / name)
    assert counted(store)[1] == expected(60)[1]


def test_rejects_are_kept_whole_once_and_told(tmp_path):
    (tmp_path / "log").write_bytes(mails(0, 5) + mails(5, 1).replace(b"status=bounced", b"status=vanished") + mails(6, 4))
    told = [ingest(tmp_path, "postfix", tmp_path / "log", "--rejects", tmp_path / "aside") for _ in range(2)]
    assert told[0].exit_code == 3 and "1 could not be read" in told[0].output and "vanished" in told[0].output and "aside" in told[0].output
    kept = sorted((tmp_path / "aside").iterdir())
    assert len(kept) == 2 and b"status=vanished" in kept[0].read_bytes()
    assert "vanished" in json.loads(kept[1].read_text())["reason"] and (tmp_path / "aside").stat().st_mode & 0o077 == 0
    plain = ingest(tmp_path, "postfix", tmp_path / "log")
    assert "--rejects" in plain.output


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_no_room_for_rejects_is_told_and_the_events_go_on(store, tmp_path, monkeypatch):
    def full(path, content):
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    told = [Reject("log:1", "odd", b"x"), Event("delivery", "postfix", NOW, "a@rcpt.example", queue_id="A"), Reject("log:2", "odd", b"y")]
    intake = Intake(store)
    intake.plan = Plan("postfix", (), Setting(NOW), str(tmp_path / "aside"))
    intake.collect(told)
    intake.flush()
    assert (intake.outcome.new, intake.outcome.rejected, intake.outcome.lost) == (1, 2, 2)
    assert [one.what for one in intake.outcome.unread] == ["What could not be read could not be put aside either: no space left on device."]
    assert not list((tmp_path / "aside").iterdir())


def test_times_that_can_not_be_are_rejected(store):
    intake = Intake(store)
    intake.plan = Plan("postfix", (), Setting(NOW))
    intake.collect([Event("delivery", "postfix", time, "a@rcpt.example", queue_id=str(time)) for time in (NOW + 10 * 86_400, -5.0, NOW)])
    assert (intake.pending, intake.outcome.rejected) == (1, 2)


def test_a_dry_run_keeps_nothing(tmp_path):
    (tmp_path / "log").write_bytes(mails(0, 10))
    told = ingest(tmp_path, "postfix", tmp_path / "log", "--dry-run", "--rejects", tmp_path / "aside")
    assert told.exit_code == 0 and "10 events read" in told.output and not (tmp_path / "store.db").exists() and not (tmp_path / "aside").exists()


def test_wrong_use(tmp_path):
    assert ingest(tmp_path).exit_code == 2
    assert ingest(tmp_path, "postfix").exit_code == 2
    with pytest.raises(InputError, match="no kind of events called 'postfixx'"):
        take(None, "postfixx", tmp_path)
    assert "postfix" in CliRunner().invoke(command, ["--kinds"]).output


def test_each_file_of_a_directory_is_recognized(store, tmp_path):
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    (tmp_path / "in" / "mail.log").write_bytes(mails(0, 10))
    (tmp_path / "in" / "deeper" / "bounce.eml").write_bytes(dsn(77))
    (tmp_path / "in" / "note").write_bytes(b"\x00\x01\x02" * 50)
    outcome = take(store, "auto", tmp_path / "in", own_domains=frozenset(("sender.example",)))
    assert outcome.feeds == {"postfix": 10, "mail": 1}
    assert [os.path.basename(error.context) for error in outcome.unread] == ["note"]


def test_mails_of_maildir_mbox_and_gzip(store, tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "dir" / name).mkdir(parents=True)
    (tmp_path / "dir" / "new" / "1").write_bytes(dsn(1))
    box = b"".join(b"From MAILER-DAEMON Mon Nov  2 10:00:00 2026\n" + dsn(n).replace(b"\r", b"") + b"\n" for n in (2, 3))
    (tmp_path / "box").write_bytes(box)
    (tmp_path / "box.gz").write_bytes(gzip.compress(box))
    (tmp_path / "one.eml.gz").write_bytes(gzip.compress(dsn(4)))
    outcome = take(store, "mail", *(tmp_path / name for name in ("dir", "box", "box.gz", "one.eml.gz")))
    assert bounces(store) == [f"u{n}@rcpt.example" for n in (1, 2, 3, 4)] and outcome.duplicates == 2 and not outcome.unread


def test_a_bounce_of_a_mail_that_the_log_knows_is_matched(store, tmp_path):
    known = mails(7, 1).replace(b"status=sent (250 2.0.0 ok)", b"status=deferred (host mx.rcpt.example[192.0.2.25] said: 451 4.3.0 later)").replace(b"dsn=2.0.0", b"dsn=4.3.0")
    (tmp_path / "log").write_bytes(known)
    (tmp_path / "mails").mkdir()
    for n in (7, 8):
        (tmp_path / "mails" / f"{n}.eml").write_bytes(dsn(n))
    take(store, "postfix", tmp_path / "log")
    take(store, "mail", tmp_path / "mails")
    found = {event.recipient: (event.trust, event.suppress) for event in store.failures() if event.source == "mail"}
    assert found == {"u7@rcpt.example": ("matched", True), "u8@rcpt.example": ("unverified", False)}


def test_who_looks_at_what_was_kept_sees_it_before_the_cursor_moves(store):
    seen = []
    intake = Intake(store, after=lambda events: seen.append((len(events), store.cursor("k"))))
    intake.plan = Plan("postfix", (), Setting(NOW))
    intake.collect([Event("delivery", "postfix", NOW, "a@rcpt.example", queue_id="A")])
    intake.flush(("k", "1"))
    assert seen == [(1, "")] and store.cursor("k") == "1"


def test_killed_at_any_time_a_second_run_ends_with_the_same_counts(tmp_path):
    (tmp_path / "mail.log.1").write_bytes(mails(0, 20_000))
    (tmp_path / "mail.log").write_bytes(mails(20_000, 20_000))
    args = ("ingest", "postfix", str(tmp_path / "mail.log"), str(tmp_path / "mail.log.1"), "--store", str(tmp_path / "s.db"))
    rng, killed = random.Random(3), 0
    for _ in range(3):
        process = started(*args)
        time.sleep(0.5 + rng.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    process = started(*args)
    process.communicate(timeout=100)
    store = open_store(str(tmp_path / "s.db"))
    assert killed and process.returncode == 0 and counted(store) == expected(40_000)
    store.close()


def test_an_input_of_another_kind_is_told(tmp_path):
    from click.testing import CliRunner

    from fivefifty.cli import main

    log, empty, other = tmp_path / "mail.log", tmp_path / "empty.log", tmp_path / "other.bin"
    log.write_text("Nov  2 10:00:00 mx postfix/smtp[1]: 4bQz1: to=<a@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)\n" * 3)
    empty.write_text("")
    other.write_bytes(bytes(range(256)) * 50)

    def take(*words: object):
        return CliRunner().invoke(main, ["ingest", *map(str, words), "--store", str(tmp_path / "store.db")])

    wrong = take("exim", log)
    assert wrong.exit_code == 3 and "nothing of the kind exim" in wrong.output and f"fivefifty ingest postfix {log}" in wrong.output
    assert take("postfix", other).exit_code == 3 and take("postfix", empty).exit_code == 0 and take("postfix", log).exit_code == 0
    missing = take(tmp_path / "mial.log")
    assert missing.exit_code == 2 and "no file and no kind" in missing.output


def test_what_nobody_vouches_for_is_told(tmp_path):
    from click.testing import CliRunner

    from fivefifty.cli import main

    file = tmp_path / "events.json"
    file.write_text('[{"email":"x@example.net","event":"bounce","type":"bounce","reason":"550 5.1.1 user unknown","timestamp":1795480000,"sg_event_id":"a1"}]')
    plain, vouched = (CliRunner().invoke(main, ["ingest", "sendgrid", str(file), *more, "--store", str(tmp_path / "store.db")]).output for more in ((), ("--trust",)))
    assert "1 of them nobody vouches for" in plain and "--trust" in plain and "nobody vouches for" not in vouched
