"""Whole domains, as they are found in the world: what an audit has to complain of, and nothing else.

Each set-up is a healthy domain with one thing changed, or a set-up of its own; the table says exactly which findings are warn or fail.
"""
from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from dkim_signer import ed25519_key, record, rsa_key, sign

from fivefifty.audit import audit
from fivefifty.mailauth.dnsbl import default_lists
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

NOW = datetime(2026, 6, 1, tzinfo=UTC)
IP, IP6, OTHER = "192.0.2.25", "2001:db8::25", "198.51.100.25"
POLICY = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800\n"
LAB = {"documentation_addresses": "public"}  # RFC 5737 addresses stand for public ones
SOA = "ns1.example.net. hostmaster.example.org. 2026060101 7200 3600 1209600 3600"
KEY = record(rsa_key(2048))
MAIL = (b"From: Ann <ann@example.org>\r\nTo: bob@example.com\r\nSubject: Hello\r\nDate: Mon, 01 Jun 2026 00:00:00 +0000\r\n"
        b"Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Bob.\r\n")


def reverse(ip):
    from ipaddress import ip_address

    return ip_address(ip).reverse_pointer


def lists():
    """Blocklists that work and list nobody."""
    made = {f"2.0.0.127.{one.zone}": {"A": ["127.0.0.2"]} for one in default_lists("ip")}
    return made | {f"test.{one.zone}": {"A": ["127.0.0.254"]} for one in default_lists("domain")}


BASE = {
    "org": {"NS": ["a0.nic.example"]}, "example.net": {"NS": ["ns1.example.net"]},
    "example.org": {"MX": ["10 mx.example.org"], "TXT": ["v=spf1 mx -all"], "A": [IP], "AAAA": [IP6], "NS": ["ns1.example.net", "ns2.example.com"], "SOA": SOA,
                    "CAA": ['0 issue "ca.example"']},
    "mx.example.org": {"A": [IP], "AAAA": [IP6], "TXT": ["v=spf1 a -all"]},
    "ns1.example.net": {"A": ["203.0.113.1"]}, "ns2.example.com": {"A": ["198.51.100.2"]},
    reverse(IP): {"PTR": ["mx.example.org"]}, reverse(IP6): {"PTR": ["mx.example.org"]},
    "s1._domainkey.example.org": {"TXT": [KEY]},
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@example.org"]},
    "_mta-sts.example.org": {"TXT": ["v=STSv1; id=20260101;"]}, "mta-sts.example.org": {"A": [IP]},
    "_smtp._tls.example.org": {"TXT": ["v=TLSRPTv1; rua=mailto:tls@example.org"]},
    **lists(),
}
PAGES = {"https://mta-sts.example.org/.well-known/mta-sts.txt": POLICY}
SENDING = {"domain": "example.org", "sending_ips": (IP,), "helo_name": "mx.example.org", "envelope_sender": "ann@example.org", "selectors": ("s1",), "smtp": False}


def run(change=None, pages=PAGES, **subject):
    """The findings for the healthy domain with some names changed (None removes one)."""
    zones = {name: types for name, types in (BASE | (change or {})).items() if types is not None}
    world = RecordedWorld(zones, https=pages, now=NOW)
    return asyncio.run(audit(Subject(**{**SENDING, "settings": LAB, **subject}), world))


def complaints(found):
    return sorted({(one.check, one.outcome) for one in found if one.outcome in ("warn", "fail", "crashed")})


def domain(**types):
    """example.org with some types changed (None removes one)."""
    return {"example.org": {key: value for key, value in (BASE["example.org"] | types).items() if value is not None}}


