"""The closed list of causes."""
from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from fivefifty.causes import PHRASES, all_causes, cause, deciding_test, plain
from fivefifty.cli.causes import command
from fivefifty.errors import KnowledgeError
from fivefifty.model import OWNERS

MAY_SUPPRESS = {"address.unknown", "address.syntax", "address.inactive", "notice.complaint"}


def test_there_are_47_causes_the_notices_and_unknown():
    ids = [one.id for one in all_causes()]
    notices = [id for id in ids if id.startswith("notice.")]
    assert len(ids) - len(notices) - 1 == 47
    assert set(notices) == {
        "notice.suppressed", "notice.autoreply", "notice.delayed", "notice.success", "notice.complaint", "notice.auth_report",
        "notice.backscatter",
    }
    assert ids[-1] == "unknown"


@pytest.mark.parametrize("one", all_causes(), ids=lambda one: one.id)
def test_every_cause_is_whole(one):
    assert one.owner in OWNERS
    assert one.title and one.summary.endswith(".") and one.fix and one.evidence and one.confirm and one.refute and one.source
    assert one.suppress == (one.id in MAY_SUPPRESS)
    assert one.suppress_note
    assert all(step[0].isupper() or step[0] == "{" for step in one.fix)


@pytest.mark.parametrize("one", all_causes(), ids=lambda one: one.id)
def test_placeholders_are_known(one):
    texts = [*one.fix, *one.evidence, *one.confirm, *one.refute, one.contact_how, one.give, one.expect, one.summary]
    for text in texts:
        assert set(re.findall(r"\{(\w+)\}", text)) <= set(PHRASES)
        assert "{" not in plain(text)


def test_the_family_names_the_owner():
    """`auth`, `sender` and `volume` are the sender's, the rest by name (list quality is the list's)."""
    expected = {"auth": "sender", "sender": "sender", "volume": "sender", "reputation": "sender"}
    for one in all_causes():
        family = one.id.split(".")[0]
        owner = "list" if one.id == "reputation.list_quality" else expected.get(family, family)
        assert one.owner == owner, one.id


@pytest.mark.parametrize("one", [one for one in all_causes() if any("remov" in step or "delist" in step for step in one.fix)], ids=lambda one: one.id)
def test_the_cause_is_mended_before_a_list_is_asked(one):
    if one.id.startswith(("reputation.", "sender.dynamic")):
        asks = [at for at, step in enumerate(one.fix) if re.search(r"ask (that|the) list|delisting page", step)]
        assert not asks or min(asks) >= 2


def test_an_unknown_cause_is_named_with_its_neighbours():
    with pytest.raises(KnowledgeError, match=r"address\.unknown"):
        cause("adress.unknown")


def test_deciding_test_works_from_both_sides():
    assert "smart host" in deciding_test("recipient.not_hosted", ["sender.submission"]) or "relay" in deciding_test(
        "recipient.not_hosted", ["sender.submission"]
    )
    assert deciding_test("auth.dmarc", ["content.size"]) == ""
    assert deciding_test("content.spam", ["policy.opaque_gateway"])
    assert deciding_test("nonsense", ["other"]) == ""


@pytest.mark.parametrize(
    ("id", "status", "reply_code", "expected"),
    [
        ("address.unknown", "4.1.1", 450, True),
        ("address.full", "5.2.2", 552, False),
        ("reputation.blocklist", "5.7.1", 554, True),
        ("reputation.blocklist", "5.0.0", 421, False),  # the server's own words count more
        ("reputation.blocklist", "4.7.1", 0, False),
        ("unknown", "", 0, False),
    ],
)
def test_permanence(id, status, reply_code, expected):
    assert cause(id).is_permanent(status, reply_code) is expected


def test_the_command_lists_all_by_owner():
    output = CliRunner().invoke(command, []).output
    assert all(one.id in output for one in all_causes())
    assert output.index("address:") < output.index("sender:") < output.index("notice:")


def test_the_command_shows_one_whole():
    output = CliRunner().invoke(command, ["policy.opaque_gateway"]).output
    assert "What to do, in this order:" in output and "  1. " in output and "{" not in output


def test_the_command_prints_json():
    assert json.loads(CliRunner().invoke(command, ["auth.spf", "--json"]).output)["owner"] == "sender"
    assert len(json.loads(CliRunner().invoke(command, ["--json"]).output)) == len(all_causes())


def test_the_command_names_near_ids():
    result = CliRunner().invoke(command, ["auth.spff"])
    assert result.exit_code == 2
    assert "auth.spf" in result.output
