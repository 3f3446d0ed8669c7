"""Checks run side by side; none is lost, and none can hang the others."""
from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from fivefifty import audit as audits
from fivefifty.checks import Check, Inquiry, all_checks, passed
from fivefifty.model import Finding, Subject
from fivefifty.report.compare import changes
from fivefifty.world.recorded import RecordedWorld
from fivefifty.world.tasks import start

DOMAIN = "example.org"


def audit(subject, world, wanted=(), deadline=5.0):
    return asyncio.run(audits.audit(subject, world, wanted, deadline))


def make(id, run):
    return Check(id, "A check", id.partition(".")[0], "RFC 0000", 50, run)


def with_checks(monkeypatch, *checks):
    monkeypatch.setattr(audits, "all_checks", lambda: {one.id: one for one in checks})
    audits._chosen.cache_clear()
    monkeypatch.setattr(audits, "_chosen", audits._chosen.__wrapped__)


def test_a_crash_is_a_finding_and_the_others_go_on(monkeypatch):
    async def broken(inquiry):
        raise RuntimeError("oh")

    async def good(inquiry):
        return [passed("fine")]

    with_checks(monkeypatch, make("a.broken", broken), make("a.good", good))
    found = audit(Subject(DOMAIN), RecordedWorld())
    assert [(one.check, one.outcome) for one in found] == [("a.broken", "crashed"), ("a.good", "pass")]
    assert "RuntimeError" in found[0].sentence and "test_audit.py" in found[0].sentence


def test_what_does_not_answer_in_time_is_unknown(monkeypatch):
    async def slow(inquiry):
        await asyncio.sleep(30)
        return [passed("late")]

    async def good(inquiry):
        return [passed("fine")]

    with_checks(monkeypatch, make("a.slow", slow), make("a.good", good))
    began = time.monotonic()
    found = audit(Subject(DOMAIN), RecordedWorld(), deadline=0.2)
    assert time.monotonic() - began < 3
    assert {one.check: one.outcome for one in found} == {"a.slow": "unknown", "a.good": "pass"}


def test_shared_work_is_done_once():
    made = []

    async def work():
        made.append(1)
        return 7

    async def both():
        inquiry = Inquiry(Subject(DOMAIN), RecordedWorld())
        return await inquiry.together(inquiry.once("k", work), inquiry.once("k", work))

    assert asyncio.run(both()) == [7, 7] and len(made) == 1


def test_started_work_runs_side_by_side_and_keeps_its_errors():
    async def wait(seconds):
        await asyncio.sleep(seconds)
        return seconds

    async def fail():
        await asyncio.sleep(0.01)
        raise ValueError("x")

    async def main():
        began = time.monotonic()
        begun = [start(wait(0.1)) for _ in range(5)]
        assert [await one for one in begun] == [0.1] * 5 and [await one for one in begun] == [0.1] * 5
        assert time.monotonic() - began < 0.4
        try:
            await start(fail())
        except ValueError as error:
            return str(error)

    assert asyncio.run(main()) == "x"


def test_every_check_ends_well_on_nothing_at_all():
    """No record, no name, no mail: a finding, or none, and no crash."""
    for subject in (Subject(), Subject(DOMAIN), Subject(DOMAIN, ("192.0.2.1", "2001:db8::1"), "mail.example.org", "a@example.org", smtp=True)):
        assert [one for one in audit(subject, RecordedWorld(now=datetime(2026, 6, 1, tzinfo=UTC))) if one.outcome == "crashed"] == []


def test_every_check_calls_a_dead_dns_unknown_and_never_pass_or_fail():
    world = RecordedWorld({name: {"*": "TIMEOUT"} for name in (DOMAIN, f"*.{DOMAIN}", "*.in-addr.arpa", "*.ip6.arpa", "*")})
    found = audit(Subject(DOMAIN, ("192.0.2.1",), f"mail.{DOMAIN}", f"a@{DOMAIN}", smtp=False), world)
    wrong = [(one.check, one.outcome, one.sentence) for one in found if one.outcome not in ("unknown", "skipped") and any(evidence.error.startswith("timeout") for evidence in one.evidence)]
    assert wrong == []


def test_the_checks_are_complete():
    for one in all_checks().values():
        assert one.title and one.reference and one.id.count(".") == 1


def test_compare_tells_what_changed():
    old = [Finding("spf.record", "pass", "ok", found="v=spf1 -all"), Finding("a.b", "warn", "w"), Finding("x.y", "pass", "p")]
    new = [Finding("spf.record", "fail", "two", found="v=spf1 a"), Finding("a.b", "pass", "w"), Finding("x.y", "pass", "other words")]
    assert [(one.kind, one.now.check) for one in changes(old, new)] == [("worse", "spf.record"), ("better", "a.b")]
