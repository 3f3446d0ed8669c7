"""The report of a period: the numbers, and that all three forms tell the same ones."""
from __future__ import annotations

import json
import random
import re
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from fivefifty.cli import main
from fivefifty.model import Event
from fivefifty.report.period import Counts, Rate, as_dict, percent, rate_of, report, share_of, spoken
from fivefifty.report.period_html import as_html
from fivefifty.report.period_text import as_text
from fivefifty.store import Period, open_store

DAY = 86_400
START = 1_793_491_200.0  # 1 November 2026 00:00 UTC
HOSTILE = '550 5.7.1 <script>alert("x")</script> \x1b[2J refused & $x_{1}$'


def mail(number, kind="delivery", at=START, **more):
    """One event as the judge leaves it."""
    given = {"recipient_domain": "rcpt.example", "author_domain": "sender.example", "provider": "google", "sending_ip": "192.0.2.1", "queue_id": f"q{number}", **more}
    if kind in ("bounce", "block"):
        given = {"cause": "address.unknown", "owner": "address", "text": "550 5.1.1 user unknown", "template": "550 5.1.1 user unknown", "where": f"mail.log:{number}", **given}
    return Event(kind, given.pop("source", "postfix"), at + number, f"r{number}@rcpt.example", **given)


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


def filled(store, deliveries=True):
    events = [mail(number) for number in range(80)] if deliveries else []
    events += [mail(100 + number, "bounce") for number in range(12)]
    events += [mail(200 + number, "block", provider="outlook", cause="reputation.blocklist", text=HOSTILE, template=HOSTILE, sending_ip="") for number in range(8)]
    events += [mail(300, "complaint"), mail(301, "deferral", at=START + DAY), mail(302, "bounce", at=START - DAY)]
    store.add(events)
    return report(store, Period(START, START + 2 * DAY))


def test_totals_and_rates(store):
    made = as_dict(filled(store))
    assert {name: made["totals"][name] for name in ("delivered", "bounced", "blocked", "deferred", "complaints")} == {"delivered": 80, "bounced": 12, "blocked": 8, "deferred": 1, "complaints": 1}
    assert made["rates"]["failed"]["count"] == 20 and made["rates"]["failed"]["of"] == 100
    assert made["rates"]["bounced"]["low"] < 0.12 < made["rates"]["bounced"]["high"]
    assert made["rates"]["complaints"]["of"] == 80
    assert made["before"]["bounced"] == 1 and made["schema"] == "fivefifty/report/1"


def test_slices_have_rates_only_where_deliveries_tell_them(store):
    made = filled(store)
    providers = {one.value: one for one in made.slices["provider"]}
    assert (providers["google"].rate.count, providers["google"].rate.of) == (12, 92)
    assert providers["outlook"].rate.of == 8
    assert [one.value for one in made.slices["cause"]] == ["address.unknown", "reputation.blocklist"]
    assert {one.value: one.rate is None for one in made.slices["sending_ip"]} == {"192.0.2.1": False, "": True}


def test_ips_that_only_failures_name_have_no_rate(store):
    store.add([*(mail(number, sending_ip="") for number in range(50)), *(mail(100 + number, "bounce") for number in range(5))])
    made = report(store, Period(START, START + DAY))
    assert all(one.rate is None for one in made.slices["sending_ip"])
    assert any("sending_ip" in note for note in made.notes)


def test_without_deliveries_nothing_is_a_rate(store):
    made = filled(store, deliveries=False)
    assert not made.deliveries_known and as_dict(made)["rates"] == {}
    for shown in (as_text(made), as_html(made, {})):
        assert "no source tells" in shown and "100 %" not in shown and "100.0 %" not in shown
    assert "Deliveries are not known" in as_text(made)


