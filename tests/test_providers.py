"""Who refused: from host names, marks in the reply, and consumer domains."""
from __future__ import annotations

import time
import tomllib

import pytest

from fivefifty.errors import KnowledgeError
from fivefifty.knowledge import SHIPPED
from fivefifty.model import Failure, Reply
from fivefifty.providers import blocklists, lists_named, make_provider, provider, provider_ids, provider_of
from fivefifty.rules import fold

KINDS = {"mailbox", "gateway", "forwarder", "esp", "list"}
FILES = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted((SHIPPED / "providers").glob("*.toml"))}


def who(text: str = "", recipient: str = "user@example.net", remote_mta: str = "", outer: tuple[Reply, ...] = ()) -> str:
    layers = (*outer, Reply(text=text, remote_mta=remote_mta))
    return provider_of(Failure(final_recipient=recipient, layers=layers), fold(text))


@pytest.mark.parametrize("name", FILES)
def test_every_file_loads_and_is_whole(name):
    one = provider(name)
    assert one.id == name
    assert one.kind in KINDS
    assert one.name
    for fix in one.fixes.values():
        assert fix.steps and all(step == step.strip() and step for step in fix.steps)
    for mark in (*one.marks, *one.hints, *(mark for each in one.lists for mark in each.marks)):
        assert mark == fold(mark), f"{mark!r} is not in folded form"
        assert len(mark.strip("*")) >= 4, f"{mark!r} is too short to be a mark"
    for host in (*one.mx, *one.domains):
        assert host == host.lower().strip(".") and "." in host and "*" not in host


def test_no_host_domain_or_mark_belongs_to_two():
    for key in ("mx", "domains", "marks"):
        owners: dict[str, str] = {}
        for name, entry in FILES.items():
            for one in entry.get(key, ()):
                assert owners.setdefault(one, name) == name, f"{one!r} of {key} is claimed by {owners[one]} and {name}"


def test_blocklists_are_unique_and_say_the_way_out():
    ids = [entry["id"] for parsed in FILES.values() for entry in parsed.get("list", ())]
    assert len(ids) == len(set(ids))
    for one in blocklists().values():
        assert one.rule and one.marks, one.id
        assert not (one.dead and one.removal), f"{one.id} is closed: nobody can be asked"


@pytest.mark.parametrize("host, expected", [
    ("aspmx.l.google.com", "google"),
    ("ASPMX.L.GOOGLE.COM.", "google"),
    ("example-net.mail.protection.outlook.com", "microsoft365"),
    ("example-net.olc.protection.outlook.com", "outlook"),
    ("mta5.am0.yahoodns.net", "yahoo"),
    ("mx01.mail.icloud.com", "apple"),
    ("d1a.ess.barracudanetworks.com", "barracuda"),
    ("d1a.ess.barracudanetworks.com[192.0.2.1]", "barracuda"),
    ("cluster1.eu.messagelabs.com", "symantec"),
    ("mx0a-00000000.pphosted.com", "proofpoint"),
    ("mx00.t-online.de", "tonline"),
    ("mx.example.net", ""),
    ("notgoogle.com", ""),
])
def test_the_refusing_host_names_the_provider(host, expected):
    assert who(remote_mta=host) == expected


@pytest.mark.parametrize("text, expected", [
    ("550 5.7.26 This mail has been blocked. q1-20020a056 - gsmtp", "google"),
    ("550 5.4.1 Recipient address rejected: Access denied. [DB5EUR03FT001.eop-EUR03.prod.protection.outlook.com]", "microsoft365"),
    ("550 5.7.1 Messages from [192.0.2.1] weren't sent. Block list (S3150). [DM6NAM10FT001.eop-nam10.prod.protection.outlook.com]", "outlook"),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", "yahoo"),
    ("550 permanent failure for one or more recipients (user@example.net:blocked)", "barracuda"),
    ("553-Message filtered. Refer to the Troubleshooting page at http://www.symanteccloud.com/troubleshooting (#5.7.1)", "symantec"),
    ("550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]", "orange"),
    ("550 5.5.0 LPN007_510 Service refuse", "laposte"),
    ("550 Sender's SPF record is not in order. IB508", "godaddy"),
    ("554 IP=192.0.2.1 - A problem occurred. Contact tosa@rx.t-online.de (BL)", "tonline"),
    ("554 Please see https://postmaster.gmx.net/en/case?c=r0201&i=ip&v=192.0.2.1", "unitedinternet"),
    ("550 5.7.1 User unknown", ""),
])
def test_marks_in_the_reply_name_the_provider(text, expected):
    assert who(text) == expected


