"""Codes: the classifier's last resort and `fivefifty code`."""
from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fivefifty.causes import all_causes
from fivefifty.cli.code import command
from fivefifty.codes import explain_code, from_codes
from fivefifty.model import PHASES, STANDINGS

CAUSES = {one.id for one in all_causes()}


@pytest.mark.parametrize(
    ("status", "reply_code", "phase", "cause", "standing"),
    [
        ("5.1.1", 550, "rcpt", "address.unknown", "likely"),
        ("5.1.1", 550, "", "address.unknown", "likely"),
        ("5.1.1", 550, "mail", "sender.identity", "open"),  # before RCPT nothing is about the address
        ("5.1.1", 552, "rcpt", "address.full", "open"),  # two codes that disagree decide nothing
        ("5.1.10", 556, "rcpt", "address.domain", "likely"),
        ("4.1.1", 450, "rcpt", "recipient.misconfigured", "open"),
        ("5.7.1", 550, "", "policy.opaque_gateway", "open"),
        ("5.7.1", 554, "connect", "reputation.provider", "open"),
        ("5.7.99", 550, "rcpt", "policy.opaque_gateway", "open"),
        ("", 550, "", "unknown", "open"),
        ("5.0.0", 0, "", "unknown", "open"),
        ("", 550, "rcpt", "unknown", "open"),
        ("", 550, "connect", "reputation.provider", "open"),
        ("", 554, "end-of-data", "content.spam", "open"),
        ("", 451, "", "transient.system", "likely"),
        ("4.0.0", 0, "", "transient.system", "likely"),
        ("5.2.2", 552, "rcpt", "address.full", "likely"),
        ("5.4.1", 0, "", "recipient.unreachable", "likely"),
        ("5.4.1", 550, "rcpt", "address.unknown", "open"),  # a server that speaks has answered
        ("5.4.4", 0, "", "address.domain", "likely"),
        ("", 556, "rcpt", "address.domain", "likely"),
        ("", 535, "auth", "sender.submission", "likely"),
        ("2.1.5", 250, "", "notice.success", "likely"),
        ("", 0, "", "unknown", "open"),
    ],
)
def test_from_codes(status, reply_code, phase, cause, standing):
    assert from_codes(status, reply_code, phase)[:2] == (cause, standing)


def test_550_at_rcpt_leaves_address_and_gateway():
    cause, _, alternatives = from_codes("", 550, "rcpt")
    assert {"address.unknown", "policy.opaque_gateway"} <= {cause, *alternatives}


@pytest.mark.parametrize("phase", ["connect", "ehlo", "starttls", "auth", "mail"])
@pytest.mark.parametrize("reply_code", [421, 450, 451, 452, 500, 501, 521, 550, 551, 552, 553, 554, 556, 571])
@pytest.mark.parametrize("status", ["", "5.0.0", "5.1.1", "5.1.10", "5.2.1", "5.4.1", "5.7.1", "5.7.17"])
def test_nothing_is_about_the_address_before_rcpt(status, reply_code, phase):
    cause, _, alternatives = from_codes(status, reply_code, phase)
    assert not any(one.startswith("address.") for one in (cause, *alternatives))


@given(
    st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,4}", fullmatch=True)),
    st.integers(0, 999), st.sampled_from(("", "nonsense", *PHASES)),
)
def test_a_code_alone_never_states(status, reply_code, phase):
    cause, standing, alternatives = from_codes(status, reply_code, phase)
    assert {cause, *alternatives} <= CAUSES
    assert standing in ("likely", "open") and standing in STANDINGS
    assert cause not in alternatives


@pytest.mark.parametrize("text", ["550", "553", "550 5.4.1", "5.7.350", "5.7.x", "X.1.1", "S3150", "TSS04", "[CS01]", "AS(201806281)", "ofr_417", "4.7.28"])
def test_known_codes(text):
    found = explain_code(text)
    assert found.known and found.causes and set(found.causes) <= CAUSES and found.first_fix


def test_what_550_is_not():
    assert "553" in explain_code("550").registry[0].is_not


def test_microsoft_means_something_else_by_5_4_1():
    found = explain_code("550 5.4.1")
    assert [entry.code for entry in found.registry] == ["550", "X.4.1"]
    assert any(one.provider == "microsoft365" and one.cause == "address.unknown" for one in found.providers)


def test_an_open_code_gives_a_test_first_not_a_deed():
    assert explain_code("550 5.4.1").standing == "open"
    assert not explain_code("550 5.4.1").first_fix.startswith("Stop sending")


def test_a_family_of_tokens_is_known_by_its_beginning():
    assert explain_code("S99999").providers[0].provider == "outlook"


def test_an_unknown_code_tells_what_its_digits_say():
    found = explain_code("5.7.89")
    assert not found.known and "policy" in found.digits and found.near


@pytest.mark.parametrize("text", ["", "hello", "192.0.2.1", "5.9.9", "599"])
def test_nothing_known(text):
    assert not explain_code(text).known


@given(st.text(max_size=200))
def test_any_text_can_be_asked(text):
    explain_code(text)


def test_the_command():
    result = CliRunner().invoke(command, ["550", "5.4.1"])
    assert result.exit_code == 0
    assert "The standard says" in result.output and "address.unknown" in result.output


def test_the_command_fails_calmly_where_nothing_is_known():
    result = CliRunner().invoke(command, ["5.7.89"])
    assert result.exit_code == 1
    assert "Known codes near it" in result.output


def test_the_command_prints_json():
    assert json.loads(CliRunner().invoke(command, ["--json", "TSS04"]).output)["known"] is True


def test_no_control_characters_reach_the_terminal():
    assert "\x1b" not in CliRunner().invoke(command, ["\x1b[31mhello"]).output


def test_nothing_given_is_wrong_usage():
    assert CliRunner().invoke(command, []).exit_code == 2