def test_late_bounces_are_one_mail(store):
    store.add([*(mail(number) for number in range(10)), mail(50, "bounce", late=True, message_id="5@sender.example")])
    made = report(store, Period(START, START + DAY))
    assert made.totals.outcomes == 10 and made.totals.failed == 1
    assert any("after the mail had been accepted" in note for note in made.notes)


def test_the_words_with_an_example(store):
    made = filled(store)
    assert [(one.count, one.cause) for one in made.templates] == [(12, "address.unknown"), (8, "reputation.blocklist")]
    assert made.templates[0].where.startswith("mail.log:") and made.templates[0].example == "550 5.1.1 user unknown"
    assert report(store, Period(START, START + DAY), templates=1).more_templates == 1


def test_a_step_without_mail_is_seen(store):
    store.add([mail(1, "bounce"), mail(2, "bounce", at=START + 5 * DAY)])
    made = report(store, Period(START, START + 6 * DAY))
    assert [counts.bounced for _, counts in made.trend] == [1, 0, 0, 0, 0, 1]
    assert len(report(store, Period(START, START + DAY)).trend) == 24
    assert len(report(store, Period()).trend) == 6


def test_the_period_before_that_the_store_does_not_hold_whole(store):
    store.add([mail(1, "bounce"), mail(2, "bounce", at=START - DAY)])
    assert any("nothing older was taken in" in note for note in report(store, Period(START, START + 7 * DAY)).notes)
    store.add([mail(3, "bounce", at=START - 30 * DAY)])
    assert not any("nothing older" in note for note in report(store, Period(START, START + 7 * DAY)).notes)


def test_few_mails_are_no_percentage():
    assert share_of(1, 1) == "1 of 1" and share_of(5, 100) == "5.00 %"
    assert spoken(rate_of(1, 1)).startswith("1 of 1 (")
    assert spoken(Rate(1, 100)) == "1.00 %"
    assert (percent(0.00006), percent(0.5), percent(0.0)) == ("0.006 %", "50.0 %", "0.00 %")
    assert Counts(delivered=0, bounced=3, late=3).outcomes == 3


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_loads_nothing_and_escapes_everything(store):
    pytest.importorskip("matplotlib")
    from fivefifty.report.period_pictures import pictures

    store.add([mail(900, "bounce", provider='"><img src=x onerror=alert(1)>'), mail(901, "bounce", provider="$\\frac{1}{2}$", at=START + DAY)])
    made = filled(store)
    drawn = pictures(made)
    assert set(drawn) == {"trend", "cause", "provider"}
    shown = as_html(made, drawn)
    page = Page()
    page.feed(shown)
    assert not {"script", "img", "link", "iframe", "object", "image"} & set(page.tags)
    assert all(value.startswith("#") for name, value in page.attributes if name in ("src", "href", "xlink:href"))
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "url(http" not in shown and "@import" not in shown and "\x1b" not in shown
    assert any("<script>alert" in text for text in page.text), "the words are shown as they are"
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for name in ("trend", "cause", "provider"):
        assert 'role="img"' in drawn[name] and "<title " in drawn[name] and "#010203" not in drawn[name]


def test_text_is_safe_for_a_terminal(store):
    shown = as_text(filled(store), 70)
    assert "\x1b" not in shown and "12.0 % (" in shown and "By provider" in shown


def test_pictures_without_matplotlib_say_what_to_install(store, monkeypatch):
    import sys

    from fivefifty.errors import InputError
    from fivefifty.report import period_pictures

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match="matplotlib") as told:
        period_pictures.pictures(filled(store))
    assert "pip install" in told.value.hint


