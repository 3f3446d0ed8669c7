"""The guided test: every outcome narrows, none invents, and no order of answers matters."""
from __future__ import annotations

import itertools
import json

import pytest
from click.testing import CliRunner

from fivefifty import diagnose, triage
from fivefifty.cli import main

OPAQUE = "550 permanent failure for one or more recipients (user@example.org:blocked)"


@pytest.fixture
def opaque():
    return diagnose(OPAQUE)[0]


def test_refused_everywhere_is_ones_own_side_or_the_content():
    assert set(triage.stand({"elsewhere": "same"}).left) == {"everyone", "content"}
    assert triage.stand({"elsewhere": "same", "stripped": "same"}).left == ("everyone",)
    assert triage.stand({"elsewhere": "same", "stripped": "delivered"}).left == ("content",)


def test_group_by_provider_not_by_domain():
    base = {"elsewhere": "delivered", "same_domain": "same", "stripped": "same", "other_sender": "delivered"}
    assert triage.stand({**base, "same_provider": "same"}).left == ("provider",)
    assert triage.stand({**base, "same_provider": "delivered"}).left == ("domain_rule",)


def test_another_address_there_works_so_it_is_this_mailbox_or_a_rule_of_it():
    left = triage.stand({"same_domain": "delivered"}).left
    assert set(left) == {"mailbox", "mailbox_rule"}
    assert triage.stand({"same_domain": "delivered", "other_sender": "same"}).left == ("mailbox",)


def test_silence_excludes_nothing():
    assert triage.stand({test.id: "silent" for test in triage.TESTS}).left == triage.stand({}).left


def test_the_order_of_answers_does_not_matter():
    answers = [("elsewhere", "delivered"), ("same_domain", "same"), ("stripped", "same")]
    found = {triage.stand(dict(order)).left for order in itertools.permutations(answers)}
    assert len(found) == 1


def test_asking_always_ends_and_never_leaves_nothing():
    for outcomes in itertools.product(("delivered", "same", "other", "silent"), repeat=len(triage.TESTS)):
        answers: dict[str, str] = {}
        wanted = dict(zip(triage.BY_ID, outcomes, strict=True))
        while (test := triage.stand(answers).next_test) is not None:
            answers[test.id] = wanted[test.id]
        assert len(answers) <= len(triage.TESTS)


def test_only_what_the_bounce_leaves_is_asked():
    stated = diagnose("550 5.1.1 <a@example.org>: Recipient address rejected: User unknown")[0]
    assert triage.stand({}, stated).next_test is None
    listed = diagnose("550 5.7.1 Service unavailable; Client host [203.0.113.5] blocked using zen.spamhaus.org")[0]
    assert triage.stand({}, listed).left == ("everyone",)


def test_outcomes_never_switch_suppress_on(opaque):
    for outcomes in itertools.product(triage.OUTCOMES, repeat=len(triage.TESTS)):
        assert not triage.conclude(dict(zip(triage.BY_ID, outcomes, strict=True)), opaque).suppress


def test_outcomes_that_contradict_a_stated_cause_dispute_it():
    stated = diagnose("550 5.1.1 <a@example.org>: Recipient address rejected: User unknown")[0]
    done = triage.conclude({"other_sender": "delivered", "elsewhere": "same"}, stated)
    assert (done.cause, done.standing, done.suppress) == ("address.unknown", "disputed", False)
    assert "other sender: delivered" in done.dispute


def test_no_answer_changes_nothing(opaque):
    assert triage.conclude({}, opaque) == opaque
    assert triage.conclude({"elsewhere": "skip", "stripped": "silent"}, opaque) == opaque


def run(*arguments):
    return CliRunner().invoke(main, ["triage", *arguments])


def test_scripts_give_answers_and_get_the_next_test():
    told = run("--text", OPAQUE, "--answer", "elsewhere=delivered", "--json")
    report = json.loads(told.output)
    assert told.exit_code == 1 and report["next_test"]["id"] == "same_domain" and "everyone" not in report["left"]
    settled = run("--text", OPAQUE, "--answer", "elsewhere=same", "--answer", "stripped=same", "--json")
    assert settled.exit_code == 0 and json.loads(settled.output)["verdict"]["cause"] == "reputation.blocklist"


def test_wrong_answers_are_named():
    told = run("--answer", "moon=delivered")
    assert told.exit_code == 2 and "same_domain" in told.output


def test_it_works_without_a_bounce():
    told = run("--answer", "elsewhere=delivered", "--answer", "same_domain=same")
    assert told.exit_code == 1 and "The next test" in told.output


def test_a_mail_that_is_no_bounce_is_refused_kindly():
    told = run("--text", "Hello, lunch at noon?")
    assert told.exit_code == 2 and "no failed delivery" in told.output
