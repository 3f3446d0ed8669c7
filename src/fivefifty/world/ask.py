"""One question on its way: which resolver next, over what, and what its answer means."""
from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..answers import DnsAnswer
from . import wire
from .names import NameFault, wire_name
from .udp import Door
from .wire import AA, AD, CNAME, NS, QR, SOA, TC, Message, Rr, WireError

if TYPE_CHECKING:
    from .dns import DnsClient

LONGEST_CHAIN = 16
EARLY = 0.4  # seconds after which a question is sent once more: most that stay without an answer so long were lost on the way
_TEXTS = (16, 99)
_SHARPEST = ("unreachable", "timeout", "malformed", "refused", "lame", "servfail")  # of several troubles the last of these is told
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 9: "NOTAUTH", 16: "BADVERS"}
_FORMERR, _NXDOMAIN, _REFUSED = 1, 3, 5


class Waiter(Protocol):
    """Who waits for the answer, a future for one."""

    def done(self) -> bool: ...

    def set_result(self, answer: DnsAnswer, /) -> None: ...


class Ask:
    """The state of one question.  `check` False asks for data that DNSSEC may have refuted; `final` looks no further into a SERVFAIL."""

    __slots__ = ("_aliases", "_asked_at", "_door", "_doors", "_early", "_faults", "_give_up", "_name", "_odd", "_section", "_secure", "_tcp", "_trouble", "_ttl",
                 "_turn", "_wire", "answer", "check", "client", "final", "held", "key", "number", "waiters")

    def __init__(self, client: DnsClient, key: tuple[str, str], name: bytes, number: int) -> None:
        self.client, self.key, self.number = client, key, number
        self.waiters: list[Waiter] = []
        self.answer: DnsAnswer | None = None
        self.held: list[tuple[dict[int, Any], int]] = []
        self.check, self.final = True, False
        self._name = key[0]
        self._section, self._wire = wire.asked(name, number), name
        self._aliases: list[str] = []
        self._ttl, self._secure = 0x7FFFFFFF, True
        self._doors: list[Door] = []
        self._door: Door | None = None
        self._turn, self._give_up, self._asked_at, self._early = 0, 0.0, "", False
        self._trouble: tuple[str, str, str] = ("", "", "")
        self._faults: tuple[tuple[int, str], ...] = ()
        self._odd = ""  # what was wrong with datagrams that were not taken for the answer
        self._tcp: asyncio.Task[None] | None = None

    # ---- asking

    def begin(self, patience: float = 0.0) -> None:
        """Send it for the first time."""
        client, now = self.client, self.client.now()
        self._asked_at = client.stamp()
        self._give_up = now + (patience or client.settings.total)
        if client.until:
            self._give_up = min(self._give_up, client.until)
            if now >= client.until:
                self.conclude("timeout", "the time for the whole run is over")
                return
        self._doors = client.order()[::-1]
        self._early = client.settings.timeout > EARLY
        self._next()

    def _next(self) -> None:
        """Turn to the next resolver, or end."""
        while self._doors and self.client.now() < self._give_up:
            self._door = self._doors.pop()
            if self._send():
                return
        self._turn += 1
        state, error, _ = self._trouble if self._trouble[0] else ("timeout", "", "")
        if state == "servfail" and self.check and not self.final:
            self._ask_why()
        else:
            self.conclude(state, error)

    def _send(self) -> bool:
        door = self._door
        assert door is not None
        self._turn += 1
        self.client.sent += 1
        edns = door.edns
        try:
            door.send(wire.question(self._wire, self.number, edns=edns, check=self.check), self)
        except OSError as error:
            self._blame("unreachable", _words(error), door)
            return False
        self._alarm()
        return True

    def _alarm(self) -> None:
        patience = EARLY if self._early else self.client.settings.timeout
        self.client.wheel.add(min(self.client.now() + patience, self._give_up), self, self._turn)

    def overdue(self, turn: int) -> None:
        """No answer came in time to that try; a late one is still welcome."""
        if turn != self._turn or self.answer is not None or self._door is None:
            return
        if self._early:  # the same resolver again: it is not called silent yet
            self._early = False
            if self._tcp is None and self._send():
                return
            if self._tcp is not None:
                self._alarm()
                return
        self._hang_up()
        self._door.silent += 1
        if self._odd:
            self._blame("malformed", self._odd, self._door)
        else:
            self._blame("timeout", "no answer in time", self._door)
        self._next()

    def gone(self, door: Door, why: OSError) -> None:
        """Nobody is there."""
        if self.answer is None and door is self._door and self._tcp is None:
            door.silent += 1
            self._blame("unreachable", _words(why), door)
            self._next()

    def _blame(self, state: str, error: str, door: Door) -> None:
        known = self._trouble[0]
        if not known or _SHARPEST.index(state) >= _SHARPEST.index(known):
            self._trouble = state, f"{error} ({door.label})", door.label

    # ---- TCP (RFC 7766)

    def _over_tcp(self, door: Door) -> None:
        self._door = door
        self._turn += 1
        self.client.sent += 1
        self._alarm()
        body = os.urandom(2) + wire.question(self._wire, self.number, edns=door.edns, check=self.check)
        self._tcp = asyncio.get_running_loop().create_task(self._exchange(door, body, self._turn))

    async def _exchange(self, door: Door, body: bytes, turn: int) -> None:
        writer, trouble = None, ""
        try:
            reader, writer = await asyncio.open_connection(*door.resolver)
            writer.write(len(body).to_bytes(2, "big") + body)
            answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        except (OSError, EOFError) as error:
            trouble = f"the answer is too long for UDP, and over TCP it fails: {_words(error) if isinstance(error, OSError) else 'the connection was closed'}"
        finally:
            if writer is not None:
                writer.close()
        if turn != self._turn or self.answer is not None:
            return
        self._tcp = None
        if not trouble and answer[:2] == body[:2]:
            self._read(answer, door, tcp=True)
        else:
            self._blame("malformed" if not trouble else "timeout", trouble or "the answer over TCP has another ID", door)
            self._next()

    def _hang_up(self) -> None:
        if self._tcp is not None:
            self._tcp.cancel()
            self._tcp = None

    # ---- the answer

    def received(self, answer: bytes, door: Door) -> None:
        """A datagram with our ID."""
        if self._tcp is None and self.answer is None:
            self._read(answer, door)

    def _read(self, answer: bytes, door: Door, tcp: bool = False) -> None:
        flags = int.from_bytes(answer[2:4], "big")
        ours = wire.same_question(answer[12 : 12 + len(self._section)], self._section) and answer[4:6] == b"\0\1"
        refusal = len(answer) >= 12 and flags & 15 == _FORMERR and answer[4:6] == b"\0\0"  # has no question: RFC 6891 7
        if len(answer) < 12 or not flags & QR or not (ours or refusal):
            # it may be forged: the true answer may still come (RFC 5452 9.1)
            self._odd = "the answer is to another question" if flags & QR and len(answer) >= 12 else "the answer can't be read"
            if tcp:
                self._fail("malformed", self._odd, door)
            return
        door.silent = 0
        if flags & TC and not tcp:
            self._over_tcp(door)
            return
        try:
            message = wire.read(answer, self._section, self._name)
        except WireError as error:
            self._fail("malformed", f"the answer can't be read: {error}", door)
            return
        self._understand(message, door)

    def _understand(self, message: Message, door: Door) -> None:
        rcode = message.rcode
        if rcode in (0, _NXDOMAIN):
            self._follow(message, door)
        elif rcode in (_FORMERR, 4, 16) and door.edns:
            door.edns = False  # RFC 6891 7
            self._door = door
            if not self._send():
                self._next()
        else:
            self._faults = message.faults or self._faults
            state = "refused" if rcode in (_REFUSED, 9) else "servfail"
            word = _RCODES.get(rcode, f"rcode {rcode}")
            self._fail(state, f"{word}{f', {message.fault}' if message.fault else ''}", door)

    def _fail(self, state: str, error: str, door: Door) -> None:
        """This resolver has said its word: the others are asked."""
        self._blame(state, error, door)
        self._doors = [one for one in self._doors if one is not door]
        if door is self._door:  # else the one asked last may still answer
            self._next()

    def _follow(self, message: Message, door: Door) -> None:
        """Go along the CNAMEs within the answer (RFC 1034 3.6.2); records of other names are nobody's answer."""
        said = message.answers
        self._secure = self._secure and bool(message.flags & AD) and door.edns and self.check
        while True:
            records = [rr for rr in said if rr.rrtype == self.number and rr.name == self._name]
            if records:
                self._found(records, door)
                return
            alias = next((rr for rr in said if rr.rrtype == CNAME and rr.name == self._name), None)
            if alias is None:
                break
            self._ttl = min(self._ttl, alias.ttl)
            looped = alias.value == self.key[0] or alias.value in self._aliases
            self._aliases.append(alias.value)
            if looped or len(self._aliases) > LONGEST_CHAIN:
                self.conclude("loop", "the CNAMEs go in a circle" if looped else f"more than {LONGEST_CHAIN} CNAMEs in a row", door)
                return
            self._name = alias.value
        self._absent(message, door)

    def _found(self, records: Sequence[Rr], door: Door) -> None:
        values = [rr.value for rr in records]
        if len(values) > 1:
            values = list(dict.fromkeys(values))  # RFC 2181 5
        lengths: tuple[tuple[int, ...], ...] = ()
        if self.number in _TEXTS:
            lengths = tuple(value[1] for value in values)
            values = [value[0] for value in values]
        ttl = min(self._ttl, records[0].ttl if len(records) == 1 else min(rr.ttl for rr in records))
        self._end(DnsAnswer(*self.key, "found", tuple(values), tuple(self._aliases), ttl, self._is_secure(door), lengths, door.label, self._asked_at))

    def _is_secure(self, door: Door) -> bool | None:
        return self._secure if door.edns and self.check else None

    def _absent(self, message: Message, door: Door) -> None:
        """What an answer without the records means (RFC 2308 2)."""
        soa = next((rr for rr in message.authority if rr.rrtype == SOA and _above(rr.name, self._name)), None)
        if message.rcode == 0 and soa is None:
            if self._aliases and any(rr.value == self._name for rr in message.answers):
                self._ask_target()
                return
            if message.answers:
                self._fail("malformed", "the answer holds only records of other names or types", door)
                return
            if not message.flags & AA and any(rr.rrtype == NS for rr in message.authority):
                self._fail("lame", "it only refers to other servers", door)
                return
        ttl = min(self._ttl, soa.ttl, soa.value.minimum) if soa else 0
        state = "nxdomain" if message.rcode == _NXDOMAIN else "nodata"
        self._end(DnsAnswer(*self.key, state, (), tuple(self._aliases), ttl, self._is_secure(door), (), door.label, self._asked_at, message.fault))

    def _ask_target(self) -> None:
        """The answer ends with a CNAME: go on with its target."""
        try:
            self._wire = wire_name(self._name)
        except NameFault as fault:
            self.conclude("malformed", f"the target of a CNAME can't be asked: {fault}")
            return
        self._section = wire.asked(self._wire, self.number)
        self._drop()
        self._odd, self._doors = "", self.client.order()[::-1]
        self._next()

    # ---- DNSSEC: why SERVFAIL?

    def _ask_why(self) -> None:
        """A resolver that validates says SERVFAIL for data that DNSSEC refutes (RFC 4035 5.5); without the check it gives them."""
        numbers = {number for number, _ in self._faults}
        if numbers & wire.DNSSEC_FAULTS:
            self.conclude("bogus", self._trouble[1])
        elif numbers - {0}:  # it named another reason
            self.conclude("servfail", self._trouble[1])
        else:
            self._again(check=False)

    def _again(self, check: bool) -> None:
        other = _Probe(self, check)
        other.begin(min(self.client.settings.timeout, 1.5))

    def learned(self, answer: DnsAnswer, check: bool) -> None:
        """What the question without the check, and then the same once more with it, brought."""
        if self.answer is not None:
            return
        answered = not answer.unlearned or answer.state == "loop"
        if not check and answered:
            self._again(check=True)  # it may only have been a bad moment
        elif check and answered:
            self._end(answer)
        else:
            bogus = check and answer.state == "servfail"
            self.conclude("bogus" if bogus else "servfail", f"DNSSEC validation fails: {self._trouble[1]}" if bogus else self._trouble[1])

    # ---- the end

    def conclude(self, state: str, error: str, door: Door | None = None) -> None:
        """End without records."""
        by = door.label if door else self._trouble[2]
        self._end(DnsAnswer(*self.key, state, (), tuple(self._aliases), 0, None, (), by, self._asked_at, error))

    def _drop(self) -> None:
        for waiting, number in self.held:
            waiting.pop(number, None)
        self.held.clear()

    def _end(self, answer: DnsAnswer) -> None:
        if self.answer is None:
            self.answer = answer
            self._turn += 1
            self._drop()
            self._hang_up()
            self._tell(answer)

    def _tell(self, answer: DnsAnswer) -> None:
        self.client.ended(self, answer)


class _Probe(Ask):
    """The same question once more, to learn why it failed."""

    __slots__ = ("_asked",)

    def __init__(self, asked: Ask, check: bool) -> None:
        super().__init__(asked.client, asked.key, wire_name(asked.key[0]), asked.number)
        self._asked, self.check, self.final = asked, check, True

    def _tell(self, answer: DnsAnswer) -> None:
        self._asked.learned(answer, self.check)


def _above(zone: str, name: str) -> bool:
    return zone == "." or name == zone or name.endswith("." + zone)


def _words(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
