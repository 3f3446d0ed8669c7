"""The servers that are no package: bounce sink, scripted receivers, silent hosts, the name server that always fails, MTA-STS policies."""
from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from .scenario import FAULTY, HOLE, SCRIPTED, SILENT, SINK, SPEECHLESS, SUBMISSION, WEB, reply

PATIENCE = 60
_PATH = re.compile(rb"<([^<>]*)>")
Said = Callable[[str, str], None]


class Session:
    """One SMTP session, taken politely; what it says to a recipient and with a mail is decided by `reply`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Callable[[str, str], tuple[str, str]], taken: Callable[[str, list[str], bytes], None]) -> None:
        self.reader, self.writer, self.answer, self.taken = reader, writer, answer, taken
        self.client = writer.get_extra_info("peername")[0]
        self.sender, self.recipients, self.at_data = "", [""][:0], ""

    async def run(self) -> None:
        """Until QUIT, 421 or the end of the connection."""
        self.say("220 mx.lab.test ESMTP")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            while await self.step(await asyncio.wait_for(self.reader.readuntil(b"\n"), PATIENCE)):
                await self.writer.drain()
            await self.writer.drain()
        self.writer.close()

    def say(self, text: str) -> bool:
        """Send a reply; whether the session goes on."""
        self.writer.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        return not text.startswith(("221", "421"))

    async def step(self, line: bytes) -> bool:
        """One command."""
        verb = line[:4].upper()
        path = _PATH.search(line)
        address = path[1].decode("utf-8", "replace") if path else ""
        if verb == b"EHLO":
            return self.say("250-mx.lab.test\n250-SIZE 50000000\n250-8BITMIME\n250-SMTPUTF8\n250-PIPELINING\n250 ENHANCEDSTATUSCODES")
        if verb in (b"MAIL", b"RSET"):
            self.sender, self.recipients, self.at_data = address, [], ""
        if verb == b"RCPT":
            return self.recipient(address)
        if verb == b"DATA":
            return await self.mail()
        return self.say("221 2.0.0 bye" if verb == b"QUIT" else "250 2.0.0 ok")

    def recipient(self, address: str) -> bool:
        """RCPT, where most refuse."""
        when, text = self.answer(address, self.client)
        if when == "drop":
            return False
        if when == "rcpt" and text[0] != "2":
            return self.say(text)
        self.recipients.append(address)
        self.at_data = text if when == "data" else self.at_data
        return self.say("250 2.1.5 ok")

    async def mail(self) -> bool:
        """DATA and what follows."""
        if not self.recipients:
            return self.say("503 5.5.1 no valid recipients")
        self.say("354 go ahead")
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n.\r\n"), PATIENCE)
        if self.at_data:
            return self.say(self.at_data)
        self.taken(self.sender, self.recipients, raw[:-3].replace(b"\r\n..", b"\r\n."))
        return self.say("250 2.0.0 queued")


def keep(bounces: Path) -> Callable[[str, list[str], bytes], None]:
    """Writes a mail from the null sender to <mta>/<case>.eml; the recipient is CASE.MTA@domain."""

    def taken(sender: str, recipients: list[str], raw: bytes) -> None:
        for address in recipients:
            case, _, mta = address.rpartition("@")[0].rpartition(".")
            folder = bounces / (mta if mta in SUBMISSION and not sender else "other")
            folder.mkdir(parents=True, exist_ok=True)
            number = len(list(folder.glob(f"{case}.*eml")))
            unready = folder / f"{case}.new"
            unready.write_bytes(b"Return-Path: <" + sender.encode() + b">\r\n" + raw)
            unready.rename(folder / (f"{case}.{number}.eml" if number else f"{case}.eml"))

    return taken


class Faulty(asyncio.DatagramProtocol):
    """Answers every question with SERVFAIL."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.find(b"\0", 12) + 5
        self.transport.sendto(data[:2] + b"\x84\x02\0\1\0\0\0\0\0\0" + data[12:end], addr)  # type: ignore[attr-defined]


def policy(host: str) -> bytes:
    """The MTA-STS policy of a domain (RFC 8461 3.2); that of stsbad.test names a foreign MX."""
    domain = host.removeprefix("mta-sts.")
    exchanger = "mx.elsewhere.test" if domain == "stsbad.test" else f"*.{domain}"
    return f"version: STSv1\r\nmode: enforce\r\nmx: {exchanger}\r\nmax_age: 604800\r\n".encode()


async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """GET /.well-known/mta-sts.txt."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode("latin-1").lower()
        host = next((line[5:].strip() for line in head.split("\r\n") if line.startswith("host:")), "")
        body = policy(host.partition(":")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    writer.close()


def silent_places() -> list[socket.socket]:
    """Sockets that are never served: a DNS server, and a port whose backlog is full so that connecting takes for ever."""
    hole, hole_tcp, deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(), socket.socket()
    hole.bind((HOLE, 53))
    hole_tcp.bind((HOLE, 53))
    hole_tcp.listen(1)
    deaf.bind((SILENT, 25))
    deaf.listen(0)
    held = [hole, hole_tcp, deaf]
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex((SILENT, 25))
        held.append(filler)
    return held


async def serve(state: Path) -> None:
    """Everything, for ever."""
    wire = open(state / "log/scripted.jsonl", "a", buffering=1, encoding="utf-8")  # noqa: SIM115  open as long as the process lives

    def scripted(recipient: str, client: str) -> tuple[str, str]:
        when, text = reply(recipient, client)
        wire.write(json.dumps({"time": round(time.time(), 2), "client": client, "recipient": recipient, "at": when, "reply": text}) + "\n")
        return when, text

    async def receiver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Session(reader, writer, scripted, lambda *_: None).run()

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Session(reader, writer, lambda *_: ("rcpt", "250 ok"), keep(state / "bounces")).run()

    async def speechless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(120)
        writer.close()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(state / "etc/server.pem", state / "etc/server.key")
    await asyncio.get_running_loop().create_datagram_endpoint(Faulty, local_addr=(FAULTY, 53))
    servers = [await asyncio.start_server(receiver, SCRIPTED, 25, limit=1 << 24), await asyncio.start_server(sink, SINK, 25, limit=1 << 24),
               await asyncio.start_server(speechless, SPEECHLESS, 25), await asyncio.start_server(web, WEB, 443, ssl=tls)]
    held = silent_places()
    await asyncio.gather(*(server.serve_forever() for server in servers))
    del held


if __name__ == "__main__":
    from .machine import STATE

    asyncio.run(serve(STATE))
