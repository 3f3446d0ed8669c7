"""`fivefifty cases` and `fivefifty watch --once` as a person calls them."""
from __future__ import annotations

import json
import socketserver
import threading
import time
from email import message_from_bytes

import pytest
from click.testing import CliRunner

from fivefifty.cli import main
from fivefifty.errors import InputError
from fivefifty.model import Event
from fivefifty.plan import cases
from fivefifty.plan.alert import Alarm
from fivefifty.store import open_store
from fivefifty.watch.desk import keep
from fivefifty.watch.outbox import Channel, by_apprise


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FIVEFIFTY_SETTINGS", raising=False)
    monkeypatch.delenv("FIVEFIFTY_KEY_ALERTS", raising=False)
    return str(tmp_path / "store.db")


def call(*words: str):
    return CliRunner().invoke(main, [*words])


def opened(path: str) -> None:
    store = open_store(path)
    keep(store, cases.opened(Alarm("address", "example.org to all", "warning", "Bad \x1b[31m\r\nBcc: x addresses", ("28 of 100 mails",), "Your list", ("Look",), 1.0), 1, time.time()))
    store.close()


def test_a_case_from_open_to_closed(path):
    assert call("cases", "--store", path).exit_code == 2, "a mistyped path is not good news"
    open_store(path).close()
    assert call("cases", "--store", path).output == "No case is open.\n"
    opened(path)
    told = call("cases", "--store", path)
    assert told.exit_code == 1 and "\x1b" not in told.output and "open" in told.output and len(told.output.splitlines()) == 1
    assert call("cases", "ack", "1", "--by", "jane", "--store", path).exit_code == 0
    assert call("cases", "fix", "1", "--note", "removed it", "--by", "jane", "--store", path).exit_code == 0
    shown = call("cases", "show", "1", "--store", path).output
    assert "person jane" in shown and "removed it" in shown and "28 of 100 mails" in shown and "fixed" in shown
    again = call("cases", "ack", "1", "--store", path)
    assert again.exit_code == 2 and "can't become acknowledged" in again.output
    assert call("cases", "close", "1", "--store", path).exit_code == 0
    assert call("cases", "--store", path).exit_code == 0
    assert json.loads(call("cases", "--all", "--json", "--store", path).output)[0]["state"] == "closed"


def test_a_case_that_is_not_there(path):
    assert call("cases", "show", "7", "--store", path).exit_code == 2
    assert call("cases", "fix", "--store", path).exit_code == 2


def test_one_dry_round(path):
    store = open_store(path)
    store.add([Event("bounce", "postfix", time.time() - 60, f"{n}@example.net", message_id=f"m{n}", author_domain="example.org", provider="gmail", cause="address.unknown", owner="address") for n in range(80)])
    store.close()
    told = call("watch", "--once", "--dry-run", "--no-live", "--store", path)
    assert told.exit_code == 0 and "would tell: [case 1] Addresses that do not exist" in told.stderr
    assert call("cases", "--store", path).output == "No case is open.\n"
    assert call("watch", "--once", "--no-live", "--store", path).exit_code == 0
    assert "Addresses that do not exist" in call("cases", "--store", path).output


class Inbox(socketserver.StreamRequestHandler):
    """A mail server that takes everything."""

    got: list[bytes] = []

    def handle(self) -> None:
        self.wfile.write(b"220 mx.example.org\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    mail += line
                Inbox.got.append(mail)
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


def test_a_mail_by_apprise_to_a_real_server():
    pytest.importorskip("apprise")
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Inbox)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = "mailto://127.0.0.1:{}/?from=watch@example.org&to=ops@example.org&mode=insecure"
        assert by_apprise(Channel("ops", url.format(server.server_address[1])), "[case 1] title", "body \u2026", "warning")
        assert not by_apprise(Channel("ops", url.format(_free_port())), "title", "body", "warning")
    finally:
        server.shutdown()
        server.server_close()
    mail = message_from_bytes(Inbox.got[0])
    assert "[case 1] title" in str(mail["Subject"]) and "ops@example.org" in str(mail["To"])


def test_a_url_that_is_none_is_told_without_itself():
    pytest.importorskip("apprise")
    with pytest.raises(InputError) as told:
        by_apprise(Channel("ops", "nosuch://geheim@example.org"), "title", "body", "warning")
    assert "geheim" not in str(told.value)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
