"""A small IMAP4rev1 server on 127.0.0.1 for tests: one mailbox, what a reader of it needs, and faults on demand.

    with ImapServer([b"Subject: one\\r\\n\\r\\nx"]) as server: ...  # imap://user@127.0.0.1:{server.port}/INBOX

`break_after` hangs up in the middle of the so-many-th mail that is fetched.  `said` holds the commands that came.
"""
from __future__ import annotations

import contextlib
import re
import socketserver
import threading
import time
from collections.abc import Sequence
from typing import Any

PASSWORD = "correct-horse"


class ImapServer:
    def __init__(self, mails: Sequence[bytes] = (), *, idle: bool = True, uidplus: bool = True) -> None:
        self.mails: dict[int, bytes] = dict(enumerate(mails, 1))
        self.next, self.validity = len(mails) + 1, 7
        self.deleted: set[int] = set()
        self.idle, self.uidplus = idle, uidplus
        self.said: list[str] = []
        self.break_after = self.fetched = self.idling = 0
        self.lock = threading.RLock()
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    _Session(owner, self.rfile, self.wfile).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def put(self, *mails: bytes) -> None:
        with self.lock:
            for mail in mails:
                self.mails[self.next] = mail
                self.next += 1

    def __enter__(self) -> ImapServer:
        self._thread.start()
        return self

    def __exit__(self, *about: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Session:
    def __init__(self, server: ImapServer, read: Any, write: Any) -> None:
        self.server, self.read, self.write, self.selected, self.writable = server, read, write, False, False

    def line(self, text: str) -> None:
        self.write.write(text.encode() + b"\r\n")
        self.write.flush()

    def run(self) -> None:
        self.line(f"* OK [CAPABILITY {self.capabilities()}] ready")
        while line := self.read.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            self.server.said.append(rest)
            word, _, told = rest.partition(" ")
            if word.upper() == "UID":
                word, _, told = told.partition(" ")
                word = "uid_" + word
            answer = getattr(self, "do_" + word.lower(), None)
            done = answer(told, tag) if answer else "BAD what?"
            if done is None:
                return
            self.line(f"{tag} {done}")

    def capabilities(self) -> str:
        return "IMAP4rev1" + " IDLE" * self.server.idle + " UIDPLUS" * self.server.uidplus

    def do_capability(self, told: str, tag: str) -> str:
        self.line(f"* CAPABILITY {self.capabilities()}")
        return "OK done"

    def do_login(self, told: str, tag: str) -> str:
        return "OK in" if told.endswith(f'"{PASSWORD}"') else "NO [AUTHENTICATIONFAILED] wrong password"

    def do_select(self, told: str, tag: str) -> str:
        self.writable = True
        self.line(f"* {len(self.server.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.server.validity}] valid\r\n* OK [UIDNEXT {self.server.next}] next")
        return "OK [READ-WRITE] selected" if told.strip('"') == "INBOX" else "NO no such mailbox"

    def do_examine(self, told: str, tag: str) -> str:
        answer = self.do_select(told, tag)
        self.writable = False
        return answer.replace("WRITE", "ONLY")

    def do_noop(self, told: str, tag: str) -> str:
        return "OK done"

    def do_uid_search(self, told: str, tag: str) -> str:
        first = int(re.findall(r"UID (\d+):\*", told)[0])
        with self.server.lock:
            found = [uid for uid in self.server.mails if uid >= first] or [*self.server.mails][-1:]  # RFC 9051 6.4.9
        self.line("* SEARCH " + " ".join(map(str, found)))
        return "OK done"

    def do_uid_fetch(self, told: str, tag: str) -> str | None:
        assert "BODY.PEEK[" in told, "what is only looked at must not be marked as seen"
        uid = int(told.partition(" ")[0])
        with self.server.lock:
            content = self.server.mails.get(uid)
            self.server.fetched += 1
            broken = self.server.fetched == self.server.break_after
        if content is not None:
            self.write.write(f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(content)}}}\r\n".encode() + content[: len(content) // 2 if broken else None])
            if broken:
                self.write.flush()
                return None
            self.line(")")
        return "OK done"

    def do_uid_store(self, told: str, tag: str) -> str:
        if not self.writable:
            return "NO read-only"
        self.server.deleted |= self.uids(told.partition(" ")[0])
        return "OK done"

    def do_uid_expunge(self, told: str, tag: str) -> str:
        with self.server.lock:
            for uid in self.uids(told) & self.server.deleted:
                self.server.mails.pop(uid, None)
        return "OK done"

    def uids(self, told: str) -> set[int]:
        return {int(one) for one in told.split(",")}

    def do_idle(self, told: str, tag: str) -> str:
        self.line("+ idling")
        before = self.server.next
        self.server.idling += 1
        watcher = threading.Thread(target=self.watch, args=(before,), daemon=True)
        self.done = False
        watcher.start()
        assert self.read.readline().strip() == b"DONE"
        self.done = True
        watcher.join()
        self.server.idling -= 1
        return "OK done"

    def watch(self, before: int) -> None:
        while not self.done:
            if self.server.next != before:
                self.line(f"* {len(self.server.mails)} EXISTS")
                return
            time.sleep(0.01)

    def do_logout(self, told: str, tag: str) -> None:
        self.line("* BYE\r\n" + tag + " OK bye")
