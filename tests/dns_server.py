"""A DNS server on 127.0.0.1 that serves a table of records, for tests: UDP and TCP on the same port.

    async with DnsServer({"example.org": {"MX": ["10 mx.example.org"], "TXT": "SERVFAIL"}}) as server:
        world = LiveWorld([server.address])

The table is that of RecordedWorld, errors included: "TIMEOUT" is silence, "BOGUS" is SERVFAIL unless the question has CD, "MALFORMED" is garbage,
"LAME" a referral upwards, "LOOP" a CNAME to itself.  What a table can't say is scripted: `script[(name, type)]` is called with the question
(bytes) and whether it came over TCP, and gives the answers to send as a list of (delay, bytes).  `asked` holds what was asked.
"""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset

from fivefifty.answers import DnsAnswer, present
from fivefifty.world.recorded import RecordedWorld

Script = Callable[[bytes, bool], list[tuple[float, bytes]]]
RCODES = {"servfail": "SERVFAIL", "refused": "REFUSED", "nxdomain": "NXDOMAIN"}


class DnsServer(asyncio.DatagramProtocol):
    def __init__(self, zones: Mapping[str, Any] | None = None, *, udp_size: int = 1232, edns: bool = True, secure: tuple[str, ...] = ()) -> None:
        self.world = RecordedWorld(zones=zones or {})
        self.udp_size, self.edns, self.secure = udp_size, edns, secure  # names ending with one of `secure` are answered with AD
        self.script: dict[tuple[str, str], Script] = {}
        self.asked: list[tuple[str, str, bool]] = []  # name, type, over TCP
        self.address, self.port = "", 0

    async def __aenter__(self) -> DnsServer:
        loop = asyncio.get_running_loop()
        for _ in range(20):  # a port that is free for both
            self._tcp = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self.port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", self.port), family=socket.AF_INET)
                break
            except OSError:
                self._tcp.close()
        self.address = f"127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()

    def datagram_received(self, question: bytes, where: Any) -> None:
        for delay, answer in self._answers(question, tcp=False):
            asyncio.get_running_loop().call_later(delay, self._udp.sendto, answer, where)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                question = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                for delay, answer in self._answers(question, tcp=True):
                    await asyncio.sleep(delay)
                    writer.write(len(answer).to_bytes(2, "big") + answer)
        except (EOFError, OSError):
            pass
        finally:
            writer.close()

    def _answers(self, question: bytes, tcp: bool) -> list[tuple[float, bytes]]:
        query = dns.message.from_wire(question)
        name, rrtype = query.question[0].name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, rrtype, tcp))
        if script := self.script.get((name, rrtype)):
            return script(question, tcp)
        if query.edns >= 0 and not self.edns:
            return [(0, question[:2] + b"\x81\x81" + b"\0" * 8)]  # FORMERR, as old servers say it: the header alone
        answer = self.world._look_up(name, rrtype)
        if answer.state == "timeout":
            return []
        if answer.state == "malformed":
            return [(0, question[:2] + b"\x81\x80\0\1\0\5\0\0\0\0" + question[12:] + b"\xc0")]
        made = self.response(query, answer)
        try:
            return [(0, made.to_wire(max_size=65535 if tcp else self.udp_size))]
        except dns.exception.TooBig:
            made.answer.clear()
            made.authority.clear()
            made.flags |= dns.flags.TC
            return [(0, made.to_wire())]

    def response(self, query: dns.message.Message, answer: DnsAnswer) -> dns.message.Message:
        """The message that says `answer`."""
        made = dns.message.make_response(query, recursion_available=answer.state != "lame", our_payload=1232)
        owner = query.question[0].name
        made.flags |= dns.flags.AD if owner.to_text(omit_final_dot=True).lower().endswith(self.secure or ("\0",)) else 0
        if answer.state == "bogus" and not query.flags & dns.flags.CD:
            made.set_rcode(dns.rcode.SERVFAIL)
            return made
        made.set_rcode(dns.rcode.from_text(RCODES.get(answer.state, "NOERROR")))
        for target in (*answer.aliases, *([owner.to_text()] if answer.state == "loop" and not answer.aliases else ())):
            made.answer.append(dns.rrset.from_text(owner, answer.ttl or 60, "IN", "CNAME", target.rstrip(".") + "."))
            owner = dns.name.from_text(target)
        if answer.found:
            made.answer.append(dns.rrset.from_rdata_list(owner, answer.ttl, rdatas(answer)))
        elif answer.absent:
            made.authority.append(dns.rrset.from_text(owner, 600, "IN", "SOA", "ns.test. admin.test. 1 2 3 4 120"))
        elif answer.state == "lame":
            made.authority.append(dns.rrset.from_text(".", 600, "IN", "NS", "a.root.test."))
        return made


def rdatas(answer: DnsAnswer) -> list[dns.rdata.Rdata]:
    """The records as dnspython holds them."""
    if answer.rrtype in ("TXT", "SPF"):
        made = []
        for text, lengths in zip(answer.records, answer.lengths, strict=True):
            raw, strings = text.encode("latin-1"), []
            for length in lengths:
                strings.append(raw[:length])
                raw = raw[length:]
            made.append(dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.from_text(answer.rrtype), strings))
        return made
    texts = [present(record) for record in answer.records]
    if answer.rrtype == "CAA":
        texts = [f'{record.flags} {record.tag} "{record.value}"' for record in answer.records]
    return [dns.rdata.from_text("IN", answer.rrtype, text, origin=dns.name.root, relativize=False) for text in texts]
