"""What is shown: the right words for people, a held schema for programs, and nothing hostile for terminals."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from fivefifty import diagnose
from fivefifty.model import Evidence, Failure, Finding, Reply
from fivefifty.report import clean, json_, summary
from fivefifty.report.text import Look, highlight, render
from fivefifty.verdict import Verdict

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "docs" / "verdict.schema.json").read_text(encoding="utf-8"))
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in (".eml", ".txt"))
TYPES = {"string": str, "boolean": bool, "array": list, "object": dict, "integer": int}


def verdict(**more):
    failure = Failure(
        final_recipient="user@example.net", status="5.1.1", reply_code=550, diagnostic_code="550 5.1.1 User unknown", remote_mta="mx.example.net",
        remote_ip="192.0.2.25", phase="rcpt", layers=(Reply("550 5.1.1 User unknown", 550, "5.1.1", "rcpt"),), seen={"status": "part 2: Status"},
    )
    known = {
        "failure": failure, "kind": "failure", "cause": "address.unknown", "owner": "address", "standing": "stated", "permanent": True,
        "suppress": True, "words": ("user unknown",), "rule": "generic-user-unknown", "source": "a.eml",
    }
    return Verdict(**(known | more))


def errors_of(value, schema, place="verdict"):
    """The part of JSON Schema that our schema uses: type, const, enum, properties, required, items, additionalProperties, $ref."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "type" in schema and (not isinstance(value, TYPES[schema["type"]]) or (schema["type"] == "integer" and isinstance(value, bool))):
        return [f"{place} is not of type {schema['type']}: {value!r}"]
    found = [f"{place} is not {schema['const']}"] if "const" in schema and value != schema["const"] else []
    found += [f"{place} is none of the known words: {value!r}"] if value not in schema.get("enum", [value]) else []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{place}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        rest = schema.get("additionalProperties", True)
        for name, inner in value.items():
            if name not in known and rest is False:
                found.append(f"{place}.{name} is not in the schema")
            else:
                found += errors_of(inner, known.get(name, rest if isinstance(rest, dict) else {}), f"{place}.{name}")
    if isinstance(value, list):
        found += [one for number, inner in enumerate(value) for one in errors_of(inner, schema.get("items", {}), f"{place}[{number}]")]
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_fits_the_schema(path):
    verdicts = diagnose(path.read_bytes()) or [json_.no_bounce(path.name)]
    for one in verdicts:
        assert errors_of(json.loads(json_.line(one)), SCHEMA) == []


def test_findings_and_letters_fit_the_schema():
    evidence = Evidence("example.net MX?", "10 mx.example.net", ttl=300)
    one = verdict(findings=(Finding("mx", "pass", "The domain has a mail server.", (evidence,)),))
    assert errors_of(json.loads(json_.line(one, letter="To: postmaster@example.net")), SCHEMA) == []


def test_the_schema_finds_what_is_wrong():
    wrong = json_.as_dict(verdict()) | {"owner": "nobody", "reply_code": "550", "more": 1}
    del wrong["cause"]
    assert len(errors_of(wrong, SCHEMA)) == 4


def test_the_schema_document_names_every_field():
    document = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    missing = [name for name in SCHEMA["properties"] if f"`{name}`" not in document]
    assert not missing


def test_json_is_one_ascii_line():
    line = json_.line(verdict(failure=Failure(diagnostic_code="550 caf\u00e9\n\u202e\udc9b\x9b")))
    assert line.isascii() and "\n" not in line


@pytest.mark.parametrize("look", [Look(width=60), Look(width=60, color=True), Look(width=60, verbose=True, letter=True)])
def test_the_calm_sentence_comes_first(look):
    shown = render(verdict(source=""), look)
    assert shown.removeprefix("\x1b[1m").startswith("Your mail to user@example.net was refused.")
    assert "address.unknown" in shown and "1." in shown and "mx.example.net [192.0.2.25] said, when" in shown


def test_the_words_it_rests_on_are_marked():
    assert 'Known by the words: "User unknown"' in render(verdict(), Look())
    assert "\x1b[1;33mUser unknown\x1b[0m" in render(verdict(), Look(color=True))


@pytest.mark.parametrize("text, words, marked", [
    ("550-5.1.1 The account\n550-5.1.1 does not exist", ("account does not", "exist"), ["account\n550-5.1.1 does not", "exist"]),
    ("It\u2019s  FULL", ("it's full",), ["It\u2019s  FULL"]),
    ("listed-in zen", ("listed*",), ["listed"]),
    ("something else", ("not there",), []),
])
def test_highlight(text, words, marked):
    spans = highlight(text, words)
    assert [part for part, style in spans if style == "words"] == marked and "".join(part for part, _ in spans) == text


@pytest.mark.parametrize("color", [False, True])
def test_nothing_hostile_reaches_the_terminal(color):
    bad = "550 \x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj\rX\x08"
    failure = Failure(final_recipient=bad, diagnostic_code=bad, layers=(Reply(bad, 550, remote_mta=bad),), subject=bad, notes=(bad,), seen={"subject": bad})
    shown = render(verdict(failure=failure, source=bad, words=(bad,)), Look(color=color, verbose=True, letter=True))
    for part in ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\r", "\x07", "\x08"):
        assert part not in shown
    assert "\x1b" not in shown or color


def test_clean_keeps_what_is_harmless():
    assert clean("caf\u00e9 \u6f22\u5b57\n\ttext") == "caf\u00e9 \u6f22\u5b57\n\ttext"


def test_lines_are_no_wider_than_asked():
    long = "550 " + "word " * 200 + "x" * 300
    shown = render(verdict(failure=Failure(layers=(Reply(long, 550),), reply_code=550)), Look(width=70))
    assert max(map(len, shown.splitlines())) <= 70


def test_a_megabyte_of_reply_is_cut():
    assert len(render(verdict(failure=Failure(layers=(Reply("x" * 1_000_000, 550),))), Look(verbose=True))) < 100_000


def test_an_open_verdict_names_its_readings_and_the_test():
    shown = render(verdict(standing="open", cause="policy.opaque_gateway", owner="policy", alternatives=("content.spam",), decide="Send plain text.", suppress=False), Look())
    assert "Could be" in shown and "content.spam" in shown and "Send plain text." in shown and "Keep it" in shown


def test_no_bounce():
    shown = render(json_.no_bounce("a.eml", ("it was cut",)), Look())
    assert "a.eml: this is not a bounce" in shown and "it was cut" in shown


def test_the_summary_counts_and_adds_up():
    one, two = summary.Tally(mails=2, ordinary=1), summary.Tally(mails=1, unread=1)
    one.add(verdict())
    two.add(verdict(kind="notice", cause="notice.autoreply", owner="notice", suppress=False, provider="google"))
    one.merge(two)
    counted = summary.as_dict(one)
    assert (counted["mails"], counted["ordinary"], counted["unread"], counted["failures"], counted["notices"], counted["suppress"]) == (3, 1, 1, 1, 1, 1)
    assert counted["by_cause"] == {"address.unknown": 1, "notice.autoreply": 1} and counted["by_domain"] == {"example.net": 2}
    shown = summary.as_text(one)
    assert "3 mails read" in shown and "address.unknown" in shown and "1 input could not be read" in shown


def test_a_long_table_is_cut_on_the_screen_only():
    tally = summary.Tally()
    for number in range(40):
        tally.add(verdict(failure=Failure(final_recipient=f"a@{number}.example")))
    assert "25 others" in summary.as_text(tally) and len(summary.as_dict(tally)["by_domain"]) == 40
