"""SPF: the grammar, and check_host step by step."""
from __future__ import annotations

import asyncio
import time

import pytest

from fivefifty.errors import InputError
from fivefifty.mailauth.spf import SpfResult, check_host
from fivefifty.mailauth.spf_audit import analyse
from fivefifty.mailauth.spf_macro import as_name, expand, macro_string
from fivefifty.mailauth.spf_record import is_spf, read_record
from fivefifty.world.recorded import RecordedWorld


def check(record, ip="192.0.2.1", mail_from="joe@example.org", helo="mail.example.org", domain="example.org", **zones) -> SpfResult:
    table = {"example.org": {"TXT": record if isinstance(record, list) else [record]}}
    for name, types in zones.pop("zones", {}).items():
        table.setdefault(name, {}).update(types)
    return asyncio.run(check_host(ip, domain, mail_from, helo, RecordedWorld(zones=table)))


@pytest.mark.parametrize("text,right", [("v=spf1", True), ("V=SPF1 -all", True), ("v=spf10", False), ("v=spf1\t-all", False), (" v=spf1", False), ("v=spf1 ", True)])
def test_what_an_spf_record_is(text, right):
    assert is_spf(text) is right


@pytest.mark.parametrize("term", """
all +all a a/24 a//64 a/24//64 a:host.example.org a:host.example.org/0 A:HOST.example.org. mx mx:%{d} mx:%{d}/32//128 include:%{d2}.example.org ptr ptr:example.org
ip4:192.0.2.1 ip4:192.0.2.0/0 ip6:2001:db8::/32 ip6:::ffff:192.0.2.1 ip6:1:2:3:4:5:6:7:8 exists:%{ir}.%{v}.example.org exists:%{l1r+-}.example.org a:foo:bar/baz.example.org
redirect=example.org exp=%{d} moo.cow-far_out=man:dog/cat x= a:x%%y.example.org a:%{dR}.org a:a.xn--p1ai a:a.1-2 exists:a%_b.example.org exists:%{S} a=mistake mx:a..example.org
""".split())
def test_a_right_term(term):
    assert read_record(f"v=spf1 {term}").problems == ()


@pytest.mark.parametrize("term", """
all. all:x all/8 moo ip4 ip4: ip4:192.0.2 ip4:192.0.2.256 ip4:192.0.2.01 ip4:192.0.2.1/33 ip4:192.0.2.1/032 ip4:192.0.2.1//32 ip4:192.0.2.1:25 ip4:2001:db8::1 ip6:192.0.2.1 ip6::1::2
ip6:::1/129 ip6:::1//64 ip6:fe80::1%eth0 a: a/33 a//129 a/24/64 a/024 a:museum a:museum. a:192.0.2.1 a:abc.123 a:example.-com a:example.org:8080 a:x.org/24x include include: include:x.org/24 ptr/24
ptr: exists exists/24 exists: %all --all *all redirect: redirect= redirect=-all exp= exp=x 1up=x =x a:%{x}.org a:%{d a:%(d).org a:x.org% a:%{d0}.org a:%{c}.org foo=%abc exp=%{r}.org mx:%{d}x redirect:x.org
""".split())
def test_a_wrong_term(term):
    assert read_record(f"v=spf1 {term} -all").problems, term


def test_the_wrong_term_is_named():
    assert read_record("v=spf1 mx redirect=a.example.org redirect=b.example.org").problems == (("redirect=b.example.org", '"redirect=" stands there twice'),)
    assert "ip4:" in read_record("v=spf1 192.0.2.1 -all").problems[0][1]
    found = check("v=spf1 ip4:192.0.2.1 -all moo")
    assert str(found) == "permerror" and found.term == "moo" and "example.org" in found.problem
    assert str(check("v=spf1 ip4:192.0.2.1 \u2013all")) == "permerror"


VALUES = {"s": "strong-bad@email.example.com", "l": "strong-bad", "o": "email.example.com", "d": "email.example.com", "i": "192.0.2.3", "v": "in-addr", "h": "a b&c", "p": "x"}


