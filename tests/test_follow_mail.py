"""Following mailboxes and directories: each mail once, deleted only after it was kept."""
from __future__ import annotations

import os
import threading
import time

import pytest
from imap_server import PASSWORD, ImapServer

from fivefifty.errors import InputError, StoreError
from fivefifty.feeds import Setting
from fivefifty.follow import Follower, Told
from fivefifty.sources.imap import Address, _quoted
from fivefifty.store import Period, open_store

NOW = 1_793_620_000.0


def dsn(n):
    return f"""From: MAILER-DAEMON@mx1.sender.example
To: <news@sender.example>
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Nov 2026 10:{n // 60 % 60:02}:{n % 60:02} +0000
Message-ID: <dsn{n}@mx1.sender.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<u{n}@rcpt.example>: host mx.rcpt.example[192.0.2.25] said: 550 5.1.1 user unknown

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.sender.example

Final-Recipient: rfc822; u{n}@rcpt.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.rcpt.example
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--b
Content-Type: text/rfc822-headers

From: news@sender.example
Message-ID: <{n}@sender.example>

--b--
""".replace("\n", "\r\n").encode()


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


@pytest.fixture
def told():
    return []


def follower(store, told, **entry):
    setting = Setting(NOW, own_domains=frozenset(("sender.example",)), keys={"imap": PASSWORD})
    return Follower(Told(store, setting, tell=told.append, clock=lambda: NOW), [{"kind": "mail", **entry}])


def address(server):
    return f"imap://news@127.0.0.1:{server.port}/INBOX"


def bounces(store):
    return sorted(event.recipient for event in store.failures(Period()))


def those(*numbers):
    return sorted(f"u{n}@rcpt.example" for n in numbers)


def test_a_mailbox_is_read_once_and_nothing_is_marked(store, told):
    with ImapServer([dsn(n) for n in range(5)]) as server:
        assert follower(store, told, imap=address(server)).once() == []
        server.put(dsn(5))
        again = follower(store, told, imap=address(server))
        again.once()
        assert bounces(store) == those(*range(6)) and server.fetched == 6
        assert again.sources[0].intake.outcome.read == 1
        assert any(one.startswith("EXAMINE") for one in server.said) and not any("STORE" in one or one.startswith("SELECT") for one in server.said)
    assert told == []


def test_a_connection_that_breaks_in_a_mail_goes_on_there(store, told):
    with ImapServer([dsn(n) for n in range(10)]) as server:
        server.break_after = 4
        assert len(follower(store, told, imap=address(server)).once()) == 1
        assert bounces(store) == those(0, 1, 2), "what came whole is kept"
        assert follower(store, told, imap=address(server)).once() == []
        assert bounces(store) == those(*range(10)) and server.fetched == 11


def test_a_new_uidvalidity_reads_anew_and_counts_nothing_twice(store, told):
    with ImapServer([dsn(n) for n in range(3)]) as server:
        follower(store, told, imap=address(server)).once()
        server.validity, server.mails, server.next = 8, {1: dsn(2), 2: dsn(3)}, 3
        follower(store, told, imap=address(server)).once()
    assert bounces(store) == those(0, 1, 2, 3)
    assert "UIDVALIDITY" in told[0]


@pytest.mark.parametrize("uidplus", [True, False])
def test_deleted_only_after_it_was_kept(store, told, uidplus):
    with ImapServer([dsn(n) for n in range(3)], uidplus=uidplus) as server:
        down = follower(Down(store), told, imap=address(server), delete=True)
        assert len(down.once()) == 1 and not server.deleted
        follower(store, told, imap=address(server), delete=True).once()
        assert server.deleted == {1, 2, 3} and bool(server.mails) is not uidplus
    assert bounces(store) == those(0, 1, 2)


class Down:
    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)

    def add(self, events, cursor=None):
        raise StoreError("the store can't do it")


def test_killed_between_keeping_and_deleting_it_deletes_later(store, told):
    with ImapServer([dsn(1)]) as server:
        one = follower(store, told, imap=address(server), delete=True)
        one.sources[0]._remove = lambda session: None  # as if the process ended here
        one.once()
        assert bounces(store) == those(1) and not server.deleted
        follower(store, told, imap=address(server), delete=True).once()
        assert server.deleted == {1}


