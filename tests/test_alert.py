"""Alarms: none in a healthy stream, one for a bad import, and words that say no more than the counts."""
from __future__ import annotations

import random
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.errors import InputError
from fivefifty.model import Event, Finding
from fivefifty.plan import cases
from fivefifty.plan.alert import DAY, HOUR, Alarm, Known, Tally, burst, look, silent
from fivefifty.plan.drift import findings, records
from fivefifty.plan.quiet import quiet_hours
from fivefifty.plan.reputation import reputation

START = 20_496 * DAY  # a multiple of 28 days
PROVIDERS = {"gmail": 24, "microsoft": 12, "yahoo": 6}  # mails an hour


class Stream:
    """Mail of one author domain to three providers, looked at every five minutes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tallies = {("example.org", provider): {} for provider in PROVIDERS}
        self.cases: dict[str, dict] = {}
        self.told: list[tuple[str, float]] = []

    def run(self, days: float, rate, *, more: int = 1, begin: float = START) -> Stream:
        for step in range(round(days * 288)):
            now = begin + step * 300 + 1
            if step % 288 == 0:
                self._fold(now)
            for (_, provider), hours in self.tallies.items():
                tally = hours.setdefault(int(now // HOUR * HOUR), Tally())
                number = sum(self.random.random() < PROVIDERS[provider] / 24 for _ in range(2)) * more
                bad = sum(self.random.random() < rate for _ in range(number))
                tally.counted("delivery", "", False, number - bad)
                tally.counted("bounce", "address", False, bad)
            self._look(now)
        return self

    def _fold(self, now: float) -> None:
        """As the store gives them: hours of two days, days before, and nothing older than four weeks."""
        for hours in self.tallies.values():
            for hour in [one for one in hours if one < now // DAY * DAY - DAY]:
                told = hours.pop(hour)
                if hour >= now - 29 * DAY:
                    hours.setdefault(hour // DAY * DAY, Tally()).add(told)

    def _look(self, now: float) -> None:
        known = {key: Known(case["state"] in cases.OPEN, case["severity"], case["counted_from"]) for key, case in self.cases.items()}
        looked = look(self.tallies, known, {}, now)
        for alarm in looked.alarms:
            case = self.cases.get(alarm.key)
            self.cases[alarm.key] = cases.worse(case, alarm, now) if case and case["state"] in cases.OPEN else cases.opened(alarm, 1, now)
            self.told.append((alarm.key if not case else "again " + alarm.key, now))
        for key, proof in looked.recovered.items():
            self.cases[key] = cases.verified(self.cases[key], now, proof)
            self.told.append(("over " + key, now))
        for key in looked.still_bad:
            self.cases[key]["counted_from"] = cases.next_hour(now)


def test_sixty_healthy_days_and_one_bad_import():
    """17,280 looks: nothing before the import of day 30, one case for it, one recovery."""
    stream = Stream(1).run(30, 0.01)
    assert stream.told == []
    stream.run(0.25, 0.3, more=5, begin=START + 30 * DAY)
    assert [name for name, _ in stream.told if not name.startswith("again")] == ["address|example.org to all"]
    assert stream.told[0][1] < START + 30 * DAY + HOUR, "told within the hour"
    stream.run(29.75, 0.01, begin=START + 30.25 * DAY)
    names = [name for name, _ in stream.told]
    assert names[0] == "address|example.org to all" and names[-1] == "over address|example.org to all" and len(names) <= 3
    assert stream.told[-1][1] > START + 30.25 * DAY, "not before good mail was sent"


def tallies(k: int, n: int, kind: str = "bounce", owner: str = "address", provider: str = "gmail") -> dict:
    tally = Tally()
    tally.counted("delivery", "", False, n - k)
    tally.counted(kind, owner, False, k)
    return {("example.org", provider): {int(START): tally}}


@pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 2), (1, 5), (3, 50), (5, 100), (30, 600)])
def test_few_mails_say_nothing(k, n):
    assert look(tallies(k, n), {}, {}, START + HOUR).alarms == []


def test_a_provider_that_refuses_everything_is_critical():
    alarm = look(tallies(40, 40, "block", "sender"), {}, {}, START + HOUR).alarms[0]
    assert alarm.severity == "critical" and alarm.title == "Nearly everything is refused: 40 of 40 mails of example.org to all providers"


def test_each_provider_blocks_for_itself_but_a_list_goes_to_all():
    bad = {**tallies(100, 400, "block", "sender", "gmail"), **tallies(100, 400, "block", "sender", "yahoo")}
    open_case = {"block|example.org to gmail": Known(True, "critical", START + DAY)}
    assert [one.about for one in look(bad, open_case, {}, START + HOUR).alarms] == ["example.org to yahoo"]
    bad = {**tallies(100, 400, provider="gmail"), **tallies(100, 400, provider="yahoo")}
    assert look(bad, {"address|example.org to gmail": Known(True, "critical", START + DAY)}, {}, START + HOUR).alarms == []


def test_limits_are_settings():
    assert look(tallies(150, 1000), {}, {"address": 0.3, "bounce": 0.3}, START + HOUR).alarms == []


def test_failures_after_delivery_are_not_counted_twice():
    tally = Tally()
    tally.counted("delivery", "", False, 100)
    tally.counted("bounce", "address", True, 10)
    assert tally.of("bounce") == (10, 100)


def test_complaints_are_measured_against_deliveries():
    tally = Tally()
    tally.counted("delivery", "", False, 100)
    tally.counted("block", "sender", False, 900)
    tally.counted("complaint", "notice", False, 3)
    assert tally.of("complaint") == (3, 100)


@given(st.integers(0, 300), st.integers(0, 3000), st.sampled_from(("bounce", "block", "complaint")))
@settings(max_examples=60, deadline=None)
def test_no_alarm_at_or_below_the_limit(k, more, kind):
    n = k + more
    limit = 0.001 if kind == "complaint" else 0.05
    for alarm in look(tallies(k, n, kind), {}, {}, START + HOUR).alarms:
        assert k > limit * n and f"{k:,} of" in alarm.evidence[0]


def test_silence_needs_something_to_compare_with():
    assert silent("ses", START, [60.0] * 9, START + 30 * DAY) is None
    assert silent("ses", START, [8.0 * HOUR] * 10, START + 20 * HOUR) is None
    assert silent("ses", START, [1.0 * HOUR] * 10, START + 5 * HOUR) is None
    assert silent("ses", START, [1.0 * HOUR] * 10, START + 7 * HOUR) is not None


def test_a_burst_needs_a_past():
    assert burst(("example.org", ""), "550 no", (50, 1000), (0, 100)) is None
    assert burst(("example.org", ""), "550 no", (100, 1000), (1000, 10_000)) is None
    assert burst(("example.org", ""), "550 no", (100, 1000), (0, 10_000)) is not None


ALARM = Alarm("address", "example.org to all", "warning", "title")


def test_the_life_of_a_case():
    case = cases.opened(ALARM, 1, START)
    case = cases.moved(case, "acknowledged", START, "jane")
    case = cases.moved(case, "fixed", START + 1, "jane", "done")
    assert case["counted_from"] == START + HOUR
    case = cases.verified(case, START + DAY, "proof")
    assert [one["state"] for one in case["history"]] == ["open", "acknowledged", "fixed", "verified"]
    with pytest.raises(InputError):
        cases.moved(case, "fixed", START, "jane")


def test_what_comes_and_goes_is_told_ever_more_rarely():
    case, told = cases.opened(ALARM, 1, START), 1
    for hour in range(1, 14 * 24):
        case, tell = cases.returned(cases.verified(case, START + hour * HOUR, "proof"), ALARM, START + hour * HOUR)
        told += tell
    assert told <= 7 and len(case["history"]) <= 100


@pytest.mark.parametrize(("text", "zone", "at", "ends"), [
    ("22:00-07:00", UTC, START + 23 * HOUR, START + 31 * HOUR), ("22:00-07:00", UTC, START + 6 * HOUR, START + 7 * HOUR), ("22:00-07:00", UTC, START + 7 * HOUR, 0.0),
    ("12:00-13:30", UTC, START + 12 * HOUR, START + 13.5 * HOUR), ("12:00-13:30", UTC, START + 14 * HOUR, 0.0), ("", UTC, START, 0.0), ("08:00-08:00", UTC, START + 8 * HOUR, 0.0),
    ("22:00-07:00", ZoneInfo("Asia/Tokyo"), START + 14 * HOUR, START + 22 * HOUR),
])
def test_quiet_hours(text, zone, at, ends):
    assert quiet_hours(text, zone).ends(at) == ends


def test_quiet_hours_that_are_none():
    with pytest.raises(InputError):
        quiet_hours("25:00-07:00", UTC)


def test_records_change_when_seen_twice_and_unknown_is_no_change():
    seen = records({}, {"MX example.org": ["10 a", "20 b"]})
    assert seen.alarms == []
    for now in (["20 b", "10 a"], None, ["10 c"], None):
        seen = records(seen.state, {"MX example.org": now})
        assert seen.alarms == []
    seen = records(seen.state, {"MX example.org": ["10 c"]})
    assert [one.title for one in seen.alarms] == ["MX example.org changed"]
    seen = records(seen.state, {"MX example.org": ["10 a", "20 b"]})
    assert records(seen.state, {"MX example.org": ["10 a", "20 b"]}).recovered == {"dns|MX example.org": "It is again as before: 10 a | 20 b"}


def test_findings_that_could_not_be_learned_change_nothing():
    listed, unknown, clear = (Finding("lists.ip", outcome, "sentence", about="192.0.2.1", weight=90) for outcome in ("fail", "unknown", "pass"))
    seen = findings({}, [listed])
    assert seen.alarms == []
    seen = findings(findings(seen.state, [unknown]).state, [listed])
    assert [one.key for one in seen.alarms] == ["listing|lists.ip 192.0.2.1"]
    seen = findings(seen.state, [unknown])
    assert seen.recovered == {} and findings(findings(seen.state, [clear]).state, [clear]).recovered == {"listing|lists.ip 192.0.2.1": "sentence"}


def told(day: int, **facts: object) -> Event:
    return Event("listing", "snds", START + day * DAY, sending_ip="192.0.2.1", facts=facts)


@pytest.mark.parametrize(("events", "severity", "over"), [
    ([told(0, filter_result="GREEN"), told(1, filter_result="RED")], "critical", 0),
    ([told(0, filter_result="RED"), told(1, filter_result="GREEN")], "", 1),
    ([told(0, filter_result="RED"), told(1, filter_result="YELLOW")], "", 0),
    ([told(0, blocked=True)], "critical", 0),
    ([told(0, spam_rate=0.01)], "", 0),
    ([told(0, spam_rate=0.002), told(1, spam_rate=0.002)], "warning", 0),
    ([told(0, spam_rate=0.002), told(1, spam_rate=0.0), told(2, spam_rate=0.004)], "critical", 0),
    ([told(0, spam_rate=0.01), told(1, spam_rate=0.0), told(2, spam_rate=0.0)], "", 1),
    ([told(0, spam_rate="many", comments="RED")], "", 0),
    ([], "", 0),
])
def test_reputation_feeds(events, severity, over):
    alarms, well = reputation(events)
    assert ([one.severity for one in alarms], len(well)) == ([severity] if severity else [], over)
