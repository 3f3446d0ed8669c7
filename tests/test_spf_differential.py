"""Our check_host beside pyspf's on made-up zones.

Understood differences, which the generator or `same` leaves out: pyspf counts a redirect it never follows, refuses an include of the record's own
domain before evaluating, refuses more than ten MX records although one of the first ten matches, refuses a repeated unknown modifier, takes no zero
out of "%{d0}", asks for the addresses of all exchanges of an "mx" before it compares them, asks for the PTR records anew for each "ptr", and counts as void lookups of the
record the names of a client that don't resolve.
"""
from __future__ import annotations

import asyncio
import random

import pytest

from fivefifty.mailauth.spf import check_host
from fivefifty.world.recorded import RecordedWorld

pyspf = pytest.importorskip("spf")
NAMES = [f"n{number}.example.org" for number in range(8)] + ["gone.example.net", "wrong.example.net"]
ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.130", "198.51.100.7"]
ADDRESSES6 = ["2001:db8::1", "2001:db8::2", "2001:db8:1::1"]
REASON = [""]  # why pyspf said permerror, the last time
BROKEN = ["moo", "ip4:192.0.2", "ip4:192.0.2.1/33", "ip6:::1/129", "a/33", "a:", "include", "include:", "exists", "ptr/24", "all.", "all:x", "a:museum", "a:192.0.2.1",
          "1up=x", "=x", "redirect:n1.example.org", "a:%{x}.example.org", "a:%(d)", "foo=%abc", "a:x.example.org%", "exists:%{c}.example.org", "mx:example.-org",
          "ip4:192.0.2.01", "ip4:192.0.2.1//32", "a//129", "a/24/64", "include:n1.example.org/24", "*all", "exp=", "redirect=", "ipv4:192.0.2.1"]


def directive(dice):
    host = dice.choice(NAMES)
    macro = dice.choice(["%{d}", "%{d2}", "%{i}.%{d}", "%{ir}.%{v}.%{d1r}.example.org", "%{l}.example.org", "%{l1r-}.%{o}", "%{S}", "%{h}", "%{p}", "x%%y%_z.example.org", "%{D}."])
    kind = dice.choice(["ip4", "ip4", "ip4", "ip6", "a", "a:", "mx", "mx:", "include", "include", "include", "exists", "ptr", "macro"])
    cidr = dice.choice(["", "", "", "/24", "/25", "//64", "/24//64", "/0"])
    made = {
        "ip4": f"ip4:{dice.choice(ADDRESSES)}{dice.choice(['', '/24', '/32', '/25', '/0'])}", "ip6": f"ip6:{dice.choice(ADDRESSES6)}{dice.choice(['', '/64', '/128'])}",
        "a": f"a{cidr}", "a:": f"a:{host}{cidr}", "mx": f"mx{cidr}", "mx:": f"mx:{host}{cidr}", "include": f"include:{host}",
        "exists": f"exists:{host}", "ptr": dice.choice(["ptr", f"ptr:{host}", "ptr:example.org"]), "macro": f"{dice.choice(['a', 'exists', 'include', 'mx'])}:{macro}",
    }[kind]
    return dice.choice(["", "", "", "-", "~", "?", "+"]) + made


def record(dice):
    words = [directive(dice) for _ in range(dice.randrange(5))]
    if dice.random() < 0.12:
        words.insert(dice.randrange(len(words) + 1), dice.choice(BROKEN))
    if dice.random() < 0.6:
        words.append(dice.choice(["-all", "~all", "?all", "all"]))
    elif dice.random() < 0.4:
        words.append(f"redirect={dice.choice(NAMES)}")
    if dice.random() < 0.3:
        words.insert(dice.randrange(len(words) + 1), f"exp={dice.choice(NAMES)}.why")
    return dice.choice(["v=spf1", "v=spf1", "V=SPF1"]) + dice.choice([" ", "  "]) + " ".join(words)


def zones(dice):
    made = {}
    for name in NAMES[:8]:
        types = made[name] = {}
        if dice.random() < 0.92:
            types["TXT"] = [record(dice)] + (["other"] if dice.random() < 0.2 else []) + ([record(dice)] if dice.random() < 0.03 else [])
        if dice.random() < 0.03:
            types["TXT"] = ["TIMEOUT"]
        if dice.random() < 0.7:
            types["A"] = dice.sample(ADDRESSES, dice.randrange(1, 3))
        if dice.random() < 0.5:
            types["AAAA"] = dice.sample(ADDRESSES6, 1)
        if dice.random() < 0.6:
            types["MX"] = [[number, dice.choice(NAMES)] for number in range(dice.randrange(1, 4))]
        made[f"{name}.why"] = {"TXT": [dice.choice(["sorry %{i}, %{s}", "no", "bad %{x}", "%{h} %{L} %{d2}"])]}
    for address in ADDRESSES:
        made[".".join(reversed(address.split("."))) + ".in-addr.arpa"] = {"PTR": dice.sample(NAMES[:8], dice.randrange(1, 3))}
    return made


def ask_pyspf(world_zones, ip, mail_from, helo):
    world = RecordedWorld(zones=world_zones)

    def look_up(name, rrtype, strict=True, timeout=20):
        answer = asyncio_free(world.dns(name, rrtype))
        if answer.unlearned:
            raise pyspf.TempError("DNS " + answer.state)
        for one in answer.records:
            yield (name, rrtype), ((one.encode("latin-1"),) if rrtype == "TXT" else tuple(one) if rrtype == "MX" else one)

    before, pyspf.DNSLookup = pyspf.DNSLookup, look_up
    try:
        query = pyspf.query(i=ip, s=mail_from, h=helo, strict=True)
        word, _, explanation = query.check()
        REASON[:] = [str(query.perm_error or '')]
        return word, "" if explanation == pyspf.EXPLANATIONS["fail"] or word != "fail" else explanation
    finally:
        pyspf.DNSLookup = before


def asyncio_free(work):
    """The value of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited")


def left_out(world_zones, theirs):
    """Whether an understood difference explains it: pyspf says permerror, and why."""
    why, texts = REASON[0], str([types.get("TXT") for types in world_zones.values()])
    return theirs[0] == "permerror" and (
        "trivial recursion" in why or ("Void lookup" in why and ("mx" in texts or "ptr" in texts or "%{p}" in texts)) or ("Too many DNS" in why and "redirect=" in texts))


@pytest.mark.parametrize("seed", range(8))
def test_we_and_pyspf_agree(seed):
    dice = random.Random(seed)
    compared = different = 0
    for _ in range(150):
        world_zones = zones(dice)
        ip, helo = dice.choice(ADDRESSES + ADDRESSES6 + ["203.0.113.9"]), dice.choice(NAMES)
        mail_from = dice.choice(["joe@", "some-one+tag@", "a.b@"]) + dice.choice(NAMES)
        theirs = ask_pyspf(world_zones, ip, mail_from, helo)
        ours = asyncio.run(check_host(ip, mail_from.partition("@")[2], mail_from, helo, RecordedWorld(zones=world_zones)))
        compared += 1
        if (ours.result, ours.explanation) != theirs:
            if left_out(world_zones, theirs):
                different += 1
                continue
            raise AssertionError((theirs, str(ours), ours.explanation, ours.problem, ours.path, ip, mail_from, helo, world_zones))
    assert different < compared * 0.05
