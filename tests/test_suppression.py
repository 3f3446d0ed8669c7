"""The suppression list: on evidence about the address only, and never because a provider is broken."""
from __future__ import annotations

import pytest
from click.testing import CliRunner

from fivefifty import suppress
from fivefifty.cli import main
from fivefifty.model import Event
from fivefifty.plan.suppression import Rules, key_of, outbreaks
from fivefifty.plan.suppression_lists import read
from fivefifty.store import open_store

DAY = 86_400.0
T = 20_500 * DAY + 10 * 3600


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


def dead(address: str, at: float = T, **more: object) -> Event:
    values = {"trust": "own", "cause": "address.unknown", "owner": "address", "suppress": True, "provider": "example.net", "text": "550 5.1.1 no such user", "template": "550 5.1.1 no such user"}
    return Event("bounce", "postfix", at, address, message_id=f"{address}{at}", recipient_domain="example.net", **{**values, **more})


def full(address: str, at: float, **more: object) -> Event:
    return dead(address, at, **{"cause": "address.full", "suppress": False, **more})


def delivered(address: str, at: float) -> Event:
    return Event("delivery", "postfix", at, address, message_id=f"{address}{at}d", recipient_domain="example.net", provider="example.net")


def take(store, *events: Event, now: float = T + DAY) -> list:
    store.add(list(events))
    return suppress.apply(store, list(events), now=now)


def state(store, address: str, now: float = T + DAY, **asked: str) -> str:
    return next(suppress.standings(store, [address], suppress.Asked(**asked), now)).state


def test_one_hard_word_of_a_trusted_source_is_enough_for_good(store):
    take(store, dead("Jane@Example.net"))
    assert state(store, "jane@example.NET", T + 4000 * DAY) == "suppressed"
    told = store.get("suppression", "jane@example.net")["reasons"]["address.unknown"]
    assert told["evidence"][0]["text"] == "550 5.1.1 no such user" and told["evidence"][0]["trust"] == "own"


@pytest.mark.parametrize("event", [
    dead("a@example.net", trust="unverified"),
    dead("a@example.net", suppress=False),
    dead("a@example.net", suppress=False, cause="reputation.blocklist", owner="sender"),
    Event("block", "postfix", T, "a@example.net", cause="reputation.provider", owner="sender", suppress=False, text="550 5.7.1 blocked"),
    Event("complaint", "mail", T, "a@example.net", trust="unverified"),
    Event("deferral", "postfix", T, "a@example.net", cause="address.unknown", owner="address", suppress=True),
    dead("redacted"), dead(""), dead("a b@example.net"), dead("@example.net"), dead("x" * 400 + "@example.net"),
])
def test_everything_else_never_suppresses(store, event):
    assert take(store, event) == [] and list(store.documents("suppression")) == []


def test_blocks_never_suppress_however_often(store):
    for day in range(30):
        take(store, Event("block", "postfix", T + day * DAY, "a@example.net", cause="policy.recipient_rule", owner="policy", text="550 no"), now=T + day * DAY)
    assert state(store, "a@example.net") == "free"


def test_a_full_mailbox_counts_days_not_reports(store):
    take(store, *(full("a@example.net", T + n * 60) for n in range(50)))
    assert state(store, "a@example.net") == "free"
    take(store, full("a@example.net", T + 2 * DAY), now=T + 2 * DAY)
    take(store, full("a@example.net", T + 4 * DAY), now=T + 4 * DAY)
    assert state(store, "a@example.net", T + 5 * DAY) == "suppressed"
    assert state(store, "a@example.net", T + 35 * DAY) == "free", "30 days later it may be tried again"


def test_three_in_more_than_fourteen_days_are_not_enough(store):
    for day in (0, 8, 16):
        take(store, full("a@example.net", T + day * DAY), now=T + day * DAY)
    assert state(store, "a@example.net", T + 17 * DAY) == "free"


def test_a_delivery_between_begins_the_count_anew(store):
    for event in (full("a@example.net", T), full("a@example.net", T + DAY), delivered("a@example.net", T + 1.5 * DAY), full("a@example.net", T + 2 * DAY)):
        take(store, event, now=event.time)
    assert state(store, "a@example.net", T + 3 * DAY) == "free"


