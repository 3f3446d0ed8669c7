"""Following a mailbox of a real server: Dovecot, where it is installed."""
from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from imap_server import PASSWORD
from test_follow_mail import bounces, dsn, follower, those, until

from fivefifty.store import open_store

DOVECOT = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = pytest.mark.skipif(not DOVECOT, reason="Dovecot is not installed: the IMAP reader is tested against tests/imap_server.py only")

SETTINGS = """
base_dir = {base}
state_dir = {base}/state
log_path = {base}.log
protocols = imap
ssl = no
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{mail}
passdb {{
  driver = static
  args = password=correct-horse
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mail}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        import grp

        self.mail = folder / "mail"
        self.mail.mkdir()
        os.chown(self.mail, user.pw_uid, user.pw_gid)
        for parent in (folder, *folder.parents):
            if parent.stat().st_uid == os.getuid() and parent != Path("/") and parent.name.startswith(("pytest", "test", "dovecot")):
                parent.chmod(0o755)
        self.settings = folder / "dovecot.conf"
        self.settings.write_text(SETTINGS.format(base=folder / "run", user=user.pw_name, group=grp.getgrgid(user.pw_gid).gr_name, mail=self.mail, port=self.port))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", str(self.settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(self.answers)
        except AssertionError:
            self.stop()
            raise

    def answers(self) -> bool:
        try:
            with self.client():
                return True
        except (OSError, imaplib.IMAP4.error):
            return False

    def client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=5)
        client.login("news", PASSWORD)
        return client

    def put(self, *mails: bytes) -> None:
        with self.client() as client:
            for mail in mails:
                client.append("INBOX", None, None, mail)

    def flags(self) -> list[bytes]:
        with self.client() as client:
            assert client.select(readonly=True)[0] == "OK"
            return [one for one in client.uid("FETCH", "1:*", "(FLAGS)")[1] if one]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def server(tmp_path):
    made = Dovecot(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


def test_read_told_interrupted_and_deleted(server, store):
    told: list[str] = []
    address = f"imap://news@127.0.0.1:{server.port}/INBOX"
    server.put(*(dsn(n) for n in range(5)))
    stop, one = threading.Event(), follower(store, told, imap=address, every=30)
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    try:
        until(lambda: bounces(store) == those(*range(5)))
        server.put(dsn(5))
        until(lambda: bounces(store) == those(*range(6)))  # IDLE: far sooner than the 30 seconds
        assert not any(b"\\Seen" in flags for flags in server.flags())
        server.stop()
        server.start()
        server.put(dsn(6))
        until(lambda: bounces(store) == those(*range(7)), 20)
    finally:
        stop.set()
        thread.join(15)
    assert not thread.is_alive() and one.sources[0].intake.outcome.read == 7, "no mail was fetched twice"
    follower(store, told, imap=address, delete=True).once()
    assert len(server.flags()) == 7, "what was read before deletion was asked for stays"
    server.put(dsn(7))
    follower(store, told, imap=address, delete=True).once()
    assert len(server.flags()) == 7 and bounces(store) == those(*range(8))
