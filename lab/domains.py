"""Domains to audit: a good one of everything, and one for each thing that can be wrong, with the findings a check must come to.

A broken domain is the good one with a few records changed: `Broken(name, changes, expect)`.  `changes` maps a relative name ("@" is the
domain itself) to {type: records, [] to take them away}; `expect` maps a check to its worst outcome.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .scenario import POSTFIX, SECURE, WEB

Records = dict[str, dict[str, list[str]]]
MX = POSTFIX["base"]
RSA_2048 = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlpmnintcMWB+1wJyRQe8tRGwrIYu/Dn1cXBkA0Ilb8ZzBGF8zCibpNQtSzwvKsdoQFId3u7CcUZYKP5utYnICT6HUlJh8elGrtRScOjXJ7mij9G78XbR9HHGkkOi978avrjbPw/ys3Azne1beqvwvPpu/WsFh8OVPXIJbFT5bQpz3/mqgF38xHrJ8HRE4zHicof6fNxznP8tSrmnOFzpmzIHEX/daUN23S2EIb6Tahx3iuEzcUdkxMaIyg6rTfUot3/RPEQOnE1jsL0O+a5mE8kh7vTVwl6uJTaEA7cSaBQV6X3idH+7k6+o0Usxh6DrxuZsYUMM1tSfQRwGeMqiiQIDAQAB"
RSA_1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDAgAiBlqseMDfejJfRM1o3nfIhXfc2xqzwBwgPUVhmt/Idnai2DML4OQB/dBvd3V7DNVl67MBTqd4HjzFTwKhC2y56McJC1YdpahRmWApeuwBuGaeOyAw1zcfijU6/kAnIwjXgYhZyffyBpgmSqys6Fe0hJiBt4QCLdFHZqdIOfQIDAQAB"
RSA_512 = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMzCQt8aVriMrPI+PfXjo5QhLUin46sT3GQEA96InJ6lvtr+XSRVQ31qjp+1jQzJxaRFXxK6QEGxmIptNFEn/LcCAwEAAQ=="
ED25519 = "cRjTs4+LY68ncsQXrqGODg04YeGFrnGshgOjGOzaNZs="


@dataclass(frozen=True)
class Broken:
    """A domain with one fault."""

    name: str
    changes: Mapping[str, Mapping[str, list[str]]]
    expect: Mapping[str, str]
    state: str = ""  # SERVFAIL, TIMEOUT, LAME or BOGUS: what asking for anything in it leads to
    signed: bool = False
    connected: Mapping[str, str] = field(default_factory=dict)  # what connecting to its servers brings to light


def good(name: str) -> Records:
    """The records of a domain with nothing to say against it."""
    return {
        "@": {"MX": [f"10 mx.{name}", f"20 mx2.{name}"], "TXT": ["v=spf1 mx -all"], "A": [MX], "CAA": ['0 issue "ca.example"']},
        "mx": {"A": [MX]},
        "mx2": {"A": [SECURE]},
        "_dmarc": {"TXT": [f"v=DMARC1; p=reject; sp=reject; np=reject; rua=mailto:dmarc@{name}"]},
        "sel._domainkey": {"TXT": [f"v=DKIM1; k=rsa; p={RSA_2048}"]},
        "_mta-sts": {"TXT": ["v=STSv1; id=20260101"]},
        "mta-sts": {"A": [WEB]},
        "_smtp._tls": {"TXT": [f"v=TLSRPTv1; rua=mailto:tls@{name}"]},
    }


def _spf(*records: str) -> dict[str, dict[str, list[str]]]:
    return {"@": {"TXT": list(records)}}


def _dmarc(*records: str) -> dict[str, dict[str, list[str]]]:
    return {"_dmarc": {"TXT": list(records)}}


def _key(*records: str) -> dict[str, dict[str, list[str]]]:
    return {"sel._domainkey": {"TXT": list(records)}}


def _mx(*records: str) -> dict[str, dict[str, list[str]]]:
    return {"@": {"MX": list(records)}}


_CHAIN = {f"i{step}": {"TXT": [f"v=spf1 include:i{step + 1}.manyinc.test -all"]} for step in range(11)} | {"i11": {"TXT": ["v=spf1 -all"]}}
GOOD = ("fine.test", "plainly.test", "audit.test")
BROKEN = (
    # receiving
    Broken("nomx.test", _mx(), {"receiving.mx": "warn"}),  # RFC 5321 5.1: the A record receives
    Broken("nomail.test", {"@": {"MX": [], "A": []}}, {"receiving.mx": "fail"}),
    Broken("nullmx.test", {"@": {"MX": ["0 ."], "A": []}}, {"receiving.null_mx": "pass"}),
    Broken("nulltoo.test", _mx("0 .", "10 mx.nulltoo.test"), {"receiving.null_mx": "fail"}),
    Broken("mxip.test", _mx("10 198.51.100.1"), {"receiving.mx_is_name": "fail"}),
    Broken("mxalias.test", {"@": {"MX": ["10 alias.mxalias.test"]}, "alias": {"CNAME": ["mx.mxalias.test"]}}, {"receiving.mx_cname": "warn"}),
    Broken("mxgone.test", _mx("10 gone.mxgone.test"), {"receiving.mx_resolves": "fail"}),
    Broken("mxprivate.test", {"@": {"MX": ["10 inside.mxprivate.test"]}, "inside": {"A": ["10.1.2.3"]}}, {"receiving.mx_public": "fail"}),
    Broken("mxdouble.test", _mx("10 mx.mxdouble.test", "20 mx.mxdouble.test"), {"receiving.duplicates": "warn"}),
    # SPF
    Broken("nospf.test", _spf(), {"spf.record": "warn"}),
    Broken("twospf.test", _spf("v=spf1 mx -all", "v=spf1 a -all"), {"spf.record": "fail"}),
    Broken("badspf.test", _spf("v=spf1 ip4:192.0.2 -all"), {"spf.syntax": "fail"}),
    Broken("afterall.test", _spf("v=spf1 mx -all ip4:300.1.1.1"), {"spf.syntax": "fail"}),
    Broken("manyinc.test", {**_spf("v=spf1 include:i0.manyinc.test -all"), **_CHAIN}, {"spf.lookups": "fail"}),
    Broken("loopinc.test", _spf("v=spf1 include:loopinc.test -all"), {"spf.loop": "fail"}),
    Broken("deadinc.test", _spf("v=spf1 include:gone.deadinc.test -all"), {"spf.include_target": "fail"}),
    Broken("voids.test", _spf("v=spf1 a:v1.voids.test a:v2.voids.test a:v3.voids.test mx -all"), {"spf.voids": "fail"}),
    Broken("plusall.test", _spf("v=spf1 +all"), {"spf.all": "fail"}),
    Broken("neutral.test", _spf("v=spf1 mx ?all"), {"spf.all": "warn"}),
    Broken("noall.test", _spf("v=spf1 mx"), {"spf.all": "warn"}),
    Broken("ptrspf.test", _spf("v=spf1 ptr mx -all"), {"spf.ptr": "warn"}),
    Broken("slowspf.test", _spf("v=spf1 include:spf.timeout.test -all"), {"spf.temperror": "unknown"}),
    # DKIM
    Broken("weakkey.test", _key(f"v=DKIM1; k=rsa; p={RSA_512}"), {"dkim.key_strength": "fail"}),
    Broken("oldkey.test", _key(f"v=DKIM1; k=rsa; p={RSA_1024}"), {"dkim.key_strength": "warn"}),
    Broken("revoked.test", _key("v=DKIM1; p="), {"dkim.revoked": "warn"}),
    Broken("brokenkey.test", _key(f"v=DKIM1; p={RSA_2048[:100]}"), {"dkim.syntax": "fail"}),
    Broken("testkey.test", _key(f"v=DKIM1; t=y; p={RSA_2048}"), {"dkim.testing": "warn"}),
    Broken("twokeys.test", _key(f"v=DKIM1; p={RSA_2048}", f"v=DKIM1; p={RSA_1024}"), {"dkim.multiple": "warn"}),
    Broken("deadkey.test", {"sel._domainkey": {"TXT": [], "CNAME": ["gone.deadkey.test"]}}, {"dkim.delegation": "fail"}),
    # DMARC
    Broken("nodmarc.test", _dmarc(), {"dmarc.record": "fail"}),
    Broken("twodmarc.test", _dmarc("v=DMARC1; p=none", "v=DMARC1; p=reject"), {"dmarc.multiple": "fail"}),
    Broken("baddmarc.test", _dmarc("v=DMARC1; p=rejcet"), {"dmarc.syntax": "fail"}),
    Broken("nonedmarc.test", _dmarc("v=DMARC1; p=none; rua=mailto:d@nonedmarc.test"), {"dmarc.record": "pass"}),
    Broken("testdmarc.test", _dmarc("v=DMARC1; p=reject; t=y; rua=mailto:d@testdmarc.test"), {"dmarc.testing": "warn"}),
    Broken("elsewhere.test", _dmarc("v=DMARC1; p=reject; rua=mailto:d@nullmx.test"), {"dmarc.external_reports": "warn"}),
    Broken("norua.test", _dmarc("v=DMARC1; p=reject"), {"dmarc.report_address": "warn"}),
    # transport
    Broken("badsts.test", {"_mta-sts": {"TXT": ["v=STSv1;"]}}, {"transport.mta_sts_record": "fail"}),
    Broken("stsbad.test", {"@": {"MX": ["10 mx.stsbad.test"]}, "mx": {"A": [SECURE]}}, {"transport.mta_sts_mx": "fail"}),  # its policy names another MX
    Broken("badtlsrpt.test", {"_smtp._tls": {"TXT": ["v=TLSRPTv1; rua=nobody"]}}, {"transport.tls_rpt": "fail"}),
    Broken("danebad.test", {"@": {"MX": ["10 mx.danebad.test"]}, "mx": {"A": [SECURE]}, "_25._tcp.mx": {"TLSA": ["3 1 1 " + "00" * 32]}}, {"transport.dane": "unknown"}, signed=True, connected={"transport.dane": "fail"}),
    # the name service itself
    Broken("servfail.test", {}, {"receiving.mx": "unknown"}, "SERVFAIL"),
    Broken("timeout.test", {}, {"receiving.mx": "unknown"}, "TIMEOUT"),
    Broken("lame.test", {}, {"receiving.mx": "unknown"}, "LAME"),
    Broken("bogus.test", {}, {"receiving.mx": "unknown"}, "BOGUS"),
    Broken("loop.test", {"www": {"CNAME": ["web.loop.test"]}, "web": {"CNAME": ["www.loop.test"]}, "@": {"MX": ["10 www.loop.test"]}}, {"receiving.mx_resolves": "fail|unknown"}),  # a resolver that answers SERVFAIL to a loop shows none
)


def records(broken: Broken) -> Records:
    """The good records with the changes laid over them."""
    found = {name: dict(types) for name, types in good(broken.name).items()}
    for name, types in broken.changes.items():
        merged = found.setdefault(name, {})
        merged.update(types)
        found[name] = {rrtype: values for rrtype, values in merged.items() if values}
    return {name: types for name, types in found.items() if types}