def test_a_later_delivery_lifts_soft_reasons_and_marks_hard_ones(store):
    take(store, *(full("a@example.net", T + n * DAY) for n in range(3)), dead("b@example.net"), now=T + 3 * DAY)
    take(store, delivered("A@example.net", T + 4 * DAY), delivered("b@example.net", T + 4 * DAY), delivered("b@example.net", T - DAY), now=T + 4 * DAY)
    assert state(store, "a@example.net", T + 5 * DAY) == "free"
    assert state(store, "b@example.net", T + 5 * DAY) == "suppressed"
    assert store.get("suppression", "b@example.net")["reasons"]["address.unknown"]["contradicted"]["time"] == T + 4 * DAY


def test_an_earlier_delivery_contradicts_nothing(store):
    take(store, dead("b@example.net"))
    take(store, delivered("b@example.net", T - DAY))
    assert "contradicted" not in store.get("suppression", "b@example.net")["reasons"]["address.unknown"]


def test_a_domain_has_to_fail_for_three_days(store):
    for hours in (0, 20, 40):
        take(store, full("a@gone.example", T + hours * 3600, cause="address.domain"), now=T + hours * 3600)
    assert state(store, "a@gone.example", T + 3 * DAY) == "free", "three days of the calendar, but less than 72 hours"
    take(store, full("a@gone.example", T + 73 * 3600, cause="address.domain"), now=T + 73 * 3600)
    assert state(store, "a@gone.example", T + 4 * DAY) == "suppressed"


def test_complaints_and_unsubscriptions_stop_advertising_only(store):
    take(store, Event("complaint", "ses", T, "a@example.net", trust="signed"), Event("unsubscribe", "ses", T, "b@example.net", trust="signed"))
    assert [state(store, one) for one in ("a@example.net", "b@example.net")] == ["suppressed"] * 2
    assert [state(store, one, scope="transactional") for one in ("a@example.net", "b@example.net")] == ["free"] * 2


def test_the_list_of_a_service_counts_for_that_service(store):
    take(store, Event("suppression", "ses", T, "a@example.net", trust="signed"))
    assert state(store, "a@example.net") == "free" and state(store, "a@example.net", via="ses") == "suppressed"


def test_the_same_events_again_change_nothing_and_a_removal_holds(store):
    events = [dead("a@example.net"), *(full("b@example.net", T + n * DAY) for n in range(3))]
    take(store, *events)
    before = list(store.documents("suppression"))
    take(store, *events)
    assert [(key, told["reasons"].keys()) for key, told in store.documents("suppression")] == [(key, told["reasons"].keys()) for key, told in before]
    assert suppress.remove(store, ["a@example.net"], "jane", now=T + DAY) == ["a@example.net"]
    take(store, *events)
    assert state(store, "a@example.net") == "free", "old evidence does not bring it back"
    take(store, dead("a@example.net", T + 2 * DAY))
    assert state(store, "a@example.net") == "suppressed", "new evidence does"


def test_a_provider_that_answers_user_unknown_to_everybody_is_broken(store):
    take(store, *(delivered(f"old{n}@example.net", T - 5 * DAY) for n in range(1000)), dead("really@example.net", T - 5 * DAY))
    for n in range(430):  # one by one, as a log is followed
        if n < 20:
            take(store, dead(f"u{n}@example.net", T + n))
    take(store, *(dead(f"u{n}@example.net", T + n) for n in range(20, 412)), *(delivered(f"v{n}@example.net", T + n) for n in range(18)))
    assert state(store, "really@example.net") == "suppressed", "evidence of an ordinary day stands"
    states = {state(store, f"u{n}@example.net") for n in range(412)}
    assert states == {"held"}, "also those that came before it was seen"
    why = store.get("held", "u7@example.net")["reasons"]["address.unknown"]["why"]
    assert "of" in why and "example.net" in why and "normally it is 0.1%" in why
    take(store, delivered("u7@example.net", T + DAY))
    assert state(store, "u7@example.net", T + 2 * DAY) == "free"
    take(store, dead("u8@example.net", T + 9 * DAY), *(delivered(f"w{n}@example.net", T + 9 * DAY) for n in range(50)), now=T + 9 * DAY)
    assert state(store, "u8@example.net", T + 9 * DAY) == "suppressed", "said again on an ordinary day it counts"