SETUPS = {}
GOOGLE = {
    "_spf.google.com": {"TXT": ["v=spf1 include:_netblocks.google.com include:_netblocks2.google.com include:_netblocks3.google.com ~all"]},
    "_netblocks.google.com": {"TXT": ["v=spf1 ip4:209.85.128.0/17 ip4:74.125.0.0/16 ~all"]},
    "_netblocks2.google.com": {"TXT": ["v=spf1 ip6:2001:4860:4000::/36 ip6:2404:6800:4000::/36 ~all"]},
    "_netblocks3.google.com": {"TXT": ["v=spf1 ip4:172.217.0.0/19 ~all"]},
    "smtp.google.com": {"A": ["142.250.27.26"], "AAAA": ["2a00:1450:4025:401::1a"]},
    "41.220.85.209.in-addr.arpa": {"PTR": ["mail-sor-f41.google.com"]}, "mail-sor-f41.google.com": {"A": ["209.85.220.41"], "TXT": ["v=spf1 include:_netblocks.google.com ~all"]},
    "google._domainkey.example.org": {"TXT": [KEY]},
}
MICROSOFT = {
    "spf.protection.outlook.com": {"TXT": ["v=spf1 ip4:40.92.0.0/15 ip4:40.107.0.0/16 ip4:52.100.0.0/15 ip4:52.102.0.0/16 ip6:2a01:111:f403::/49 -all"]},
    "example-org.mail.protection.outlook.com": {"A": ["52.101.68.1", "52.101.68.2"]},
    "selector1._domainkey.example.org": {"CNAME": ["selector1-example-org._domainkey.example.onmicrosoft.com"]},
    "selector2._domainkey.example.org": {"CNAME": ["selector2-example-org._domainkey.example.onmicrosoft.com"]},
    "selector1-example-org._domainkey.example.onmicrosoft.com": {"TXT": [KEY]},
    "selector2-example-org._domainkey.example.onmicrosoft.com": {"TXT": [record(rsa_key(2049))]},
    "77.22.107.40.in-addr.arpa": {"PTR": ["mail-am6eur05on2077.outbound.protection.outlook.com"]},
    "mail-am6eur05on2077.outbound.protection.outlook.com": {"A": ["40.107.22.77"], "TXT": ["v=spf1 include:spf.protection.outlook.com -all"]},
}
SES = {
    "bounce.example.org": {"MX": ["10 feedback-smtp.eu-west-1.amazonses.com"], "TXT": ["v=spf1 include:amazonses.com ~all"]},
    "feedback-smtp.eu-west-1.amazonses.com": {"A": ["54.240.1.1"]},
    "amazonses.com": {"TXT": ["v=spf1 ip4:199.255.192.0/22 ip4:54.240.0.0/18 -all"]},
    "10.7.240.54.in-addr.arpa": {"PTR": ["a7-10.smtp-out.eu-west-1.amazonses.com"]}, "a7-10.smtp-out.eu-west-1.amazonses.com": {"A": ["54.240.7.10"], "TXT": ["v=spf1 include:amazonses.com -all"]},
    "abcdefgh._domainkey.example.org": {"CNAME": ["abcdefgh.dkim.amazonses.com"]}, "abcdefgh.dkim.amazonses.com": {"TXT": [KEY]},
}
PARKED = {
    "example.org": {"MX": ["0 ."], "TXT": ["v=spf1 -all"], "NS": ["ns1.example.net", "ns2.example.com"], "SOA": SOA, "A": ["203.0.113.80"]},
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]}, "*._domainkey.example.org": {"TXT": ["v=DKIM1; p="]},
    "s1._domainkey.example.org": None, "_mta-sts.example.org": None, "mta-sts.example.org": None, "_smtp._tls.example.org": None,
}
ALONE = {"sending_ips": (), "helo_name": "", "envelope_sender": "", "selectors": ()}  # only the domain is known
SETUPS |= {
    "healthy": ({}, {}),
    "healthy, only the domain known": ({}, ALONE),
    "healthy, sends over IPv6": ({}, {"sending_ips": (IP6,)}),
    "healthy, with the mail": ({}, {"message": sign(MAIL, rsa_key(2048))}),
    "google workspace": (domain(MX=["1 smtp.google.com"], TXT=["v=spf1 include:_spf.google.com ~all", "google-site-verification=abc"]) | GOOGLE,
                         {"sending_ips": ("209.85.220.41",), "helo_name": "mail-sor-f41.google.com", "selectors": ("google",), "mta": "smtp.google.com"}),
    "microsoft 365": (domain(MX=["0 example-org.mail.protection.outlook.com"], TXT=["v=spf1 include:spf.protection.outlook.com -all"]) | MICROSOFT,
                      {"sending_ips": ("40.107.22.77",), "helo_name": "mail-am6eur05on2077.outbound.protection.outlook.com", "selectors": (), "mta": "*.mail.protection.outlook.com"}),
    "ses with custom MAIL FROM": (SES, {"sending_ips": ("54.240.7.10",), "helo_name": "a7-10.smtp-out.eu-west-1.amazonses.com", "selectors": ("abcdefgh",), "envelope_sender": "0100-0@bounce.example.org",
                                        "message": sign(MAIL, rsa_key(2048), selector="abcdefgh")}),
    "mailchimp and own server": (domain(TXT=["v=spf1 mx include:servers.mcsv.net -all"]) | {
        "servers.mcsv.net": {"TXT": ["v=spf1 ip4:205.201.128.0/20 ip4:198.2.128.0/18 ip4:148.105.8.0/21 -all"]},
        "k2._domainkey.example.org": {"CNAME": ["dkim2.mcsv.net"]}, "k3._domainkey.example.org": {"CNAME": ["dkim3.mcsv.net"]}, "dkim2.mcsv.net": {"TXT": [KEY]}, "dkim3.mcsv.net": {"TXT": [record(rsa_key(2049))]}}, {}),
    "parked as it should be": (PARKED, ALONE),
    "parked without null MX": (PARKED | {"example.org": {key: value for key, value in PARKED["example.org"].items() if key != "MX"}}, ALONE),
    "no mail at all": ({"example.org": {"NS": ["ns1.example.net", "ns2.example.com"], "SOA": SOA}, "_dmarc.example.org": None, "s1._domainkey.example.org": None,
                        "_mta-sts.example.org": None, "mta-sts.example.org": None, "_smtp._tls.example.org": None}, ALONE),
    "does not exist": ({name: None for name in BASE if name.endswith("example.org")}, ALONE),
    "implicit MX": (domain(MX=None, TXT=["v=spf1 a -all"]) | {"_mta-sts.example.org": None, "mta-sts.example.org": None, "_smtp._tls.example.org": None}, ALONE),
    "no TLS policies": ({"_mta-sts.example.org": None, "mta-sts.example.org": None, "_smtp._tls.example.org": None}, {}),
    "IPv4 only": (domain(AAAA=None) | {"mx.example.org": {"A": [IP], "TXT": ["v=spf1 a -all"]}}, {}),
    "two SPF records": (domain(TXT=["v=spf1 mx -all", "v=spf1 include:_spf.google.com ~all"]) | GOOGLE, {}),
    "12 lookups": (domain(TXT=["v=spf1 " + " ".join(f"include:s{n}.example.net" for n in range(11)) + " mx -all"]) | {f"s{n}.example.net": {"TXT": [f"v=spf1 ip4:203.0.113.{n} -all"]} for n in range(11)}, {}),
    "10 lookups": (domain(TXT=["v=spf1 " + " ".join(f"include:s{n}.example.net" for n in range(9)) + " mx -all"]) | {f"s{n}.example.net": {"TXT": [f"v=spf1 ip4:203.0.113.{n} -all"]} for n in range(9)}, {}),
    "softfail and reject": (domain(TXT=["v=spf1 mx ~all"]), {}),
    "softfail from a stranger": (domain(TXT=["v=spf1 mx ~all"]), {"sending_ips": (OTHER,), "helo_name": "mail.example.com"}),
    "no SPF": (domain(TXT=["hello"]), {}),
    "SPF +all": (domain(TXT=["v=spf1 mx +all"]), {}),
    "SPF ?all": (domain(TXT=["v=spf1 mx ?all"]), {}),
    "SPF without all": (domain(TXT=["v=spf1 mx"]), {}),
    "SPF typo": (domain(TXT=["v=spf1 ipv4:192.0.2.25 -all"]), {}),
    "SPF with two redirects to a provider": (domain(TXT=["v=spf1 redirect=_spf.example.net"]) | {"_spf.example.net": {"TXT": [f"v=spf1 ip4:{IP} -all"]}}, {}),
    "dangling include": (domain(TXT=["v=spf1 mx include:gone.example.net -all"]), {}),
    "include without SPF": (domain(TXT=["v=spf1 mx include:ns1.example.net -all"]), {}),
    "SPF not for this IP": (domain(TXT=["v=spf1 ip4:203.0.113.7 -all"]), {}),
    "p=none without rua": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=none"]}}, {}),
    "p=none with rua": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=none; rua=mailto:d@example.org"]}}, {}),
    "p=quarantine": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=quarantine; rua=mailto:d@example.org"]}}, {}),
    "p=reject with pct": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; pct=100; rua=mailto:d@example.org"]}}, {}),
    "no DMARC": ({"_dmarc.example.org": None}, {}),
    "two DMARC records": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}}, {}),
    "DMARC typo": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=rejct; rua=mailto:d@example.org"]}}, {}),
    "DMARC reports elsewhere, allowed": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:x@reports.example.net"]}, "example.org._report._dmarc.reports.example.net": {"TXT": ["v=DMARC1"]},
                                          "reports.example.net": {"MX": ["10 mx.example.org"]}}, {}),
    "DMARC reports elsewhere, not allowed": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:x@reports.example.net"]}, "reports.example.net": {"MX": ["10 mx.example.org"]}}, {}),
    "subdomain sender, parent sp=reject": ({"_dmarc.example.org": {"TXT": ["v=DMARC1; p=none; sp=reject; rua=mailto:d@example.org"]}, "news.example.org": {"MX": ["10 mx.example.org"], "TXT": ["v=spf1 mx -all"]},
                                            "s1._domainkey.news.example.org": {"TXT": [KEY]}}, {"domain": "news.example.org", "envelope_sender": "a@news.example.org"}),
    "subdomain without anything": ({}, {"domain": "news.example.org", "envelope_sender": "a@news.example.org", "selectors": ()}),
    "wildcard TXT": ({"*.example.org": {"TXT": ["v=spf1 -all"]}}, {}),
    "wildcard A": ({"*.example.org": {"A": ["203.0.113.80"]}}, {}),
    "DKIM 1024": ({"s1._domainkey.example.org": {"TXT": [record(rsa_key(1024))]}}, {}),
    "DKIM revoked": ({"s1._domainkey.example.org": {"TXT": ["v=DKIM1; p="]}}, {}),
    "DKIM testing": ({"s1._domainkey.example.org": {"TXT": [record(rsa_key(2048), "t=y; ")]}}, {}),
    "DKIM ed25519 only": ({"s1._domainkey.example.org": {"TXT": [record(ed25519_key())]}}, {}),
    "DKIM selector missing": ({"s1._domainkey.example.org": None}, {}),
    "DKIM cut off": ({"s1._domainkey.example.org": {"TXT": [KEY[:200]]}}, {}),
    "mail not signed": ({}, {"message": MAIL}),
    "mail signed by the service only": (SES, {"message": sign(MAIL, rsa_key(2048), domain="amazonses.com", selector="x"), "sending_ips": ("54.240.7.10",), "helo_name": "a7-10.smtp-out.eu-west-1.amazonses.com",
                                              "envelope_sender": "0@eu-west-1.amazonses.com"}),
    "MTA-STS misses an MX": (domain(MX=["10 mx.example.org", "20 mx2.example.net"]) | {"mx2.example.net": {"A": [OTHER]}}, {}),
    "MTA-STS without the file": ({}, {"pages": {}}),
    "DANE without DNSSEC": ({"_25._tcp.mx.example.org": {"TLSA": ["3 1 1 " + "ab" * 32]}}, {}),
    "MX alias": (domain(MX=["10 mail.example.org"]) | {"mail.example.org": {"CNAME": ["mx.example.org"]}}, {"pages": {"https://mta-sts.example.org/.well-known/mta-sts.txt": POLICY.replace("mx: mx.", "mx: *.")}}),
    "MX is an address": (domain(MX=[f"10 {IP}"]), {}),
    "MX private": ({"mx.example.org": {"A": ["10.0.0.1"]}}, {}),
    "MX gone": ({"mx.example.org": None}, {}),
    "one of two MX gone": (domain(MX=["10 mx.example.org", "20 old.example.org"]), {}),
    "PTR generic": ({reverse(IP): {"PTR": ["192-0-2-25.static.isp.example"]}, "192-0-2-25.static.isp.example": {"A": [IP]}}, {}),
    "PTR dynamic": ({reverse(IP): {"PTR": ["192-0-2-25.dynamic.isp.example"]}, "192-0-2-25.dynamic.isp.example": {"A": [IP]}}, {}),
    "PTR missing": ({reverse(IP): None}, {}),
    "PTR does not lead back": ({reverse(IP): {"PTR": ["other.example.com"]}, "other.example.com": {"A": [OTHER]}}, {}),
    "PTR servfail": ({reverse(IP): {"PTR": "SERVFAIL"}}, {}),
    "HELO localhost": ({}, {"helo_name": "localhost.localdomain"}),
    "HELO unknown name": ({}, {"helo_name": "nowhere.example.com"}),
    "HELO of another": ({"mail.example.com": {"A": [OTHER]}}, {"helo_name": "mail.example.com"}),
    "on the PBL only": ({f"{reverse(IP)[:-13]}.zen.spamhaus.org": {"A": ["127.0.0.11"]}}, {}),
    "on the SBL": ({f"{reverse(IP)[:-13]}.zen.spamhaus.org": {"A": ["127.0.0.2"]}}, {}),
    "ZEN refuses the resolver": ({"2.0.0.127.zen.spamhaus.org": {"A": ["127.255.255.254"]}, f"{reverse(IP)[:-13]}.zen.spamhaus.org": {"A": ["127.255.255.254"]}}, {}),
    "domain on the DBL": ({"example.org.dbl.spamhaus.org": {"A": ["127.0.1.2"]}}, {}),
    "the null sender": ({}, {"envelope_sender": "<>"}),
    "private sending IP": ({}, {"sending_ips": ("10.1.2.3",)}),
    "IPv6 without PTR": ({reverse(IP6): None}, {"sending_ips": (IP6,)}),
    "SERVFAIL for TXT": (domain(TXT="SERVFAIL"), {}),
    "everything SERVFAIL": ({name: {"*": "SERVFAIL"} for name in BASE if "example" in name or "arpa" in name}, {}),
    "one name server": (domain(NS=["ns1.example.net"]), {}),
    "apex CNAME": ({"example.org": {"CNAME": ["web.example.net"]}, "web.example.net": {"A": ["203.0.113.80"]}}, {}),
}


