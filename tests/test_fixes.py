"""What to do: steps in the right order, filled with the facts, never against the cause; and the letter."""
from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.causes import all_causes, cause
from fivefifty.fixes import DO_NOT_SUPPRESS, Fix, fill, fix_for
from fivefifty.letter import letter, utc
from fivefifty.model import Evidence, Failure, Finding, Reply
from fivefifty.providers import provider, provider_ids
from fivefifty.verdict import Verdict

HOLE = re.compile(r"\{[a-z_]*\}")
BARRACUDA = "550 permanent failure for one or more recipients (user@example.net:blocked)"
OPERATORS = ("", *(name for name in provider_ids() if provider(name).kind != "list"))


def verdict(name: str, text: str = "550 5.7.1 refused", **more: object) -> Verdict:
    """A verdict about user@example.net; fields of Verdict and Failure by name."""
    mine = {key: more.pop(key) for key in ("provider", "standing", "suppress", "permanent", "alternatives", "decide", "findings", "kind") if key in more}
    facts = {"final_recipient": "user@example.net", "action": "failed", "layers": (Reply(text=text),), **more}
    found = cause(name)
    kind = mine.pop("kind", "notice" if name.startswith("notice.") else "failure")
    return Verdict(**{  # type: ignore[arg-type]
        "failure": Failure(**facts), "kind": kind, "cause": name, "owner": found.owner, "standing": "stated", "permanent": True, **mine,  # type: ignore[arg-type]
    })


def words(fix: Fix) -> str:
    return "\n".join((*fix.steps, fix.contact, fix.contact_how, fix.give, fix.expect))


@pytest.mark.parametrize("name", [one.id for one in all_causes()])
def test_every_cause_at_every_provider_has_steps_without_holes(name):
    for operator in OPERATORS:
        for facts in ({}, {"final_recipient": ""}, {"sending_ip": "192.0.2.1", "envelope_sender": "a@example.org", "author_domain": "example.org"}):
            fix = fix_for(verdict(name, provider=operator, **facts))
            assert fix.steps, (name, operator)
            assert not HOLE.search(words(fix)), (name, operator)
            assert len(fix.steps) == len(set(fix.steps)), (name, operator)
            assert not any(step.startswith(("your ", "the ")) for step in fix.steps), (name, operator, fix.steps)


@pytest.mark.parametrize("name", [one.id for one in all_causes() if one.id.startswith(("address.", "content.size", "volume.own", "transient."))])
def test_no_delisting_where_nothing_is_listed(name):
    for operator in OPERATORS:
        text = words(fix_for(verdict(name, "550 blocked using zen.spamhaus.org", provider=operator)))
        assert not re.search(r"delist|removal request|check\.spamhaus", text, re.IGNORECASE), (name, operator, text)


def test_facts_fill_the_steps_and_unknown_facts_read_as_words():
    known = words(fix_for(verdict("auth.bulk_rules", provider="google", author_domain="example.org", sending_ip="192.0.2.1")))
    assert "_dmarc.example.org" in known
    assert "d=example.org" in known
    unknown = words(fix_for(verdict("auth.bulk_rules", provider="google")))
    assert "_dmarc.<your From domain>" in unknown
    assert "your sending IP" in unknown


def test_fill():
    assert fill("{sending_ip} is listed. {sending_ip} again", {}) == "Your sending IP is listed. Your sending IP again"
    assert fill("the host that refused ({remote_mta}) is", {}) == "the host that refused is"
    assert fill("the host that refused ({remote_mta}) is", {"remote_mta": "mx.example.net"}) == "the host that refused (mx.example.net) is"
    assert fill("write to postmaster@{recipient_domain}", {}) == "write to postmaster@<recipient's domain>"
    assert fill("{never_heard_of}", {}) == "Never heard of"
    assert fill("{sending_ip}", {"sending_ip": "{status}"}) == "{status}", "what a bounce says is not a template"


def test_the_barracuda_line_starts_with_the_deciding_test_and_keeps_the_address():
    fix = fix_for(verdict("policy.opaque_gateway", BARRACUDA, provider="barracuda", standing="open", alternatives=("content.spam", "reputation.provider")))
    assert fix.steps[0].startswith("First the test that decides:")
    assert "Message Log" in words(fix)
    assert fix.letter
    assert "suppress user" not in words(fix).lower()
    assert re.search(r"do not (suppress|count this against the address|.* remove the address)", words(fix), re.IGNORECASE)


def test_an_open_verdict_asks_the_test_first_then_tells_each_branch():
    fix = fix_for(verdict("recipient.not_hosted", "550 relaying denied", standing="open", alternatives=("sender.submission",), decide="Is the host yours?"))
    assert fix.steps[0] == "First the test that decides: Is the host yours?"
    assert sum(step.startswith("If it is") for step in fix.steps) == 2
    assert DO_NOT_SUPPRESS in fix.steps


