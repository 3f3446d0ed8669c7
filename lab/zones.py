"""All the zones, and their two forms: the table of a RecordedWorld, and the files of knot, unbound and rbldnsd."""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from . import domains
from .scenario import (
    AUTH,
    AUTH_TOO,
    BLOCKLISTS,
    CLIENT,
    EXCHANGERS,
    FAULTY,
    HOLE,
    RBL,
    RECEIVERS,
    SCRIPTED,
    SECURE,
    SENDERS,
    SERVICES,
    SINK,
    SIX,
    WEB,
    Blocklist,
    Sender,
)

Records = dict[str, dict[str, list[str]]]
SIGNED_PARENTS = ("", "test", "arpa", "in-addr.arpa", "ip6.arpa", "lab.test")
WORLD_CODE = {"world": "127.0.0.2", "refusing": "127.255.255.254"}


@dataclass
class Zone:
    """One zone: records by relative name ("@" the apex), or the state it is in."""

    name: str
    records: Records = field(default_factory=dict)
    signed: bool = False
    state: str = ""  # SERVFAIL TIMEOUT LAME BOGUS; LISTS: rbldnsd serves it


def reverse(ip: str) -> str:
    """The name under which an address is looked up, without the "arpa" part: also how blocklists are asked (RFC 5782 2.1)."""
    return ipaddress.ip_address(ip).reverse_pointer.rsplit(".", 2)[0]


def _sender(one: Sender) -> Zone:
    records: Records = {"@": {"MX": ["10 mx"], "TXT": [one.policy]}, "mx": {"A": [SINK]}, "out": {"A": [one.ip]}}
    records["sel._domainkey"] = {"TXT": [f"v=DKIM1; k=rsa; p={domains.RSA_2048}"]}
    if one.dmarc:
        records["_dmarc"] = {"TXT": [one.dmarc.format(domain=one.domain)]}
    if one.ipv6:
        records["out"]["AAAA"] = [one.ipv6]
    return Zone(one.domain, records)


def _pointers() -> dict[str, str]:
    found = {ip: f"mx.{name}" for name, ip in reversed(RECEIVERS.items())}
    for one in SENDERS.values():
        name = one.helo if one.pointer is None else one.pointer
        found |= {ip: name for ip in (one.ip, one.ipv6) if ip and name}
    return found | {SINK: "mx.good.test", CLIENT: "client.lab.test", SERVICES: "services.lab.test", SECURE: "mx.dane.test", SIX: "mx.six.postfix.test"}


def _reverse_zones() -> Iterable[Zone]:
    pointers = _pointers()
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"):
        net = ipaddress.ip_network(network)
        cut = 3 if net.version == 4 else 8
        apex = ".".join(ipaddress.ip_address(net.network_address).reverse_pointer.split(".")[-cut - 2 :])
        inside = {ip: name for ip, name in pointers.items() if ipaddress.ip_address(ip) in net}
        yield Zone(apex, {ipaddress.ip_address(ip).reverse_pointer.removesuffix("." + apex): {"PTR": [name + "."]} for ip, name in inside.items()})


def _odd() -> Iterable[Zone]:
    """Zones for the name service itself: chains, big answers, many answers, wildcards, signatures."""
    chain: Records = {f"c{step}": {"CNAME": [f"c{step + 1}"]} for step in range(8)}
    yield Zone("cname.test", chain | {"c8": {"A": [WEB]}, "self": {"CNAME": ["self"]}, "out": {"CNAME": ["mx.good.test."]}, "dangling": {"CNAME": ["gone.cname.test."]}})
    yield Zone("big.test", {"@": {"TXT": ["k" * 40_000]}, "many": {"A": [f"192.0.2.{n}" for n in range(1, 201)]}, "terms": {"TXT": ["v=spf1 " + "ip4:192.0.2.1 " * 4000 + "-all"]}})
    yield Zone("wild.test", {"*": {"TXT": ["v=spf1 -all"], "A": [WEB]}, "@": {"A": [WEB]}})
    yield Zone("signed.test", {"@": {"MX": ["10 mx"], "TXT": ["v=spf1 mx -all"]}, "mx": {"A": [SECURE]}}, signed=True)
    yield Zone("strange.test", {"@": {"TXT": ["a \"quoted\" \\ text; é"]}, "_spf": {"TXT": ["v=spf1 exists:%{ir}.%{v}.strange.test -all"]}})
    for number in range(200):  # weight: a few hundred zones like any other
        yield Zone(f"bulk{number}.test", domains.good(f"bulk{number}.test"))


