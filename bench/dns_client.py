#!/usr/bin/env python3
"""Questions a second of our DNS client, of dnspython (async) and of aiodns, against a local responder, side by side.

    python bench/dns_client.py [QUESTIONS] [AT_ONCE]

The responder is a process of its own that answers every question with one MX record.  aiodns is left out where it is not installed.
"""
from __future__ import annotations

import asyncio
import multiprocessing
import socket
import sys
import time
from collections.abc import Awaitable, Callable

RECORD = b"\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x07\x00\x0a\x02mx\xc0\x0c"


def respond(one: socket.socket) -> None:
    """Answer for ever."""
    while True:
        question, where = one.recvfrom(4096)
        end = question.index(b"\0", 12) + 5
        one.sendto(question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:end] + RECORD, where)


async def ours(port: int, names: list[str], at_once: int) -> int:
    from fivefifty.world.dns import DnsClient, DnsSettings

    async with DnsClient([f"127.0.0.1:{port}"], DnsSettings(at_once=at_once)) as client:
        return await worked(names, at_once, lambda name: client.ask(name, "MX"), lambda answer: answer.found)


async def dnspython(port: int, names: list[str], at_once: int) -> int:
    import dns.asyncresolver

    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    return await worked(names, at_once, lambda name: resolver.resolve(name, "MX", search=False), bool)


async def aiodns(port: int, names: list[str], at_once: int) -> int:
    import aiodns as library

    resolver = library.DNSResolver(nameservers=["127.0.0.1"], udp_port=port, tcp_port=port)
    ask = getattr(resolver, "query_dns", resolver.query)
    return await worked(names, at_once, lambda name: ask(name, "MX"), bool)


async def worked(names: list[str], at_once: int, ask: Callable[[str], Awaitable[object]], good: Callable[..., bool]) -> int:
    """How many of the names were answered."""
    rest, count = iter(names), 0

    async def work() -> None:
        nonlocal count
        for name in rest:
            answer = await ask(name)
            count += good(answer)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return count


def main() -> None:
    count, at_once = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, int(sys.argv[2]) if len(sys.argv) > 2 else 100
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.bind(("127.0.0.1", 0))
    responder = multiprocessing.get_context("fork").Process(target=respond, args=(one,), daemon=True)
    responder.start()
    try:
        for client in (ours, dnspython, aiodns):
            asked = count if client is ours else count // 4
            names = [f"d{number}.example" for number in range(asked)]
            begun, cpu = time.perf_counter(), time.process_time()
            try:
                answered = asyncio.run(client(one.getsockname()[1], names, at_once))
            except ImportError as error:
                print(f"{client.__name__:10} left out: {error}")
                continue
            wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
            print(f"{client.__name__:10} {answered / wall:8,.0f} questions/s   {cpu / asked * 1e6:6.0f} µs CPU each   {answered:,} of {asked:,} answered")
    finally:
        responder.kill()


if __name__ == "__main__":
    main()