def test_other_providers_are_not_doubted_with_it(store):
    take(store, *(dead(f"u{n}@example.net", T) for n in range(50)), dead("x@example.com", T, provider="example.com"), *(delivered(f"y{n}@example.com", T) for n in range(3)))
    assert state(store, "x@example.com") == "suppressed" and state(store, "u1@example.net") == "held"


def test_an_ordinary_list_with_some_dead_addresses_is_no_outbreak():
    assert outbreaks("p", {0: (15, 100)}, (0, 0), Rules()) == []
    assert outbreaks("p", {hour * 3600: (1, 100) for hour in range(48)}, (100, 10_000), Rules()) == []
    assert outbreaks("p", {0: (4, 4)}, (0, 0), Rules()) == [], "four may just be dead"
    assert outbreaks("p", {0: (6, 6)}, (10, 1000), Rules()) != []


def test_a_store_that_hides_recipients(tmp_path):
    from fivefifty.store.sql import SqlStore

    store = SqlStore(str(tmp_path / "hidden.db"), hash_key=b"secret")
    take(store, dead("a@example.net"), *(full("b@example.net", T + n * DAY) for n in range(3)), now=T + 3 * DAY)
    take(store, *(full("c@example.net", T + n * DAY) for n in range(2)), now=T + 3 * DAY)
    take(store, full("c@example.net", T + 2 * DAY), now=T + 3 * DAY)
    assert [key for key, _ in store.documents("suppression")] == ["a@example.net", "b@example.net", "c@example.net"]
    suppress.apply(store, list(store.failures()), now=T + 3 * DAY)
    assert len(list(store.documents("suppression"))) == 3, "hidden addresses are none"
    store.close()


def test_forgotten_addresses_stay_suppressed(store):
    take(store, dead("a@example.net"))
    store.forget("a@example.net")
    assert state(store, "a@example.net") == "suppressed"
    assert all("a@example.net" not in key + str(told) for key, told in store.documents("suppression"))


def test_reasons_end(store):
    take(store, *(full("a@example.net", T + n * DAY) for n in range(3)), dead("b@example.net"))
    assert suppress.expire(store, T + 100 * DAY) == 1
    assert [key for key, _ in store.documents("suppression")] == ["b@example.net"]


def test_addresses_are_compared_without_case_and_plus_is_kept():
    assert key_of(" <Jane.Doe+News@EXAMPLE.org.> ") == "jane.doe+news@example.org"
    assert key_of("jörg@müller.example") == "jörg@xn--mller-kva.example"
    for bad in ("", "<0123abcd>@example.org", "@", "a@", "@b", "a@b c", "a\u202eb@c", "a\n@b", "é@" + "ü" * 300):
        assert key_of(bad) == ""


@pytest.mark.parametrize(("text", "expected"), [
    ("a@example.org\nB@example.org\n# remark\n\n", ["a@example.org", "b@example.org"]),
    ("\ufeffemail,reason,status,created\nA@example.org,x,5.1.1,1600000000\n", ["a@example.org"]),
    ("Email Address;Reason\na@example.org;SpamComplaint\n", ["a@example.org"]),
    ("address,code,error,created_at\na@example.org,550,no,\"Mon, 06 May 2024 18:11:58 UTC\"\n", ["a@example.org"]),
    ('{"SuppressedDestinationSummaries": [{"EmailAddress": "a@example.org", "Reason": "COMPLAINT", "LastUpdateTime": "2026-01-02T03:04:05+00:00"}]}', ["a@example.org"]),
    ('{\n"Suppressions": [{"EmailAddress": "a@example.org", "SuppressionReason": "HardBounce", "Origin": "Recipient", "CreatedAt": "2026-01-02T03:04:05Z"}]}', ["a@example.org"]),
    ('{"email": "a@example.org"}\n{"email": "b@example.org"}\n', ["a@example.org", "b@example.org"]),
    ("recipient\ttype\na@example.org\tnon_transactional\n", ["a@example.org"]),
    ("d41d8cd98f00b204e9800998ecf8427e\n", ["md5:d41d8cd98f00b204e9800998ecf8427e"]),
])
def test_lists_are_read_by_their_columns(text, expected):
    assert [one.key for one in read(text.splitlines(keepends=True))] == expected