@cache
def zones(tlsa: str = "ab" * 32) -> dict[str, Zone]:
    """Every zone but the root and the top; `tlsa` is the hash of the key of the servers."""
    found = [_sender(one) for one in SENDERS.values()]
    found += [Zone(f"{mta}.test") for mta in ("postfix", "exim", "opensmtpd")]
    for name, ip in RECEIVERS.items():
        found.append(Zone(name, {"@": {"MX": ["10 mx"], "TXT": ["v=spf1 mx -all"]}, "mx": {"A": [ip]}}, signed=name.startswith("dane")))
    found.append(Zone("six.postfix.test", {"@": {"MX": ["10 mx"]}, "mx": {"AAAA": [SIX]}}))
    found += [Zone(domain, {"@": {"MX": [f"10 {name}."]}}) for domain, name in EXCHANGERS.items()]
    found += [Zone(name, {"@": {"A": [SCRIPTED]}}) for name in EXCHANGERS.values()]
    found += [Zone(name, domains.good(name), signed=name == "fine.test") for name in domains.GOOD]
    found += [Zone(one.name, domains.records(one), one.signed, one.state) for one in domains.BROKEN]
    found += [*_reverse_zones(), *_odd(), *(Zone(one.zone, _list_records(one), state="LISTS") for one in BLOCKLISTS)]
    table = {zone.name: zone for zone in found}
    for name in ("sts.test", "stsbad.test"):
        table[name].records |= {"_mta-sts": {"TXT": ["v=STSv1; id=20260101"]}, "mta-sts": {"A": [WEB]}, "_smtp._tls": {"TXT": [f"v=TLSRPTv1; rua=mailto:tls@{name}"]}}
    table["dane.test"].records["_25._tcp.mx"] = {"TLSA": [f"3 1 1 {tlsa}"]}
    table["lab.test"] = Zone("lab.test", {"ns1": {"A": [AUTH]}, "ns2": {"A": [AUTH_TOO]}, "hole": {"A": [HOLE]}, "faulty": {"A": [FAULTY]}, "rbl": {"A": [RBL]},
                                          "client": {"A": [CLIENT]}, "services": {"A": [SERVICES]}}, signed=True)
    return table


def _list_records(one: Blocklist) -> Records:
    """What a blocklist answers, as records."""
    if one.health in WORLD_CODE:
        return {"*": {"A": [WORLD_CODE[one.health]]}}
    if one.health == "emptied":
        return {}
    test = [("TEST", "127.0.1.2")] if one.names else [("127.0.0.2", "127.0.0.2")]  # RFC 5782 5
    return {(what if one.names else reverse(what)).lower(): {"A": [code], "TXT": ["https://check.lab.test/"]} for what, code in (*test, *one.listed)}


def absolute(name: str, zone: str) -> str:
    """A name of a record as it stands in a zone, without the final dot: names with a dot in the middle stand for themselves."""
    if name == "@":
        return zone
    return name.rstrip(".") if name.endswith(".") or "." in name else f"{name}.{zone}"


def _whole(rrtype: str, value: str, zone: str) -> str:
    if rrtype == "MX":
        preference, name = value.split()
        return f"{preference} {'.' if name == '.' else absolute(name, zone)}"
    return absolute(value, zone) if rrtype in ("CNAME", "PTR", "NS") else value


