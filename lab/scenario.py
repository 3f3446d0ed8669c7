"""The scenario: addresses, senders, receivers and blocklists.  Zones, configuration files, scripted replies and tests all read it here.

Inside its namespace the lab is the whole Internet, so it also plays the well-known blocklists and providers by their own names.
"""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

# The infrastructure, 192.0.2.0/24 (RFC 5737)
RESOLVER, AUTH, RBL = "192.0.2.1", "192.0.2.2", "192.0.2.3"
HOLE, FAULTY = "192.0.2.4", "192.0.2.5"  # name servers: one never answers, one always says SERVFAIL
SERVICES = "192.0.2.20"  # milters, policy services, LMTP
SINK = "192.0.2.25"  # takes every bounce
WEB, CLIENT = "192.0.2.80", "192.0.2.200"
SUBMISSION = {"postfix": "192.0.2.31", "exim": "192.0.2.32", "opensmtpd": "192.0.2.33"}
AUTH_TOO = "203.0.113.2"  # the second address of the name server, in another network

# Receivers, 198.51.100.0/24
REFUSING, SILENT, SPEECHLESS = "198.51.100.250", "198.51.100.251", "198.51.100.252"  # no listener; no SYN-ACK; no greeting
SCRIPTED, SECURE, EXIM, SIX = "198.51.100.60", "198.51.100.20", "198.51.100.40", "2001:db8:25::1"
POSTFIX = {
    name: f"198.51.100.{number}"
    for number, name in enumerate(("base", "dnsbl", "postscreen", "spf", "dmarc", "body", "tlsreq", "ptr", "grey", "ascii", "sender"), 1)
}
OPENSMTPD = {"base": "198.51.100.50", "ptr": "198.51.100.51", "tlsreq": "198.51.100.52"}
USERS = ("alice", "bob", "postmaster", "abuse", "full")
BAD_LINK = "phish.example"


@dataclass(frozen=True)
class Sender:
    """Who sends: the domain in MAIL FROM decides the address the mail leaves from, and what is wrong with it."""

    domain: str
    ip: str
    pointer: str | None = None  # the PTR; None: "out.<domain>", "": there is none
    spf: str = ""  # "": the address is authorised
    dmarc: str = "v=DMARC1; p=none; rua=mailto:reports@{domain}"
    ipv6: str = ""

    @property
    def helo(self) -> str:
        return f"out.{self.domain}"

    @property
    def policy(self) -> str:
        six = f" ip6:{self.ipv6}" if self.ipv6 else ""
        return self.spf or f"v=spf1 ip4:{self.ip}{six} -all"


SENDERS = {
    one.domain: one
    for one in (
        Sender("good.test", "203.0.113.10", ipv6="2001:db8:10::10"),
        Sender("listed.test", "203.0.113.11"),
        Sender("noptr.test", "203.0.113.12", "", ipv6="2001:db8:10::12"),
        Sender("wrongptr.test", "203.0.113.13", "out.good.test"),
        Sender("spffail.test", "203.0.113.14", spf="v=spf1 ip4:192.0.2.99 -all"),
        Sender("spfperm.test", "203.0.113.15", spf="v=spf1 ip4:203.0.113 -all"),
        Sender("dmarcreject.test", "203.0.113.16", spf="v=spf1 ip4:192.0.2.99 ~all", dmarc="v=DMARC1; p=reject; rua=mailto:reports@{domain}"),
        Sender("policyless.test", "203.0.113.17", spf="v=spf1 ?all", dmarc=""),
    )
}

# Blocklists by name: what they list (address or name -> code).  `health`: healthy, emptied, world (lists everything) or refusing
@dataclass(frozen=True)
class Blocklist:
    zone: str
    listed: tuple[tuple[str, str], ...] = ()
    health: str = "healthy"
    names: bool = False  # lists domain names, not addresses


LISTED = SENDERS["listed.test"].ip
BLOCKLISTS = (
    Blocklist("zen.spamhaus.org", ((LISTED, "127.0.0.2"), ("203.0.113.102", "127.0.0.3"), ("203.0.113.104", "127.0.0.4"), ("203.0.113.111", "127.0.0.11"))),
    Blocklist("bl.spamcop.net", ((LISTED, "127.0.0.2"),)),
    Blocklist("b.barracudacentral.org", health="refusing"),
    Blocklist("psbl.surriel.com", health="emptied"),
    Blocklist("bl.mailspike.net", health="world"),
    Blocklist("dbl.spamhaus.org", ((BAD_LINK, "127.0.1.4"), ("listed.test", "127.0.1.2")), names=True),
)

RELAYS = {"dane.test": SECURE, "danebad.test": SECURE, "sts.test": SECURE, "stsbad.test": SECURE, "refusing.test": REFUSING, "silent.test": SILENT, "speechless.test": SPEECHLESS}
RECEIVERS: dict[str, str] = {  # domain -> address of mx.<domain>
    **{f"{name}.postfix.test": ip for name, ip in POSTFIX.items()},
    **{f"{name}.exim.test": EXIM for name in ("base", "dnsbl", "spf", "body", "tlsreq", "ptr", "grey", "size", "lines")},
    **{f"{name}.opensmtpd.test": ip for name, ip in OPENSMTPD.items()},
    **RELAYS,
}
LOCAL_TO_POSTFIX = [*(f"{name}.postfix.test" for name in POSTFIX), "six.postfix.test", *(name for name, ip in RELAYS.items() if ip == SECURE)]

# The replies of receivers that are no program one can install
REPLIES: dict[str, dict[str, dict[str, str]]] = tomllib.loads((HERE / "replies.toml").read_text(encoding="utf-8"))
EXCHANGERS = {domain: replies["mx"]["name"] for domain, replies in REPLIES.items()}


def reply(recipient: str, client: str) -> tuple[str, str]:
    """(when, what) a scripted receiver says to a recipient: "rcpt", "data" or "drop"."""
    user, _, domain = recipient.lower().rpartition("@")
    said = REPLIES.get(domain, {}).get(user)
    if said is None:
        return "rcpt", "250 2.1.5 ok"
    return said.get("at", "rcpt"), said.get("reply", "").strip().replace("{ip}", client).replace("{to}", recipient)


ADDRESSES = sorted({RESOLVER, AUTH, AUTH_TOO, RBL, HOLE, FAULTY, SERVICES, SINK, WEB, CLIENT, SCRIPTED, *SUBMISSION.values(), *RECEIVERS.values(),
                    *(one.ip for one in SENDERS.values())})
ADDRESSES_6 = [SIX, *(one.ipv6 for one in SENDERS.values() if one.ipv6)]
