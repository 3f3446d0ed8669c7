"""The judge looks a meaning up once for each template: that must never give another text's meaning."""
from __future__ import annotations

import random
import re
import tomllib
from pathlib import Path

import pytest

from fivefifty import judge as module
from fivefifty.judge import Judge
from fivefifty.model import Event

RULES = Path(module.__file__).parent / "knowledge" / "rules"
MEANING = ("cause", "owner", "standing", "rule", "suppress")
RECIPIENTS = ("jane@example.org", "spam.filter@gmail.com", "info@mail.example.net", "blocked-user@hotmail.com", "x24@yahoo.com", "user@t-online.de")


def examples():
    """Every example of every shipped rule, with what it says besides the text."""
    found = []
    for path in sorted(RULES.glob("*.toml")):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", ()):
            for example in (*rule.get("examples", ()), *rule.get("counter_examples", ())):
                found.append(example if isinstance(example, dict) else {"text": example})
    return found


def event_of(example, recipient="jane@example.org", kind="bounce"):
    return Event(kind, "postfix", recipient=recipient, text=example["text"], status=example.get("status", ""), reply_code=example.get("reply_code", 0), phase=example.get("phase", ""), remote_mta=example.get("remote_mta", ""))


def uncached(event):
    event.recipient_domain = event.recipient.rpartition("@")[2]
    verdict = module.read_event(event)
    suppress = verdict.suppress and event.kind != "deferral"
    return verdict.cause, verdict.owner, verdict.standing, verdict.rule, suppress


def meaning(event):
    return tuple(getattr(event, name) for name in MEANING)


@pytest.mark.parametrize("order", [0, 1])
def test_no_example_of_a_rule_gets_another_ones_meaning(order):
    shared, given = Judge(), examples()[order::2]
    assert len(given) > 1_500
    if order:
        random.Random(order).shuffle(given)
    for number, example in enumerate(given):
        recipient = RECIPIENTS[number % len(RECIPIENTS)] if order else RECIPIENTS[0]
        expected = uncached(event_of(example, recipient))
        got = shared.complete(event_of(example, recipient))
        assert meaning(got) == expected, example["text"]