def table() -> dict[str, dict[str, Any]]:
    """The zones as a RecordedWorld takes them: {name: {type: [values]}}."""
    found: dict[str, dict[str, Any]] = {}
    for zone in zones().values():
        if zone.state in ("SERVFAIL", "TIMEOUT", "LAME", "BOGUS"):
            found |= {name: {"*": zone.state} for name in (zone.name, f"*.{zone.name}")}
            continue
        found.setdefault(zone.name, {})["NS"] = ["ns1.lab.test", "ns2.lab.test"]
        found[zone.name]["SOA"] = ["ns1.lab.test hostmaster.lab.test 1 3600 600 604800 60"]
        for name, types in zone.records.items():
            here = found.setdefault(zone.name if name == "@" else f"{name}.{zone.name}", {})
            here |= {rrtype: [_whole(rrtype, value, zone.name) for value in values] for rrtype, values in types.items()}
    return found


# ---- the files of the real servers


def _text(value: str) -> str:
    """TXT in presentation form: character-strings of 255 bytes, everything unusual escaped (RFC 1035 5.1)."""
    raw = value.encode()
    parts = [raw[at : at + 255] for at in range(0, len(raw), 255) or (0,)]
    return " ".join('"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\;' else f"\\{byte:03d}" for byte in part) + '"' for part in parts)


def _dotted(rrtype: str, value: str, zone: str) -> str:
    if rrtype == "TXT":
        return _text(value)
    whole = _whole(rrtype, value, zone)
    return whole if whole.endswith(".") or rrtype not in ("MX", "CNAME", "PTR", "NS") else whole + "."


def zone_file(zone: Zone, children: Iterable[str] = ()) -> str:
    """A master file."""
    lines = [f"$ORIGIN {zone.name}." if zone.name else "$ORIGIN .", "$TTL 300", "@ SOA ns1.lab.test. hostmaster.lab.test. 1 3600 600 604800 60", "@ NS ns1.lab.test.", "@ NS ns2.lab.test."]
    lines += [f"{name} {rrtype} {_dotted(rrtype, value, zone.name)}" for name, types in zone.records.items() for rrtype, values in types.items() for value in values]
    return "\n".join((*lines, *children, ""))


def parent(name: str, names: Iterable[str]) -> str:
    """The closest zone above."""
    while name:
        name = name.partition(".")[2]
        if name in names:
            return name
    return ""


def delegation(zone: Zone, ds: str) -> list[str]:
    """What the parent says of a zone."""
    servers = {"SERVFAIL": ["faulty"], "TIMEOUT": ["hole"], "LISTS": ["rbl"], "LAME": ["rbl"]}.get(zone.state, ["ns1", "ns2"])
    lines = [f"{zone.name}. NS {server}.lab.test." for server in servers]
    if zone.name == "lab.test":
        lines += [f"{server}.lab.test. A {ip}" for server, ip in (("ns1", AUTH), ("ns2", AUTH_TOO))]
    return [*lines, f"{zone.name}. DS {ds}"] if ds else lines


def all_zones(tlsa: str) -> dict[str, Zone]:
    """The zones with everything above them, up to the root."""
    found = dict(zones(tlsa))
    for name in list(found):
        while name := name.partition(".")[2]:
            if name.count(".") == 0 or name in SIGNED_PARENTS:
                found.setdefault(name, Zone(name))
    found[""] = Zone("", {})
    for name in SIGNED_PARENTS:
        found[name].signed = True
    return found


def rbldnsd_file(one: Blocklist) -> str:
    """A data set of rbldnsd."""
    head = "$SOA 300 rbl.lab.test hostmaster.lab.test 0 600 300 86400 60\n$NS 300 rbl.lab.test\n:127.0.0.2:https://check.lab.test/$\n"
    if one.health in WORLD_CODE:
        return head + f"0.0.0.0/0 :{WORLD_CODE[one.health]}:world\n"
    if one.health == "emptied":
        return head
    test = [("test", "127.0.1.2")] if one.names else [("127.0.0.2", "127.0.0.2")]
    return head + "".join(f"{what} :{code}:https://check.lab.test/\n" for what, code in (*test, *one.listed))


def rbldnsd_arguments(folder: Path) -> list[str]:
    """The zones as rbldnsd wants them named."""
    return [f"{one.zone}:{'dnset' if one.names else 'ip4trie'}:{folder / one.zone}" for one in BLOCKLISTS]