def test_new_mail_is_told_by_idle(store, told):
    stop = threading.Event()
    with ImapServer([dsn(0)]) as server:
        one = follower(store, told, imap=address(server), every=30)
        thread = threading.Thread(target=one.run, args=(stop,))
        thread.start()
        try:
            until(lambda: server.idling)
            server.put(dsn(1))
            until(lambda: bounces(store) == those(0, 1))
        finally:
            stop.set()
            thread.join(10)
        assert not thread.is_alive()
    assert told == []


def test_a_wrong_password_is_told_without_it(store, told):
    with ImapServer() as server:
        setting = Setting(NOW, keys={"imap": "wrong horse"})
        faults = Follower(Told(store, setting, tell=told.append), [{"imap": address(server)}]).once()
    assert "wrong password" in str(faults[0]) and "wrong horse" not in str(faults[0])


def test_addresses_of_mailboxes():
    one = Address.of("imaps://news%40sender.example@mail.sender.example/Bounces/2026")
    assert (one.user, one.port, one.mailbox, one.secure) == ("news@sender.example", 993, "Bounces/2026", True)
    for wrong in ("https://a@b/", "imaps://mail.sender.example/INBOX", "imaps://a:secret@mail.sender.example/", "imap://[", "imap://a@b:99999/"):
        with pytest.raises(InputError) as found:
            Address.of(wrong)
        assert "secret" not in str(found.value)
    assert _quoted('Entwürfe & "x"') == '"Entw&APw-rfe &- \\"x\\""'


@pytest.fixture
def maildir(tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    return tmp_path / "Maildir"


def test_a_maildir_is_read_once_also_when_mails_are_moved(store, told, maildir):
    for n in range(3):
        (maildir / "new" / f"{n}.host").write_bytes(dsn(n))
    (maildir / "tmp" / "9.host").write_bytes(dsn(9))
    follower(store, told, maildir=str(maildir)).once()
    (maildir / "new" / "0.host").rename(maildir / "cur" / "0.host:2,S")
    (maildir / "new" / "3.host").write_bytes(dsn(3))
    again = follower(store, told, maildir=str(maildir))
    again.once()
    assert bounces(store) == those(0, 1, 2, 3) and again.sources[0].intake.outcome.read == 1
    assert len(list(maildir.glob("*/*"))) == 5


def test_a_maildir_is_emptied_only_of_what_was_kept(store, told, maildir):
    for n in range(3):
        (maildir / "new" / f"{n}.host").write_bytes(dsn(n))
    follower(Down(store), told, maildir=str(maildir), delete=True).once()
    assert len(list(maildir.glob("new/*"))) == 3
    follower(store, told, maildir=str(maildir), delete=True).once()
    assert bounces(store) == those(0, 1, 2) and not list(maildir.glob("new/*"))


def test_a_directory_of_documents(store, told, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "1.eml").write_bytes(dsn(1))
    (spool / "2.eml.tmp").write_bytes(dsn(2)[:300])
    (spool / ".3.eml").write_bytes(dsn(3))
    follower(store, told, path=str(spool)).once()
    (spool / "2.eml.tmp").write_bytes(dsn(2))
    (spool / "2.eml.tmp").rename(spool / "2.eml")
    follower(store, told, path=str(spool)).once()
    assert bounces(store) == those(1, 2)


def test_a_file_that_is_being_written_is_left_alone_for_a_moment(store, told, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "1.eml").write_bytes(dsn(1)[:200])
    os.utime(spool / "1.eml", (NOW - 0.5, NOW - 0.5))
    one = follower(store, told, path=str(spool))
    one.sources[0].step(patient=True)
    assert one.sources[0].intake.outcome.read == 0
    (spool / "1.eml").write_bytes(dsn(1))
    os.utime(spool / "1.eml", (NOW - 5, NOW - 5))
    one.sources[0].step(patient=True)
    assert bounces(store) == those(1)


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
