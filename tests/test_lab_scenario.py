"""The scenario of the lab without its servers: every domain of it, audited on the same zones (lab/README.md)."""
from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from fivefifty.audit import ORDER, audit
from fivefifty.checks import all_checks
from fivefifty.model import Finding, Subject
from fivefifty.world.recorded import RecordedWorld
from lab import cases, domains, scenario, services, zones

BROKEN = {one.name: one for one in domains.BROKEN}


def world() -> RecordedWorld:
    https = {f"https://mta-sts.{name}/.well-known/mta-sts.txt": services.policy(f"mta-sts.{name}") for name in (*domains.GOOD, *BROKEN)}
    return RecordedWorld(zones.table(), https=https, now=datetime(2026, 1, 1, tzinfo=UTC))


def findings(subject: Subject, *wanted: str) -> list[Finding]:
    return asyncio.run(audit(subject, world(), wanted))


def worst(found: list[Finding], check: str) -> str:
    """The worst outcome of a check: what a person sees."""
    return min((one.outcome for one in found if one.check == check), key=ORDER.__getitem__, default="")


@cache
def all_of(name: str) -> list[Finding]:
    return findings(Subject(domain=name, selectors=("sel",), smtp=False))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_domain_is_found_out(name: str) -> None:
    for check, outcome in BROKEN[name].expect.items():
        assert worst(all_of(name), check) in outcome.split("|"), [one.sentence for one in all_of(name) if one.check == check]


@pytest.mark.parametrize("name", [*domains.GOOD, *BROKEN])
def test_no_check_crashes(name: str) -> None:
    assert not [one for one in all_of(name) if one.outcome == "crashed"]


@pytest.mark.parametrize("name", domains.GOOD)
def test_a_good_domain_is_left_in_peace(name: str) -> None:
    blamed = [(one.check, one.sentence) for one in all_of(name) if one.outcome == "fail" and one.check not in NOT_HERE]
    assert not blamed


NOT_HERE = {"receiving.mx_public"}  # RFC 5737 addresses are public nowhere


def test_what_is_broken_is_asked_for_by_names_that_exist() -> None:
    named = {check for one in domains.BROKEN for check in one.expect} | {check for case in cases.CASES.values() for check, _ in case.proof}
    assert named <= set(all_checks())


@pytest.mark.parametrize("case", [case for case in cases.CASES.values() if case.proof and not case.connecting], ids=lambda case: case.name)
def test_the_proof_of_a_case_holds(case: cases.Case) -> None:
    sender, recipient_domain = scenario.SENDERS[case.sender], case.recipient.partition("@")[2]
    about = recipient_domain if case.proof[0][0].startswith("receiving.") else case.author or case.sender
    ip = sender.ipv6 if case.name.endswith("-six") else sender.ip
    found = findings(Subject(domain=about, sending_ips=(ip,), helo_name=sender.helo, envelope_sender=case.envelope_sender("postfix"), author_domain=case.author or case.sender,
                             message=case.message("postfix"), recipient=case.recipient, recipient_domain=recipient_domain, smtp=False), *(check for check, _ in case.proof))
    for check, outcome in case.proof:
        assert worst(found, check) == outcome, [one.sentence for one in found]


def test_a_list_that_is_not_healthy_is_never_believed() -> None:
    found = findings(Subject(domain="good.test", sending_ips=(scenario.SENDERS["good.test"].ip,), smtp=False), "lists.ip")
    assert worst(found, "lists.ip") != "fail"


def test_the_zones_are_a_few_hundred() -> None:
    assert len(zones.zones()) > 300
    assert {zone.state for zone in zones.zones().values()} >= {"SERVFAIL", "TIMEOUT", "LAME", "BOGUS", "LISTS"}


def test_every_sender_has_a_case_and_every_case_a_sender() -> None:
    assert {case.sender for case in cases.CASES.values()} <= set(scenario.SENDERS)
    assert len({case.name for case in cases.CASES.values()}) == len(cases.CASES)
