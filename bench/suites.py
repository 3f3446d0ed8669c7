"""Run published conformance suites against our evaluators, and print how many cases come out as the suite wants.

    python bench/suites.py spf FILE.yml...      # the SPF test-suite format (RFC 4408/7208), and Stalwart mail-auth's record files

The suites are not part of this repository.  The cases where RFC 7208 says otherwise are argued in docs/suites.md.
"""
from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fivefifty.mailauth.spf import check_host
from fivefifty.world.recorded import RecordedWorld


class Case(NamedTuple):
    """One call of check_host and what may come out of it."""

    name: str
    zones: dict[str, dict[str, Any]]
    ip: str
    domain: str
    mail_from: str
    helo: str
    expected: tuple[str, ...]
    explanation: str = ""
    both: bool = False  # first the HELO identity (`domain`), and where it passes the MAIL FROM identity


def zones_of(zonedata: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The zones of a suite: what it calls SPF is published as TXT where it names no TXT of its own."""
    zones: dict[str, dict[str, Any]] = {}
    for name, entries in zonedata.items():
        types = zones.setdefault(name, {})
        for entry in [entries] if isinstance(entries, dict) else entries:
            for rrtype, value in ({entry: True} if isinstance(entry, str) else entry).items():
                if rrtype == "TIMEOUT":
                    types["*"] = "TIMEOUT"
                elif value != "NONE":
                    types.setdefault(rrtype, []).append(value)
                else:
                    types.setdefault(rrtype, [])
        if "SPF" in types and "TXT" not in types:
            types["TXT"] = types["SPF"]
        if types.get("TXT") == [] and "*" in types:
            del types["TXT"]
    return zones


def yaml_cases(path: Path) -> Iterator[Case]:
    """The cases of a file in the format of the SPF test suite."""
    import yaml

    for section in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        zones = zones_of(section["zonedata"])
        for name, test in section["tests"].items():
            mail_from, helo = str(test.get("mailfrom") or ""), str(test.get("helo") or "")
            expected = test["result"] if isinstance(test["result"], list) else [test["result"]]
            explanation = str(test.get("explanation", "")).replace("DEFAULT", "")
            yield Case(f"{path.stem}/{name}", zones, test["host"], mail_from.rpartition("@")[2] or helo, mail_from, helo, tuple(expected), explanation)


def add_record(zones: dict[str, dict[str, Any]], kind: str, value: str) -> None:
    """One line of a record file: "mx" names the addresses of the exchanges."""
    name, _, rest = value.partition(" ")
    values = [one.strip() for one in rest.split(",")]
    if kind in ("spf", "exp"):
        zones.setdefault(name, {})["TXT"] = [rest.strip()]
    elif kind == "ptr":
        zones[ipaddress.ip_address(name).reverse_pointer] = {"PTR": values}
    elif kind == "mx":
        zones.setdefault(name, {})["MX"] = [[number, f"mx{number}.of.{name}"] for number in range(len(values))]
        for number, address in enumerate(values):
            zones[f"mx{number}.of.{name}"] = {"AAAA" if ":" in address else "A": [address]}
    else:
        zones.setdefault(name, {})[kind.upper()] = values


def line_cases(path: Path) -> Iterator[Case]:
    """The cases of a record file: `records:` and `tests:` line by line, each "expect" a case."""
    zones: dict[str, dict[str, Any]] = {}
    given: dict[str, str] = {}
    number = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(":")
        value = value.strip()
        if line.startswith(("---", "name:")):
            zones, given = {"_dns_error.org": {"*": "SERVFAIL"}, "_dns_error.test.org": {"*": "SERVFAIL"}}, {}
        elif key in ("spf", "exp", "a", "aaaa", "mx", "ptr"):
            add_record(zones, key, value)
        elif key in ("domain", "sender", "ip"):
            given[key] = value
        elif key == "expect":
            number += 1
            result, _, explanation = value.partition(" ")
            yield Case(f"{path.stem}/{number}", dict(zones), given["ip"], given["domain"], given.get("sender") or f"postmaster@{given['domain']}",
                       given["domain"], (result,), explanation, both=True)


async def outcome(case: Case) -> str:
    """"" where it is as expected, else what came out."""
    world = RecordedWorld(zones=case.zones)
    found = await check_host(case.ip, case.domain, case.mail_from, case.helo, world)
    sender_domain = case.mail_from.rpartition("@")[2]
    if case.both and found.result == "pass" and sender_domain != case.domain:
        found = await check_host(case.ip, sender_domain, case.mail_from, case.helo, world)
    if found.result not in case.expected:
        return f"{found.result} ({found.problem}), expected {' or '.join(case.expected)}"
    if case.explanation and found.result == "fail" and found.explanation != case.explanation:
        return f"explanation {found.explanation!r}, expected {case.explanation!r}"
    return ""


def spf(paths: list[Path]) -> int:
    """Run SPF suites; the exit code is 1 where something is not as the suite wants."""
    wrong = total = 0
    for path in paths:
        for case in (yaml_cases if "zonedata:" in path.read_text(encoding="utf-8") else line_cases)(path):
            total += 1
            told = asyncio.run(outcome(case))
            wrong += bool(told)
            if told:
                print(f"{case.name}: {told}")
    print(f"spf: {total - wrong} of {total} as the suites want")
    return int(wrong > 0)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "spf":
        sys.exit(__doc__)
    sys.exit(spf([Path(name) for name in sys.argv[2:]]))