def test_an_open_verdict_with_a_dead_address_among_its_readings_never_suppresses():
    fix = fix_for(verdict("address.unknown", standing="open", alternatives=("policy.opaque_gateway",)))
    assert any(step.startswith("Do not suppress user@example.net") for step in fix.steps)
    assert not any(step.startswith("Stop sending") for step in fix.steps)


def test_suppression_is_said_first_and_only_where_the_verdict_says_so():
    for operator in OPERATORS:
        stop = fix_for(verdict("address.unknown", provider=operator, suppress=True))
        assert stop.steps[0].startswith("Stop sending to user@example.net"), operator
        keep = fix_for(verdict("address.unknown", provider=operator, suppress=False, standing="likely"))
        assert keep.steps[0].startswith("Do not suppress"), operator
        assert not any(step.startswith("Stop sending") for step in keep.steps), operator


def test_a_block_that_says_nothing_about_the_address_is_told_so():
    for name in ("reputation.provider", "auth.spf", "sender.ptr", "content.size", "policy.own"):
        assert any("uppress" in step for step in fix_for(verdict(name)).steps), name


def test_provider_steps_outrank_those_of_the_cause():
    assert "sendersupport.olc" in words(fix_for(verdict("reputation.provider", provider="outlook")))
    assert "sender.office.com" in words(fix_for(verdict("reputation.provider", provider="microsoft365")))
    assert "sender.office.com" not in words(fix_for(verdict("reputation.provider", provider="outlook")))
    assert "tosa@rx.t-online.de" in words(fix_for(verdict("reputation.cold", provider="tonline")))


@pytest.mark.parametrize("text, way_out", [
    ("554 Client host [192.0.2.1] blocked using zen.spamhaus.org", "check.spamhaus.org"),
    ("554 Client host [192.0.2.1] blocked using sbl.spamhaus.org", "hosting provider"),
    ("554 Client host [192.0.2.1] blocked using bl.spamcop.net", "no early removal"),
    ("554 Client host [192.0.2.1] blocked using b.barracudacentral.org", "barracudacentral.org/rbl/removal-request"),
    ("554 refused, see http://csi.cloudmark.com/reset-request/?ip=192.0.2.1", "csi.cloudmark.com/en/reset"),
    ("554 Client host [192.0.2.1] blocked using dnsbl-3.uceprotect.net", "Do not pay"),
])
def test_a_named_list_gives_its_own_way_out_after_the_cause(text, way_out):
    fix = fix_for(verdict("reputation.blocklist", text))
    steps = "\n".join(fix.steps)
    assert way_out in steps
    assert "192.0.2.1" in steps
    cause_first = re.search(r"find|fix|stop", steps, re.IGNORECASE)
    removal = re.search(r"ask for|request|removal", steps)
    assert cause_first and (removal is None or cause_first.start() < removal.start())


def test_a_dead_list_is_not_asked():
    fix = fix_for(verdict("reputation.blocklist", "554 Client host [192.0.2.1] blocked using dnsbl.sorbs.net"))
    assert "shut down" in fix.steps[0]
    assert fix.letter


def test_a_list_the_receiver_asks_wrongly_is_not_asked_for_removal():
    fix = fix_for(verdict("recipient.misconfigured", "554 Client host [192.0.2.1] blocked using zen.spamhaus.org; Error: open resolver"))
    assert fix.steps[0].startswith("Do not ask Spamhaus ZEN for a removal")


def test_another_ip_in_the_reply_is_pointed_out():
    text = "550 Mail from 198.51.100.7 refused, see http://www.barracudacentral.org/reputation?ip=198.51.100.7"
    fix = fix_for(verdict("reputation.blocklist", text, sending_ip="192.0.2.1"))
    assert fix.steps[0].startswith("The reply names 198.51.100.7, not your 192.0.2.1")


def test_notices_and_ordinary_mail():
    assert fix_for(verdict("unknown", kind="not_a_bounce")).steps[0].startswith("Nothing to do")
    for name in ("notice.delayed", "notice.autoreply", "notice.success"):
        fix = fix_for(verdict(name))
        assert fix.steps and not fix.letter
        assert DO_NOT_SUPPRESS not in fix.steps


def test_the_letter_is_complete():
    text = letter(verdict(
        "policy.opaque_gateway", BARRACUDA, provider="barracuda", standing="open", alternatives=("content.spam",), diagnostic_code=BARRACUDA, status="5.0.0",
        last_attempt_date="Sat, 14 Mar 2026 06:21:09 +0100", sending_ip="192.0.2.1", helo_name="mail.example.org", envelope_sender="a@example.org",
        author_domain="example.org", message_id="<1@example.org>", subject="Offer", remote_mta="mx.example.net", remote_ip="198.51.100.1",
    ))
    head, body = text.split("\n\n", 1)
    assert head.splitlines() == ["To: postmaster@example.net", "Subject: Mail to user@example.net was refused (5.0.0): could you look it up?"]
    for fact in ("2026-03-14 05:21:09 UTC", "192.0.2.1", "mail.example.org", "a@example.org", "<1@example.org>", "Offer", "mx.example.net [198.51.100.1]", "Message Log"):
        assert fact in body
    assert "blocked)" in body
    assert "Not tested yet" in body, "offline nothing was checked, and the letter may not claim it"


