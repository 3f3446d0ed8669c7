#!/usr/bin/env python3
"""Domains a second of a whole audit, beside checkdmarc, on the same zones served by a real name server (knot) on loopback; and one domain with slow answers.

    python bench/check.py [DOMAINS]

Needs knotd (Debian package knot) and checkdmarc (PyPI).  Both get the same domains and the same resolver; the rounds alternate, the best of each counts.
"""
from __future__ import annotations

import asyncio
import base64
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PORT, ROUNDS, SLOW = 5391, 3, 0.020
ONE = """\
d{n} MX 10 mx1.d{n}
d{n} MX 20 mx2.d{n}
d{n} A 192.0.2.{o}
d{n} TXT "v=spf1 mx ip4:192.0.2.0/24 include:_spf.d{n}.test. include:_spf.shared.test. -all"
_spf.d{n} TXT "v=spf1 ip4:198.51.100.{o} ip6:2001:db8:{n}::/48 a:mx1.d{n}.test -all"
_dmarc.d{n} TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@reports.test"
d{n}._report._dmarc.reports TXT "v=DMARC1"
_mta-sts.d{n} TXT "v=STSv1; id=20260101"
_smtp._tls.d{n} TXT "v=TLSRPTv1; rua=mailto:tls@d{n}.test"
default._domainkey.d{n} TXT "v=DKIM1; k=rsa; p={k1}" "{k2}"
mx1.d{n} A 192.0.2.{o}
mx1.d{n} AAAA 2001:db8::{o}
mx2.d{n} A 198.51.100.{o}
"""
HEAD = """\
$ORIGIN test.
$TTL 3600
@ SOA ns1 hostmaster 1 3600 600 86400 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.53
ns2 A 198.51.100.53
_spf.shared TXT "v=spf1 ip4:203.0.113.0/25 ip4:203.0.113.128/26 -all"
reports MX 10 mx.reports
mx.reports A 203.0.113.9
"""


def key() -> str:
    """A public key of 2048 bits, as a DKIM record holds it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    public = rsa.generate_private_key(65537, 2048).public_key()
    return base64.b64encode(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()


def zone(number: int) -> str:
    """Healthy domains: the peer does most on those."""
    made = key()
    return HEAD + "".join(ONE.format(n=n, o=n % 250 + 1, k1=made[:200], k2=made[200:]) for n in range(number))


class Knot:
    """A name server on loopback for the length of the benchmark."""

    def __init__(self, folder: pathlib.Path, text: str) -> None:
        (folder / "test.zone").write_text(text)
        (folder / "knot.conf").write_text(f"""
server:
    rundir: {folder}
    listen: 127.0.0.1@{PORT}
    udp-workers: 1
database:
    storage: {folder}/db
template:
  - id: default
    storage: {folder}
    zonefile-load: whole
    journal-content: none
zone:
  - domain: test
    file: test.zone
""")
        self.process = subprocess.Popen(["knotd", "-c", str(folder / "knot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit("knotd did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def peer(names: list[str]) -> float:
    import checkdmarc
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.timeout, resolver.lifetime = ["127.0.0.1"], PORT, 2.0, 4.0
    start = time.perf_counter()
    checkdmarc.check_domains(names, resolver=resolver, skip_tls=True, wait=0.0)
    return len(names) / (time.perf_counter() - start)


async def ours(names: list[str], port: int = PORT) -> tuple[float, int, int]:
    """(domains a second, findings of one domain, questions asked)."""
    from fivefifty.audit import audit
    from fivefifty.foresight import Foresight
    from fivefifty.model import Subject
    from fivefifty.survey import Order, side_by_side, spare_collections
    from fivefifty.world.journal import Journal
    from fivefifty.world.live import LiveWorld

    spare_collections()
    start = time.perf_counter()
    async with LiveWorld((f"127.0.0.1:{port}",)) as world:
        async for _ in side_by_side((Subject(name, smtp=False) for name in names), world, Order("csv"), Foresight()):
            pass
        speed = len(names) / (time.perf_counter() - start)
        journal = Journal(world)
        found = await audit(Subject(names[0], smtp=False), journal)
        return speed, len(found), len(journal.answers)


def command(names: list[str], jobs: int) -> float:
    """The command line as a user calls it, start included."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(names) + "\n")
        file.flush()
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "fivefifty", "check", "-f", file.name, "--csv", "--jobs", str(jobs), "--resolver", f"127.0.0.1:{PORT}"],
                       stdout=subprocess.DEVNULL, check=False, timeout=300)
        return len(names) / (time.perf_counter() - start)


class Slow(asyncio.DatagramProtocol):
    """Passes questions on to knot and gives the answers 20 ms later."""

    def connection_made(self, transport) -> None:
        self.transport, self.tasks = transport, set()

    def datagram_received(self, data, address) -> None:
        task = asyncio.ensure_future(self.answer(data, address))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, data, address) -> None:
        loop = asyncio.get_running_loop()
        got = loop.create_future()

        class Once(asyncio.DatagramProtocol):
            def datagram_received(self, reply, _) -> None:
                if not got.done():
                    got.set_result(reply)

        transport, _ = await loop.create_datagram_endpoint(Once, remote_addr=("127.0.0.1", PORT))
        transport.sendto(data)
        reply = await asyncio.wait_for(got, 2)
        transport.close()
        await asyncio.sleep(SLOW)
        self.transport.sendto(reply, address)


async def one_slow(name: str) -> float:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Slow, local_addr=("127.0.0.1", PORT + 1))
    start = time.perf_counter()
    await ours([name], PORT + 1)
    spent = time.perf_counter() - start
    transport.close()
    return spent


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    if not shutil.which("knotd"):
        raise SystemExit("knotd is missing: apt install knot")
    names = [f"d{n}.test" for n in range(number)]
    with tempfile.TemporaryDirectory() as folder:
        knot = Knot(pathlib.Path(folder), zone(number))
        try:
            theirs, mine, whole = [], [], {1: 0.0, 2: 0.0}
            for turn in range(ROUNDS):
                few = names[turn * 20 : turn * 20 + 20]
                theirs.append(peer(few))
                mine.append(asyncio.run(ours(names)))
                whole = {jobs: max(best, command(names, jobs)) for jobs, best in whole.items()}
            best = max(mine)
            print(f"checkdmarc          {max(theirs):8.1f} domains/s")
            print(f"fivefifty check     {best[0]:8.1f} domains/s  {best[0] / max(theirs):.1f} x   ({best[1]} findings a domain, {best[2]} questions a domain)")
            for jobs, speed in whole.items():
                print(f"  the command, --jobs {jobs}  {speed:6.1f} domains/s  {speed / max(theirs):.1f} x")
            print(f"one domain, every answer 20 ms late: {asyncio.run(one_slow('d1.test')):.2f} s")
        finally:
            knot.stop()


if __name__ == "__main__":
    main()