def found_of(name):
    change, subject = SETUPS[name]
    subject = dict(subject)
    pages = subject.pop("pages", PAGES)
    if mta := subject.pop("mta", ""):
        pages = {url: POLICY.replace("mx.example.org", mta) for url in PAGES}
    return run(change, pages, **subject)


# What must come out: the checks that fail or warn, each once.  Everything else passes, is not known, or does not apply.
EXPECTED = {
    "healthy": ("", ""),
    "healthy, only the domain known": ("", ""),
    "healthy, sends over IPv6": ("", ""),
    "healthy, with the mail": ("", ""),
    "google workspace": ("", ""),
    "microsoft 365": ("", "receiving.ipv6"),
    "ses with custom MAIL FROM": ("", ""),
    "mailchimp and own server": ("", ""),
    "parked as it should be": ("", ""),
    "parked without null MX": ("", "dmarc.report_address hosting.parked receiving.mx"),
    "no mail at all": ("dkim.key_found dmarc.bulk_requirements dmarc.record receiving.mx receiving.sender_domain_resolves", "hosting.parked spf.parked spf.record"),
    "does not exist": ("dmarc.bulk_requirements dmarc.record receiving.mx receiving.sender_domain_resolves", ""),
    "implicit MX": ("", "receiving.mx"),
    "no TLS policies": ("", "transport.mta_sts_record transport.tls_rpt"),
    "IPv4 only": ("", "receiving.ipv6"),
    "two SPF records": ("dmarc.bulk_requirements spf.authorised spf.record", "dmarc.alignment"),
    "12 lookups": ("dmarc.bulk_requirements spf.authorised spf.lookups", "dmarc.alignment"),
    "10 lookups": ("", "spf.lookups"),
    "softfail and reject": ("", ""),
    "softfail from a stranger": ("dmarc.bulk_requirements sending.iprev sending.ptr", "dmarc.alignment sending.helo spf.authorised"),
    "no SPF": ("dmarc.bulk_requirements", "dmarc.alignment spf.authorised spf.record"),
    "SPF +all": ("spf.all", ""),
    "SPF ?all": ("", "spf.all"),
    "SPF without all": ("", "spf.all"),
    "SPF typo": ("dmarc.bulk_requirements spf.authorised spf.syntax", "dmarc.alignment"),
    "SPF with two redirects to a provider": ("", ""),
    "dangling include": ("spf.include_target", ""),
    "include without SPF": ("spf.include_target", ""),
    "SPF not for this IP": ("dmarc.bulk_requirements spf.authorised", "dmarc.alignment"),
    "p=none without rua": ("", "dmarc.report_address"),
    "p=none with rua": ("", ""),
    "p=quarantine": ("", ""),
    "p=reject with pct": ("", "dmarc.removed_tags"),
    "no DMARC": ("dmarc.bulk_requirements dmarc.record", ""),
    "two DMARC records": ("dmarc.bulk_requirements dmarc.multiple dmarc.record", ""),
    "DMARC typo": ("dmarc.syntax", ""),
    "DMARC reports elsewhere, allowed": ("", ""),
    "DMARC reports elsewhere, not allowed": ("", "dmarc.external_reports"),
    "subdomain sender, parent sp=reject": ("", "transport.mta_sts_record transport.tls_rpt"),
    "subdomain without anything": ("dmarc.bulk_requirements receiving.mx receiving.sender_domain_resolves", "dmarc.alignment spf.authorised"),
    "wildcard TXT": ("", ""),
    "wildcard A": ("", ""),
    "DKIM 1024": ("", "dkim.key_strength"),
    "DKIM revoked": ("", "dkim.revoked"),
    "DKIM testing": ("", "dkim.testing"),
    "DKIM ed25519 only": ("", "dkim.key_strength"),
    "DKIM selector missing": ("dkim.key_found", ""),
    "DKIM cut off": ("dkim.syntax", ""),
    "mail not signed": ("dmarc.bulk_requirements", "dkim.signature dmarc.alignment"),
    "mail signed by the service only": ("dkim.key_found dkim.signature dmarc.alignment dmarc.bulk_requirements receiving.sender_domain_resolves", "service.sender spf.authorised spf.record"),
    "MTA-STS misses an MX": ("transport.mta_sts_mx", ""),
    "MTA-STS without the file": ("", ""),
    "DANE without DNSSEC": ("", ""),
    "MX alias": ("", "receiving.mx_cname"),
    "MX is an address": ("dmarc.bulk_requirements receiving.mx receiving.mx_is_name receiving.sender_domain_resolves spf.authorised", "dmarc.alignment"),
    "MX private": ("dmarc.bulk_requirements receiving.mx receiving.mx_public receiving.sender_domain_resolves sending.iprev spf.authorised", "dmarc.alignment receiving.ipv6 sending.helo"),
    "MX gone": ("dmarc.bulk_requirements receiving.mx receiving.mx_resolves receiving.sender_domain_resolves sending.iprev spf.authorised", "dmarc.alignment sending.helo"),
    "one of two MX gone": ("transport.mta_sts_mx", "receiving.mx_resolves"),
    "PTR generic": ("", "sending.generic_name sending.helo_is_ptr"),
    "PTR dynamic": ("", "sending.generic_name sending.helo_is_ptr"),
    "PTR missing": ("dmarc.bulk_requirements sending.iprev sending.ptr", ""),
    "PTR does not lead back": ("dmarc.bulk_requirements sending.iprev", "sending.helo_is_ptr"),
    "PTR servfail": ("", ""),
    "HELO localhost": ("sending.helo", ""),
    "HELO unknown name": ("", "sending.helo sending.helo_is_ptr"),
    "HELO of another": ("", "sending.helo sending.helo_is_ptr"),
    "on the PBL only": ("lists.ip", ""),
    "on the SBL": ("lists.ip", ""),
    "ZEN refuses the resolver": ("", ""),
    "domain on the DBL": ("lists.domain", ""),
    "the null sender": ("", ""),
    "private sending IP": ("", "sending.private_ip"),
    "IPv6 without PTR": ("dmarc.bulk_requirements sending.iprev sending.ipv6 sending.ptr", ""),
    "SERVFAIL for TXT": ("", ""),
    "everything SERVFAIL": ("", ""),
    "one name server": ("", "hosting.nameservers"),
    "apex CNAME": ("dmarc.bulk_requirements transport.mta_sts_mx", "dmarc.alignment receiving.mx receiving.mx_cname spf.authorised spf.record"),
}


@pytest.mark.parametrize("name", SETUPS)
def test_setup(name):
    found = found_of(name)
    assert [one.sentence for one in found if one.outcome == "crashed"] == []
    fails, warns = EXPECTED[name]
    assert {one.check for one in found if one.outcome == "fail"} == set(fails.split())
    assert {one.check for one in found if one.outcome == "warn"} == set(warns.split())


@pytest.mark.parametrize("name", [name for name in SETUPS if name.startswith("healthy")])
def test_a_healthy_domain_has_nothing_to_mend(name):
    assert EXPECTED[name] == ("", "")