def test_complaints_in_lists_are_for_advertising():
    scopes = {one.key: one.scope for one in read(["email,reason\n", "a@example.org,COMPLAINT\n", "b@example.org,HardBounce\n"])}
    assert scopes == {"a@example.org": "marketing", "b@example.org": "all"}


@pytest.mark.parametrize("text", ["{" * 100_000, "[" * 100_000, '{"a": [1, 2]}', "email\n" + "x" * 10_000_000, '"' * 1000, "\0\n\0", "email,email\n,,,\n", "[null, 1, {}]"])
def test_hostile_lists_are_told_and_end(text):
    assert all(one.fault for one in read(text.splitlines(keepends=True)))


def test_the_commands(tmp_path):
    run, where = CliRunner(), ["--store", str(tmp_path / "store.db")]

    def call(*words: str, input: str = ""):
        return run.invoke(main, ["suppress", *words, *where], input=input)

    assert call("import", "-", input="email,reason\na@example.org,=1+1\nno address\n").exit_code == 3
    assert call("add", "B@example.org", "--why", "asked by phone", "--by", "jane").exit_code == 0
    told = call("check", "a@example.org", "b@example.org", "c@example.org")
    assert told.exit_code == 1 and "c@example.org  not suppressed" in told.output and "asked by phone" in told.output and "person jane" in told.output
    assert call("check", "c@example.org").exit_code == 0
    assert call("check", "-f", "-", "--only", "free", input="a@example.org\nc@example.org\n").output == "c@example.org\n"
    assert call("export", "--format", "ses").output == "a@example.org,BOUNCE\nb@example.org,BOUNCE\n"
    assert call("export", "--format", "mailgun").output.startswith("address,code,error,created_at\na@example.org,550,'=1+1,")
    assert call("remove", "b@example.org").exit_code == 0 and call("remove", "b@example.org").exit_code == 1
    assert "1 address" in call("list").output + call("list").stderr


def test_hashes_are_matched(tmp_path):
    from hashlib import md5, sha256

    run, where = CliRunner(), ["--store", str(tmp_path / "store.db")]
    text = sha256(b"a@example.org").hexdigest() + "\n" + md5(b"b@example.org").hexdigest() + "\n"
    run.invoke(main, ["suppress", "import", "-", *where], input=text)
    told = run.invoke(main, ["suppress", "check", "A@example.org", "b@example.org", "c@example.org", "--only", "suppressed", *where])
    assert told.output == "A@example.org\nb@example.org\n"


def test_what_is_confirmed_keeps_what_else_stood_there(store):
    take(store, Event("unsubscribe", "ses", T - DAY, "u1@example.net", trust="signed"), *(dead(f"u{n}@example.net", T) for n in range(50)))
    assert suppress.confirm(store, ["u1@example.net"], "person jane") == 1
    assert set(store.get("suppression", "u1@example.net")["reasons"]) == {"unsubscribe", "address.unknown"} and state(store, "u1@example.net") == "suppressed"


def test_an_entry_for_advertising_does_not_release_what_is_held(store):
    take(store, *(dead(f"u{n}@example.net", T) for n in range(50)))
    told = {"id": "person", "why": "", "since": T, "until": 0.0, "by": "person jane", "added": T, "evidence": []}
    suppress.add(store, {"u1@example.net": {**told, "scope": "marketing"}, "u2@example.net": {**told, "scope": "all"}})
    assert state(store, "u1@example.net", scope="transactional") == "held" and state(store, "u2@example.net", scope="transactional") == "suppressed"


def kept(where) -> dict:
    made = open_store(str(where))
    found = {key: {name: (told["scope"], round(told["since"]), round(told["until"])) for name, told in document["reasons"].items()} for key, document in made.documents("suppression")}
    made.close()
    return found


