"""Datagrams to one resolver, and the clock that says when an answer is overdue."""
from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from os import urandom
from typing import Any, Protocol

from .resolvers import Resolver

SOCKETS = 4  # for each resolver: the port is as hard to guess as the ID (RFC 5452 9.2)
_BATCH = 64  # datagrams read before others have their turn
_TICK = 0.05


class Asker(Protocol):
    """Who waits for a datagram."""

    held: list[tuple[dict[int, Any], int]]

    def received(self, answer: bytes, door: Door) -> None:
        """A datagram came whose ID is that of a question of ours."""

    def gone(self, door: Door, why: OSError) -> None:
        """The resolver can't be reached."""

    def overdue(self, turn: int) -> None:
        """The time for that try is over."""


def _numbers() -> Iterator[int]:
    """Random 24-bit numbers nobody can foresee; taken from the system in batches, for each call costs as much as sending."""
    while True:
        batch = urandom(3072)
        for at in range(0, 3072, 3):
            yield int.from_bytes(batch[at : at + 3], "big")


class Door:
    """The way to one resolver: connected sockets, so that the system drops what comes from elsewhere."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.label = str(resolver)
        self.edns = True  # False when it does not know EDNS
        self.silent = 0  # tries since its last answer
        self._sockets: list[tuple[socket.socket, dict[int, Asker]]] = []
        self._numbers = _numbers()

    def _open(self) -> None:
        family, kind, number, _, place = socket.getaddrinfo(*self.resolver, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)[0]
        loop = asyncio.get_running_loop()
        for _ in range(SOCKETS):
            one = socket.socket(family, kind, number)
            waiting: dict[int, Asker] = {}
            self._sockets.append((one, waiting))
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            one.connect(place)
            loop.add_reader(one.fileno(), self._readable, one, waiting)

    def send(self, body: bytes, asker: Asker) -> None:
        """Send a question (`body` lacks the ID); OSError when that is impossible."""
        if not self._sockets:
            try:
                self._open()
            except OSError:
                self.close()
                raise
        number = next(self._numbers)
        one, waiting = self._sockets[(number >> 16) % SOCKETS]
        number &= 0xFFFF
        while number in waiting:
            number = (number + 1) & 0xFFFF
        waiting[number] = asker
        asker.held.append((waiting, number))
        with suppress(BlockingIOError):  # as good as lost on the way: it is asked again
            one.send(number.to_bytes(2, "big") + body)

    def _readable(self, one: socket.socket, waiting: dict[int, Asker]) -> None:
        for _ in range(_BATCH):
            try:
                answer = one.recv(65535)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # "port unreachable" came back (RFC 1122 4.1.3.3)
                for asker in set(waiting.values()):
                    asker.gone(self, error)
                return
            asker_or_none = waiting.get(answer[0] << 8 | answer[1]) if len(answer) > 1 else None
            if asker_or_none is not None:
                asker_or_none.received(answer, self)

    def close(self) -> None:
        """Close the sockets."""
        for one, waiting in self._sockets:
            waiting.clear()
            if one.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(one.fileno())
            one.close()
        self._sockets.clear()


class Wheel:
    """Coarse alarms, many and cheap: nearly all of them are never needed, and a timer for each would cost more than the question."""

    def __init__(self) -> None:
        self._slots: defaultdict[int, list[tuple[Asker, int]]] = defaultdict(list)
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0

    def add(self, when: float, asker: Asker, turn: int) -> None:
        """Call `asker.overdue(turn)` soon after `when` (time of the loop)."""
        self._slots[int(when / _TICK) + 1].append((asker, turn))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_TICK, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = int(loop.time() / _TICK)
        self._timer = loop.call_later(_TICK, self._tick, loop) if self._slots else None
        for slot in sorted(slot for slot in self._slots if slot <= now):
            for asker, turn in self._slots.pop(slot):
                asker.overdue(turn)

    def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._slots.clear()
