"""A mail, a real bounce, the cause as it was set up: first from the text alone, then proved by asking."""
from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from lab import post
from lab.cases import CASES, Case
from lab.scenario import SENDERS, SUBMISSION

from .conftest import fivefifty, live

EACH = [(mta, name) for _, (mta, case) in sorted(post.expected().items()) for name in (case.name,)]
PROVABLE = [name for name, case in CASES.items() if case.proof]


def _by_file(lines: list[dict[str, Any]]) -> dict[Path, dict[str, Any]]:
    found: dict[Path, dict[str, Any]] = {}
    for line in lines:
        found.setdefault(Path(line["source"]), line)
    return found


@pytest.fixture(scope="session")
def told(bounces: dict[Path, Any]) -> dict[Path, dict[str, Any]]:
    """What each bounce says by itself."""
    return _by_file(fivefifty("diagnose", "--offline", *sorted(bounces)))


@pytest.fixture(scope="session")
def proved(bounces: dict[Path, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """What asking shows, for the cases with a proof; one command for each sender."""
    groups: dict[tuple[str, bool], list[Path]] = defaultdict(list)
    for path, (_, case) in bounces.items():
        if case.proof:
            groups[case.sender, case.connecting].append(path)
    found = {}
    for (sender, connecting), paths in groups.items():
        one = SENDERS[sender]
        for path, line in _by_file(live("diagnose", "--live", *(["--smtp"] if connecting else []), "--sending-ip", one.ip, "--helo", one.helo, *sorted(paths))).items():
            found[path.parent.name, path.stem] = line
    return found


@pytest.mark.parametrize(("mta", "name"), EACH, ids="-".join)
def test_a_bounce_tells_its_cause(mta: str, name: str, told: dict[Path, dict[str, Any]]) -> None:
    case = CASES[name]
    assert told[post.bounce(mta, case)]["cause"] in {case.cause, case.told_by(mta)}


@pytest.mark.parametrize("name", PROVABLE)
def test_asking_proves_it(name: str, proved: dict[tuple[str, str], dict[str, Any]]) -> None:
    case = CASES[name]
    for mta in case.by:
        if (mta, name) in proved:
            _holds(case, mta, proved[mta, name])


def _holds(case: Case, mta: str, verdict: dict[str, Any]) -> None:
    told = case.told_by(mta)
    assert verdict["cause"] in {case.cause, told}, mta
    assert verdict["standing"] != "disputed", mta
    if mta == "postfix" and told == case.cause:  # the fullest reports: they name the IP, the envelope sender and the author
        outcomes = {(one["check"], one["outcome"]) for one in verdict["findings"]}
        assert set(case.proof) <= outcomes
        if "unknown" not in dict(case.proof).values():
            assert verdict["standing"] == "proved"


def test_every_server_sent_its_share(bounces: dict[Path, Any]) -> None:
    for mta in SUBMISSION:
        assert len(list((post.BOUNCES / mta).glob("*.eml"))) >= 50