@pytest.mark.parametrize("text", [
    "550 5.7.1 Unauthenticated email from yahoo.com is not accepted due to its DMARC policy",
    "554 5.7.1 Client host [o1.ptr1.sendgrid.net] blocked using bl.example.com",
    "554 5.7.1 Client host [c-192-0-2-1.hsd1.pa.comcast.net] rejected: dynamic address",
    "554 5.7.1 Client host [mail-ed1-f41.google.com] blocked using zen.spamhaus.org",
    "554 5.7.1 <mail-eur1.outbound.protection.outlook.com[192.0.2.1]>: Client host rejected",
    "550 5.7.1 <p1.dip0.t-ipconnect.de>: Helo command rejected",
    "554 5.7.1 Client host [mout.kundenserver.de] blocked",
])
def test_a_provider_that_is_only_mentioned_is_not_the_one_that_refused(text):
    assert who(text) == ""


def test_host_outranks_mark_and_mark_outranks_domain():
    assert who("550 5.7.1 x - gsmtp", "user@yahoo.com", "mx1.mail.icloud.com") == "apple"
    assert who("550 5.7.1 x - gsmtp", "user@yahoo.com") == "google"
    assert who("550 no", "user@yahoo.com") == "yahoo"
    assert who("550 no", "User@GoogleMail.com") == "google"


def test_hotmail_behind_a_mark_that_all_of_microsoft_shares():
    text = "550 5.5.0 Requested action not taken: mailbox unavailable. [BN8NAM12FT001.eop-nam12.prod.protection.outlook.com]"
    assert who(text, "user@hotmail.com") == "outlook"
    assert who(text, "user@example.net") == "microsoft365"


def test_the_innermost_host_owns_the_problem():
    gateway = Reply(text="550 permanent failure for one or more recipients (user@example.net:550 5.4.1 no)", remote_mta="d1a.ess.barracudanetworks.com")
    sender = Reply(text="Remote server returned '550 5.7.1 no'", remote_mta="DB6PR01.eurprd01.prod.outlook.com")
    assert who("550 5.4.1 no [AM0.eop-eur01.prod.protection.outlook.com]", outer=(gateway,)) == "microsoft365"
    assert who("550 5.4.1 no", outer=(gateway,)) == "barracuda"
    assert who("550 5.7.1 no", outer=(sender,)) == "", "the sender's own Exchange Online did not refuse"


def test_a_reputation_service_is_a_weak_hint_only():
    text = "550 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1"
    assert who(text, "user@icloud.com") == "apple"
    assert who(text) == "proofpoint"


def test_nothing_known_and_nothing_given():
    assert provider_of(Failure(), "") == ""
    assert provider_of(Failure(final_recipient="@"), "x") == ""
    with pytest.raises(KnowledgeError):
        provider("no-such-provider")
    with pytest.raises(KnowledgeError):
        make_provider("x", {"id": "x", "name": "X", "kind": "mailbox", "unheard_of": 1})


@pytest.mark.parametrize("text, expected", [
    ("blocked using zen.spamhaus.org", ("spamhaus-zen",)),
    ("see https://www.spamhaus.org/query/ip/192.0.2.1", ("spamhaus-zen",)),
    ("blocked using pbl.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1", ("spamhaus-pbl",)),
    ("domain listed in dbl.spamhaus.org", ("spamhaus-dbl",)),
    ("see https://www.spamcop.net/bl.shtml?192.0.2.1", ("spamcop",)),
    ("blocked using b.barracudacentral.org", ("barracudacentral",)),
    ("blocked using dnsbl-2.uceprotect.net", ("uceprotect-2",)),
    ("http://csi.cloudmark.com/reset-request/?ip=192.0.2.1", ("cloudmark-csi",)),
    ("listed at dnsbl.sorbs.net and bl.spamcop.net", ("sorbs", "spamcop")),
    ("550 user unknown", ()),
])
def test_lists_named_in_a_reply(text, expected):
    assert lists_named(fold(text)) == expected


@pytest.mark.parametrize("unit", ["a.", "x ", "gsmtp", "mx.google.com ", "[tss0", "ofr_", "spamhaus "])
def test_time_is_linear_in_hostile_input(unit):
    long = unit * (200_000 // len(unit))
    failure = Failure(final_recipient=f"user@{long}", remote_mta=long, layers=(Reply(text=long, remote_mta=long),))
    start = time.perf_counter()
    provider_of(failure, fold(long))
    lists_named(fold(long))
    assert time.perf_counter() - start < 0.5


def test_ids_are_the_file_names():
    assert provider_ids() == tuple(FILES)