def varied(rng, text, recipient):
    """The same refusal as another mail would have met it: another recipient, host, IP and id, some with words that rules know."""
    host = rng.choice(("mx1.example.org", "gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com", "mx.spamhaus.example", "d17.mail.protection.outlook.com"))
    text = re.sub(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", recipient, text, count=1)
    if rng.random() < 0.4:
        text = f"host {host}[192.0.2.{rng.randrange(250)}] said: {text} (in reply to RCPT TO command)"
    return text + (f" [{rng.choice(('quota', 'k12', 'spam'))}-{rng.getrandbits(40):x}.{rng.choice(('blocked', 'full', 'x'))}]" if rng.random() < 0.3 else ""), host


def test_what_changes_from_mail_to_mail_changes_no_meaning_that_is_remembered():
    rng, shared = random.Random(7), Judge()
    for example in rng.sample(examples(), 4_000):
        recipient = f"{rng.choice(('spam', 'info', 'jane', 'asmith', 'blocked', 'x24', 'unknown'))}@{rng.choice(('example.org', 'gmail.com', 'outlook.com', 'spamhaus.example', '163.com'))}"
        text, host = varied(rng, example["text"], recipient)
        given = {**example, "text": text, "remote_mta": example.get("remote_mta") or host}
        kind = rng.choice(("bounce", "deferral"))
        assert meaning(shared.complete(event_of(given, recipient, kind))) == uncached(event_of(given, recipient, kind)), text


def test_words_of_an_address_do_not_lend_their_meaning_to_another():
    judge = Judge()
    text = "550 5.1.1 <{}>: Recipient address rejected: User unknown"
    for recipient in ("spam@example.org", "jane@example.org", "blocked.sender@example.org", "kate@example.org"):
        event = Event("bounce", "postfix", recipient=recipient, text=text.format(recipient), status="5.1.1")
        assert meaning(judge.complete(event)) == uncached(Event("bounce", "postfix", recipient=recipient, text=text.format(recipient), status="5.1.1")), recipient


def test_a_servers_name_that_is_not_found_is_not_the_recipients_domain():
    judge = Judge()
    text = "Host or domain name not found. Name service error for name={} type=A: Host not found"
    own = judge.complete(Event("bounce", "postfix", recipient="a@gone.example", text=text.format("gone.example"), status="5.4.4"))
    other = judge.complete(Event("bounce", "postfix", recipient="a@alive.example", text=text.format("mx7.alive.example"), status="5.4.4"))
    again = judge.complete(Event("bounce", "postfix", recipient="b@gone2.example", text=text.format("gone2.example"), status="5.4.4"))
    assert own.cause == again.cause == "address.domain"
    assert other.cause == "recipient.dns" and not other.suppress


def test_what_differs_behind_the_shown_template_is_told_apart():
    judge = Judge()
    for ending in ("user unknown", "blocked using zen.spamhaus.org", "mailbox full"):
        text = "550 " + "x " * 600 + ending
        assert meaning(judge.complete(Event("bounce", "postfix", recipient="a@b.example", text=text))) == uncached(Event("bounce", "postfix", recipient="a@b.example", text=text))


def test_hosts_named_in_a_text_keep_their_provider():
    judge = Judge()
    for host in ("mx1.mail.icloud.com", "mx1.example.net", "mx3.hotmail-com.olc.protection.outlook.com"):
        text = f"host {host}[192.0.2.1] said: 550 5.7.1 Message rejected due to local policy. (in reply to end of DATA command)"
        made = [Event("bounce", "postfix", recipient="a@b.example", text=text, status="5.7.1") for _ in range(2)]
        assert meaning(judge.complete(made[0])) == uncached(made[1])


def test_a_deferral_never_suppresses_and_a_block_is_no_bounce():
    judge = Judge()
    text = "550 5.1.1 <a@b.example>: user unknown"
    assert judge.complete(Event("bounce", "postfix", recipient="a@b.example", text=text)).suppress
    assert not judge.complete(Event("deferral", "postfix", recipient="a@b.example", text=text)).suppress
    assert not judge.complete(Event("bounce", "postfix", recipient="a@b.example", text=text, trust="unverified")).suppress
    listed = judge.complete(Event("bounce", "postfix", recipient="a@b.example", text="554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"))
    assert listed.kind == "block" and not listed.suppress


def test_a_delivery_gets_domains_and_provider_but_no_cause():
    event = Judge().complete(Event("delivery", "postfix", recipient="A@GMAIL.com", envelope_sender="b@News.example", remote_mta="gmail-smtp-in.l.google.com", suppress=True))
    assert (event.recipient_domain, event.author_domain, event.provider, event.cause, event.template, event.suppress) == ("gmail.com", "news.example", "google", "", "", False)


def test_a_filter_on_this_host_that_is_down_is_not_the_recipients_trouble():
    judge = Judge()
    text = "connect to {0}[{0}]:10024: Connection refused"
    theirs = judge.complete(Event("deferral", "postfix", recipient="a@b.example", text=text.format("192.0.2.1"), remote_ip="192.0.2.1", status="4.4.1"))
    own = judge.complete(Event("deferral", "postfix", recipient="a@b.example", text=text.format("127.0.0.1"), remote_ip="127.0.0.1", status="4.4.1"))
    assert theirs.cause == "recipient.unreachable"
    assert (own.cause, own.owner, own.standing) == ("policy.own", "policy", "likely")


def test_an_ip_is_no_provider():
    assert Judge().complete(Event("delivery", "postfix", recipient="a@b.example", remote_mta="192.0.2.1")).provider == ""


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 5)
    judge = Judge()
    for number in range(40):
        judge.complete(Event("bounce", "postfix", recipient="a@b.example", text=f"550 {'abcdefghij'[number % 10] * (number // 10 + 2)} user unknown"))
    assert len(judge._meanings) <= 5
