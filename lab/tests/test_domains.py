"""`fivefifty check` on the domains of the lab: the faults that were built in, through a real resolver and real servers."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab import domains
from lab.machine import STATE

from .conftest import live

BROKEN = {one.name: one for one in domains.BROKEN}
CONNECTED = [name for name, one in BROKEN.items() if one.connected]
HARM = ("fail", "warn", "unknown", "crashed", "pass", "skipped")
NOT_HERE = {"receiving.mx_public"}  # RFC 5737 addresses are public nowhere


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every domain, asked in one go."""
    names = tmp_path_factory.mktemp("check") / "domains"
    names.write_text("\n".join((*domains.GOOD, *BROKEN)) + "\n")
    return {line["domain"]: line for line in live("check", "--no-smtp", "--selector", "sel", "--timeout", "1.5", "-f", names)}


def _worst(audit: dict[str, Any], check: str) -> str:
    return min((one["outcome"] for one in audit["findings"] if one["check"] == check), key=HARM.index, default="")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_domain_is_found_out(name: str, audited: dict[str, dict[str, Any]]) -> None:
    for check, outcome in BROKEN[name].expect.items():
        assert _worst(audited[name], check) in outcome.split("|")


@pytest.mark.parametrize("name", domains.GOOD)
def test_a_good_domain_is_left_in_peace(name: str, audited: dict[str, dict[str, Any]]) -> None:
    assert {one["check"] for one in audited[name]["findings"] if one["outcome"] in ("fail", "crashed")} <= NOT_HERE


@pytest.mark.parametrize("name", CONNECTED)
def test_connecting_brings_it_to_light(name: str) -> None:
    audit = live("check", name, "--smtp")[0]
    for check, outcome in BROKEN[name].connected.items():
        assert _worst(audit, check) == outcome


@pytest.mark.parametrize(("name", "checks"), [("dane.test", ("transport.dane", "receiving.starttls", "receiving.connect")), ("sts.test", ("transport.mta_sts_mx", "transport.mta_sts_policy"))])
def test_a_secure_receiver_passes(name: str, checks: tuple[str, ...]) -> None:
    audit = live("check", name, "--smtp")[0]
    assert {check: _worst(audit, check) for check in checks} == dict.fromkeys(checks, "pass")


def test_lists_are_believed_only_when_healthy() -> None:
    listed, clean = (live("check", "good.test", "--no-smtp", "--only", "lists.ip", "--sending-ip", ip)[0] for ip in ("203.0.113.11", "203.0.113.10"))
    assert _worst(listed, "lists.ip") == "fail"
    assert _worst(clean, "lists.ip") != "fail"


def test_the_lab_has_its_own_authority() -> None:
    assert Path(STATE, "etc/ca.pem").exists()