def run(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_inputs_without_a_store(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("time,kind,recipient,text,count,provider\n2026-11-01,delivery,,,900,google\n2026-11-01T10:00:00Z,bounce,jo@rcpt.example,550 5.1.1 user unknown,,google\n")
    told = run(table, "--kind", "table", "--json")
    assert told.exit_code == 0, told.output
    made = json.loads(told.output)
    assert made["totals"]["delivered"] == 900 and made["by"]["cause"][0]["value"] == "address.unknown" and made["before"] is None
    again = run(table, table, "--kind", "table", "--json")
    assert json.loads(again.output)["totals"] == made["totals"], "the same input twice counts once"
    table.write_text(table.read_text() + "nonsense,bounce,jo@rcpt.example,,,\n")
    assert run(table, "--kind", "table").exit_code == 3


def test_the_store_by_the_command(tmp_path):
    where = tmp_path / "s.db"
    store = open_store(str(where))
    filled(store)
    store.close()
    told = run("--store", where, "--since", "2026-11-01", "--until", "2026-11-03", "--where", "provider=google", "--by", "cause", "--json")
    made = json.loads(told.output)
    assert list(made["by"]) == ["cause"] and made["totals"]["blocked"] == 0 and made["totals"]["bounced"] == 12
    one = run("--store", where, "--since", "2026-11-01", "--until", "2026-11-03", "--where", "cause=address.unknown")
    assert "a delivered mail has none" in one.output and "no source tells" not in one.output
    page = tmp_path / "r.html"
    assert run("--store", where, "--since", "2026-11-01", "--until", "2026-11-03", "--html", page, "--no-pictures").exit_code == 0
    assert re.search(r"<title>Mail, 1 November 2026 to 2 November 2026 UTC</title>", page.read_text())
    empty = run("--store", where, "--since", "2020-01-01", "--until", "2020-02-01")
    assert empty.exit_code == 1 and "Nothing was counted" in empty.output
    assert run("--store", where, "--since", "2026-11-03", "--until", "2026-11-01").exit_code == 2
    assert run("--store", where, "--where", "nonsense").exit_code == 2


def test_counting_in_passing_is_counting_in_a_store(store):
    """Duplicates, two reports of one failure in either order, late bounces, complaints by the day of sending."""
    from fivefifty.report.passing import Passing

    rng = random.Random(7)
    events = []
    for _ in range(400):
        kind, number = rng.choice(("delivery", "delivery", "bounce", "block", "deferral", "complaint")), rng.randrange(60)
        known = rng.random() < 0.7
        more = {} if kind == "delivery" else {"cause": "address.unknown" if known else "unknown", "template": "550 5.1.1 user unknown" if known else "failed", "text": "words"}
        more |= {"message_id": f"m{number}{rng.choice('ab')}@sender.example"} if rng.random() < 0.6 else {}
        more |= {"reporting_mta": rng.choice(("mx1", "mx2"))} if rng.random() < 0.6 else {}
        more |= {"sent_at": START + rng.randrange(5) * DAY} if kind == "complaint" else {}
        more |= {"source": rng.choice(("postfix", "mail"))}
        more |= {"trust": "unverified"} if rng.random() < 0.2 else {}
        events.append(mail(number, kind, START + rng.randrange(5) * DAY, late=kind == "bounce" and rng.random() < 0.2, provider=rng.choice(("google", "outlook", "")), **more))
    events += rng.sample(events, 100)
    joined = 0
    passing = Passing(("provider", "author_domain", "sending_ip"))
    for at in range(0, len(events), 37):
        added = passing.add(events[at : at + 37])
        assert added == store.add(events[at : at + 37])
        joined += added.joined
    assert joined > 10
    one, other = (as_dict(report(counted, Period(START + DAY, START + 4 * DAY, {"author_domain": "sender.example"}))) for counted in (passing, store))
    for name in ("totals", "rates", "before", "by", "trend", "notes"):
        assert one[name] == other[name], name
    assert [(row["template"], row["count"]) for row in one["templates"]] == [(row["template"], row["count"]) for row in other["templates"]]


def test_of_nothing_no_time_is_made_up(tmp_path):
    told = CliRunner().invoke(main, ["report", str(tmp_path / "missing.log")])
    assert told.exit_code == 3 and "1970" not in told.output and "Nothing was counted" in told.output