def several(tmp_path) -> str:
    where = str(tmp_path / "store.db")
    made = open_store(where)
    take(made, dead("both@example.net"), Event("complaint", "ses", T, "both@example.net", trust="signed"), Event("suppression", "ses", T, "theirs@example.net", trust="signed"),
         *(full("full@example.net", T - n * DAY) for n in range(3)), Event("unsubscribe", "ses", T, "wish@example.net", trust="signed"), now=T + 1)
    made.close()
    return where


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_our_own_list_comes_back_as_it_was(tmp_path, form):
    where, file, other = several(tmp_path), str(tmp_path / "list"), str(tmp_path / "other.db")
    made = open_store(where)
    document = made.get("suppression", "full@example.net")
    document["reasons"]["full"]["until"] = 4e9
    made.put("suppression", "full@example.net", document)
    made.close()
    call = CliRunner().invoke
    assert call(main, ["suppress", "export", "--format", form, "-o", file, "--store", where]).exit_code == 0
    assert call(main, ["suppress", "import", file, "--store", other]).exit_code == 0
    assert kept(other) == kept(where) and kept(other)["theirs@example.net"]["their list: ses"][0] == "via ses"


@pytest.mark.parametrize("lines", [["a@example.org,BOUNCE", "a@example.org,COMPLAINT"], ["a@example.org,COMPLAINT", "a@example.org,BOUNCE"]])
def test_of_two_imported_lines_the_wider_one_counts(tmp_path, lines):
    where = str(tmp_path / "store.db")
    CliRunner().invoke(main, ["suppress", "import", "-", "--store", where], input="\n".join(lines))
    assert kept(where)["a@example.org"]["import"][0] == "all"


def test_sparkpost_has_two_lists(tmp_path):
    told = CliRunner().invoke(main, ["suppress", "export", "--format", "sparkpost", "--store", several(tmp_path)]).output.splitlines()
    assert {line.split(",")[1] for line in told if line.startswith("both@")} == {"transactional", "non_transactional"}
    assert {line.split(",")[1] for line in told if line.startswith("wish@")} == {"non_transactional"}


def test_times_as_mailgun_writes_them():
    (one,) = read(["address,code,error,created_at\n", 'a@example.org,550,x,"Tue, 24 Nov 2026 02:17:41 GMT"\n'])
    assert one.since == 1795486661


def test_a_removed_address_is_free_of_its_hash_too(tmp_path):
    from hashlib import sha256

    where = ["--store", str(tmp_path / "store.db")]
    call = CliRunner().invoke
    call(main, ["suppress", "import", "-", *where], input=sha256(b"a@example.org").hexdigest())
    assert call(main, ["suppress", "check", "a@example.org", *where]).exit_code == 1
    assert call(main, ["suppress", "remove", "a@example.org", *where]).exit_code == 0
    assert call(main, ["suppress", "check", "a@example.org", *where]).exit_code == 0


@pytest.mark.parametrize("words", [("suppress", "list"), ("suppress", "check", "a@example.org"), ("suppress", "remove", "a@example.org"), ("suppress", "export"), ("forget", "--yes", "a@example.org"), ("cases", "list")])
def test_a_mistyped_store_is_no_good_news(tmp_path, words):
    where = tmp_path / "stroe.db"
    told = CliRunner().invoke(main, [*words, "--store", str(where)])
    assert told.exit_code == 2 and "there is no store yet" in told.output and not where.exists()


def test_a_list_that_can_not_be_written_is_told_calmly_and_leaves_the_old_one(tmp_path):
    where = several(tmp_path)
    told = CliRunner().invoke(main, ["suppress", "export", "-o", str(tmp_path / "no" / "list"), "--store", where])
    assert told.exit_code == 2 and "can't be written" in told.output


@pytest.mark.parametrize("until", ["2020-01-01", "30d"])
def test_an_end_in_the_past_is_wrong_use(tmp_path, until):
    told = CliRunner().invoke(main, ["suppress", "add", "a@example.org", "--until", until, "--store", str(tmp_path / "store.db")])
    assert told.exit_code == 2 and "over already" in told.output