def test_the_letter_tells_the_checks_that_were_made():
    finding = Finding("ptr", "pass", "The PTR of 192.0.2.1 leads back to it.", (Evidence("192.0.2.1 PTR"),))
    text = letter(verdict("policy.opaque_gateway", BARRACUDA, findings=(finding,)))
    assert "The PTR of 192.0.2.1 leads back to it. (pass)" in text
    assert "Not tested yet" not in text


@pytest.mark.parametrize("name", ["address.unknown", "address.full", "volume.own_quota", "auth.spf", "sender.ptr", "notice.delayed"])
def test_no_letter_where_it_would_not_help(name):
    text = letter(verdict(name))
    assert text.startswith("A letter to the recipient's admin would not help")
    assert "Better: " in text


def test_no_letter_to_a_mass_provider():
    text = letter(verdict("reputation.provider", provider="outlook", final_recipient="user@hotmail.com"))
    assert not text.startswith("To:")
    assert "sendersupport" in text


@pytest.mark.parametrize("date, expected", [
    ("Sat, 14 Mar 2026 06:21:09 +0100", "2026-03-14 05:21:09 UTC"),
    ("2026-03-14T06:21:09+01:00", "2026-03-14 05:21:09 UTC"),
    ("Sat, 14 Mar 2026 06:21:09 -0000", "Sat, 14 Mar 2026 06:21:09 -0000"),
    ("Mar 14 06:21:09", "Mar 14 06:21:09"),
    ("yesterday", "yesterday"),
])
def test_utc(date, expected):
    assert utc(date) == expected


HOSTILE = "x\r\nBcc: victim@example.com\r\n\r\nbody\x1b[31m\u202e\x00"


def test_a_hostile_bounce_cannot_add_headers_or_control_characters():
    fields = dict.fromkeys(("final_recipient", "subject", "message_id", "envelope_sender", "helo_name", "author_domain", "sending_ip", "remote_mta", "status",
                            "last_attempt_date", "reporting_mta", "diagnostic_code"), HOSTILE + "@" + HOSTILE)
    hostile = verdict("policy.opaque_gateway", HOSTILE, **fields)
    head = letter(hostile).split("\n\n", 1)[0]
    assert [line.partition(":")[0] for line in head.splitlines()] == ["To", "Subject"]
    for text in (letter(hostile), words(fix_for(hostile))):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=60), st.sampled_from([one.id for one in all_causes()]), st.sampled_from(["", "google", "barracuda", "outlook"]))
def test_nothing_raises_and_no_header_is_added(text, recipient, name, operator):
    made = verdict(name, text, final_recipient=recipient, subject=text, last_attempt_date=text, provider=operator)
    assert fix_for(made).steps
    mail = letter(made)
    if mail.startswith("To:"):
        assert [line.partition(":")[0] for line in mail.split("\n\n", 1)[0].split("\n")] == ["To", "Subject"]


@pytest.mark.parametrize("name", ["transient.system", "transient.greylisted", "recipient.unreachable", "recipient.dns"])
def test_nobody_is_told_to_wait_for_a_server_that_has_given_up(name):
    steps = " ".join(fix_for(verdict(name, "451 4.3.0 try later", stage="expired", permanent=False)).steps)
    assert "has given up" in steps
    assert not re.search(r"let your server try|in the queue", steps, re.IGNORECASE)
    waiting = " ".join(fix_for(verdict(name, "451 4.3.0 try later", stage="delayed", action="delayed", permanent=False)).steps)
    assert "has given up" not in waiting


def test_the_policy_named_in_the_reply_outranks_the_from_field():
    text = "550-5.7.26 Unauthenticated email from example.net is not accepted due to domain's DMARC policy."
    steps = " ".join(fix_for(verdict("auth.dmarc", text, provider="google", author_domain="example.org")).steps)
    assert "example.net" in steps and "example.org" not in steps


def test_a_refusal_about_another_address_says_where_the_mail_goes_on_to():
    text = "550 5.1.1 <gone@example.com>: User unknown"
    assert "gone@example.com" in fix_for(verdict("address.unknown", text, suppress=True)).steps[0]
    same = fix_for(verdict("address.unknown", text.replace("gone@example.com", "User@example.net"), suppress=True))
    assert "goes on to" not in " ".join(same.steps)