@pytest.mark.parametrize("text,wanted", [
    ("%{s}", "strong-bad@email.example.com"), ("%{d4}", "email.example.com"), ("%{d3}", "email.example.com"), ("%{d2}", "example.com"), ("%{d1}", "com"), ("%{dr}", "com.example.email"),
    ("%{d2r}", "example.email"), ("%{l-}", "strong.bad"), ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"), ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{H}", "a%20b%26c"), ("%%%_%-", "% %20"), ("%{d99999999999}", "email.example.com"), ("%{S}", "strong-bad%40email.example.com"), ("%{s1@}", None),
])
def test_macros(text, wanted):
    if wanted is None:
        with pytest.raises(ValueError):
            macro_string(text)
    else:
        assert expand(macro_string(text), VALUES) == wanted


def test_a_long_name_loses_labels_on_the_left():
    assert as_name("aa." * 100 + "example.org.") == ("aa." * 100 + "example.org")[-(253 - (253 - 11) % 3):]
    assert len(as_name("a" * 60 + "." + "b." * 100 + "example.org")) <= 253


def test_the_path_tells_what_happened():
    found = check("v=spf1 include:a.example.net -all", ip="198.51.100.9", zones={"a.example.net": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ?all"]}})
    assert (str(found), found.mechanism, found.lookups, found.voids) == ("pass", "include:a.example.net", 1, 0)
    assert [(step.depth, step.domain, step.term, step.outcome) for step in found.path if step.outcome != "record"] == [
        (1, "a.example.net", "ip4:192.0.2.0/24", "no match"), (1, "a.example.net", "ip4:198.51.100.0/24", "match"), (0, "example.org", "include:a.example.net", "match")]


@pytest.mark.parametrize("inner,wanted", [("+all", "pass"), ("-all", "softfail"), ("~all", "softfail"), ("?all", "softfail"), ("moo", "permerror")])
def test_include_by_the_table(inner, wanted):
    assert str(check("v=spf1 include:a.example.net ~all", zones={"a.example.net": {"TXT": [f"v=spf1 {inner}"]}})) == wanted


def test_include_and_redirect_of_nothing_are_permerrors_and_of_a_timeout_temperror():
    for term in ("include:a.example.net", "redirect=a.example.net", "include:a..example.net", "redirect=%{l}"):
        assert str(check(f"v=spf1 {term}")) == "permerror", term
    assert str(check("v=spf1 include:a.example.net", zones={"a.example.net": {"TXT": "TIMEOUT"}})) == "temperror"
    assert str(check("v=spf1 a:a.example.net", zones={"a.example.net": {"A": "SERVFAIL"}})) == "temperror"
    assert str(check("SERVFAIL")) == "temperror"


def test_which_record_counts():
    assert str(check("v=spf2 -all")) == "none" and str(check(["v=spf1 -all", "v=spf10", "x"])) == "fail" and str(check(["v=spf1 -all", "V=spf1 -all"])) == "permerror"
    assert str(check("v=spf1")) == "neutral" and str(check([["v=spf1 -", "all"]])) == "fail"


@pytest.mark.parametrize("domain", ["", "org", "a" * 64 + ".example.org", "a..example.org", ".example.org", "[192.0.2.1]", "ex ample.org", "\x00.example.org", "a." * 130 + "org", "@", "\ud800.example"])
def test_what_is_no_domain_has_no_result(domain):
    assert str(check("v=spf1 -all", domain=domain)) == "none"


def test_domains_as_people_write_them():
    assert str(check("v=spf1 -all", domain="EXAMPLE.org.")) == "fail"
    assert str(check("v=spf1 -all", domain="b\u00fccher.example", zones={"xn--bcher-kva.example": {"TXT": ["v=spf1 +all"]}})) == "pass"


@pytest.mark.parametrize("mail_from,wanted", [("joe@example.org", "joe@example.org"), ("", "postmaster@mail.example.org"), ("<>", "postmaster@mail.example.org"),
                                              ("example.org", "postmaster@example.org"), ("@example.org", "postmaster@example.org"), ("<joe@example.org>", "joe@example.org")])
def test_the_sender_in_the_explanation(mail_from, wanted):
    found = check("v=spf1 -all exp=why.example.org", mail_from=mail_from, zones={"why.example.org": {"TXT": ["%{s} from %{c}"]}})
    assert found.explanation == f"{wanted} from 192.0.2.1"


@pytest.mark.parametrize("answer", [["a", "b"], ["%{x}"], "SERVFAIL", [], ["caf\u00e9"]])
def test_an_explanation_that_is_wrong_is_none(answer):
    found = check("v=spf1 -all exp=why.example.org", zones={"why.example.org": {"TXT": answer}})
    assert (str(found), found.explanation) == ("fail", "")


def test_the_explanation_of_the_record_that_decided():
    why = {"why.example.org": {"TXT": ["outer"]}, "in.example.org": {"TXT": ["v=spf1 -all exp=inner.example.org"]}, "inner.example.org": {"TXT": ["inner"]}}
    assert check("v=spf1 include:in.example.org -all exp=why.example.org", zones=why).explanation == "outer"
    assert check("v=spf1 redirect=in.example.org exp=why.example.org", zones=why).explanation == "inner"


def test_addresses():
    hosts = {"a.example.net": {"A": ["192.0.2.77"], "AAAA": ["2001:db8::7"]}}
    assert str(check("v=spf1 a:a.example.net/24//64 -all", zones=hosts)) == "pass"
    assert str(check("v=spf1 a:a.example.net/24//64 -all", ip="2001:db8::1", zones=hosts)) == "pass"
    assert str(check("v=spf1 a:a.example.net/24 -all", ip="2001:db8::1", zones=hosts)) == "fail"
    assert str(check("v=spf1 ip4:192.0.2.1 -all", ip="::ffff:192.0.2.1")) == "pass" and str(check("v=spf1 ip6::: /0 -all".replace(" ", ""), ip="::ffff:192.0.2.1")) == "none"
    assert str(check("v=spf1 ip6:::/0 -all", ip="::ffff:192.0.2.1")) == "fail" and str(check("v=spf1 ip4:0.0.0.0/0 -all", ip="2001:db8::1")) == "fail"
    assert str(check("v=spf1 exists:a.example.net -all", ip="2001:db8::1", zones={"a.example.net": {"AAAA": ["2001:db8::1"]}})) == "fail"


@pytest.mark.parametrize("ip", ["[192.0.2.1]", "[IPv6:2001:db8::1]", " 192.0.2.1", "fe80::1%eth0"])
def test_an_address_as_it_stands_in_headers(ip):
    assert str(check("v=spf1 +all", ip=ip)) == "pass"


def test_no_address():
    with pytest.raises(InputError):
        check("v=spf1 +all", ip="mail.example.org")


def test_mx():
    exchanges = {"example.org": {"MX": [[number, f"m{number}.example.org"] for number in range(11)]}, "m3.example.org": {"A": ["192.0.2.1"]}}
    for number in range(11):
        exchanges.setdefault(f"m{number}.example.org", {"A": ["192.0.2.99"]})
    assert str(check("v=spf1 mx -all", zones=exchanges)) == "pass" and str(check("v=spf1 mx -all", ip="198.51.100.1", zones=exchanges)) == "permerror"
    assert str(check("v=spf1 mx/0 ~all", zones={"example.org": {"A": ["192.0.2.1"]}})) == "softfail", "no implicit MX"
    assert str(check("v=spf1 mx ~all", zones={"example.org": {"MX": ["0 ."]}})) == "softfail"


def test_ptr_and_p():
    zones = {"1.2.0.192.in-addr.arpa": {"PTR": ["forged.example.org", "Mail.Example.org", "x.example.net"]}, "mail.example.org": {"A": ["192.0.2.1"]}, "x.example.net": {"A": ["192.0.2.1"]}}
    assert str(check("v=spf1 ptr -all", zones=zones)) == "pass" and str(check("v=spf1 ptr:example.com -all", zones=zones)) == "fail"
    assert str(check("v=spf1 ptr:ample.org -all", zones=zones)) == "fail", "whole labels"
    assert str(check("v=spf1 exists:%{p}.ok.example.org -all", zones={**zones, "mail.example.org.ok.example.org": {"A": ["127.0.0.2"]}})) == "pass"
    assert str(check("v=spf1 ptr -all", zones={"1.2.0.192.in-addr.arpa": {"PTR": "SERVFAIL"}})) == "fail", "an error is as if there were none"


def test_limits():
    alive = {"a.example.net": {"A": ["198.51.100.1"]}}
    assert str(check("v=spf1 " + "a:a.example.net " * 10 + "-all", zones=alive)) == "fail"
    over = check("v=spf1 " + "a:a.example.net " * 11 + "-all", zones=alive)
    assert str(over) == "permerror" and over.lookups == 11 and over.term == "a:a.example.net"
    assert str(check("v=spf1 " + "a:a.example.net " * 11 + "-all", ip="198.51.100.1", zones=alive)) == "pass", "receivers stop at a match"
    assert str(check("v=spf1 a:x.example.net a:y.example.net -all")) == "fail" and str(check("v=spf1 a:x.example.net a:y.example.net exists:z.example.net -all")) == "permerror"
    assert str(check("v=spf1 a:x.example.net a:y.example.net -all exp=z.example.net")) == "fail", "exp does not count"


HOSTILE = {
    "ten thousand terms": {"example.org": {"TXT": ["v=spf1 " + "include:example.org " * 10_000]}},
    "ten thousand broken terms": {"example.org": {"TXT": ["v=spf1 " + "%{ " * 10_000]}},
    "a megabyte": {"example.org": {"TXT": ["v=spf1 " + "a" * 1_000_000]}},
    "a megabyte of others": {"example.org": {"TXT": ["x" * 1_000_000, "v=spf1 -all"]}},
    "dots": {"example.org": {"TXT": ["v=spf1 a:" + "." * 60_000 + "org"]}},
    "macros": {"example.org": {"TXT": ["v=spf1 a:" + "%{s}." * 12_000 + "org"]}},
    "a circle": {"example.org": {"TXT": ["v=spf1 redirect=b.example.org"]}, "b.example.org": {"TXT": ["v=spf1 include:example.org redirect=example.org"]}},
    "a tree": {f"{'n' + str(n) + '.' if n else ''}example.org": {"TXT": ["v=spf1 " + " ".join(f"include:n{m}.example.org" for m in range(1, 200))]} for n in range(200)},
    "hyphens": {"example.org": {"TXT": ["v=spf1 a:x." + "-1" * 30_000]}},
    "spaces": {"example.org": {"TXT": ["v=spf1" + " " * 60_000]}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_records_end_soon(name):
    world = RecordedWorld(zones=HOSTILE[name])
    began = time.perf_counter()
    found = asyncio.run(check_host("192.0.2.1", "example.org", "x" * 100_000 + "@example.org", "h" * 100_000, world))
    analysis = asyncio.run(analyse("example.org", world))
    assert time.perf_counter() - began < 1.5 and found.result in ("permerror", "fail", "neutral") and len(found.problem) < 2000
    assert analysis.domain == "example.org"


def test_the_worst_case():
    zones = {"example.org": {"TXT": ["v=spf1 mx include:a.example.net a:gone.example.net ip4:192.0.2.1 redirect=b.example.net"], "MX": ["1 m.example.org"]}, "m.example.org": {"A": ["192.0.2.1"]},
             "a.example.net": {"TXT": ["v=spf1 a mx include:b.example.net -all redirect=never.example.net"], "A": ["192.0.2.1"]}, "b.example.net": {"TXT": ["v=spf1 exists:%{i}.x.example ~all"]}}
    analysis = asyncio.run(analyse("Example.org.", RecordedWorld(zones=zones)))
    assert analysis.lookups == 1 + (1 + 1 + 1 + (1 + 1)) + 1 + (1 + 1)
    assert analysis.tree.voids == (2, 4)  # a:gone and the MX of a.example.net; m.example.org and a.example.net have no AAAA
    assert {target for _, _, target, _ in analysis.dead} == {"gone.example.net", "a.example.net"}
    assert [one.kind for one in analysis.problems] == ["voids"]
