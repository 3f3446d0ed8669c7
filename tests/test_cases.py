"""Every folder of tests/cases is a case: input.* in, expect.toml out.  Adding one needs no Python.

expect.toml holds one [[verdict]] table for each expected verdict, in order; only the fields named are compared.  Names of
Verdict fields stand alone, fields of its Failure have the prefix "failure_".  `verdicts = 0` means: not a bounce.
`own_domains` is given to `diagnose`.

With a world.toml beside it the case is proved live, in the World that file describes (recorded_case.py says how), and expect.toml holds
what comes out.  There `dispute_says` is a part of the dispute, `decide_says` of the test that decides, and `findings` a list of
"check=outcome" that must be among the findings.
"""
import tomllib
from pathlib import Path

import pytest
import recorded_case

import fivefifty

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/expect.toml"))


def value_of(verdict, name):
    found = verdict
    for step in name.split("."):
        found = getattr(found, step)
    return list(found) if isinstance(found, tuple) else found


def fits(verdict, name, value):
    """(what was got, whether it is as expected)."""
    if name in ("dispute_says", "decide_says"):
        got = getattr(verdict, name.removesuffix("_says"))
        return got, value in got if value else got == value
    if name == "findings":
        got = [f"{one.check}={one.outcome}" for one in verdict.findings]
        return got, set(value) <= set(got)
    got = value_of(verdict, name.replace("failure_", "failure.", 1))
    return got, got == value


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case):
    expected = tomllib.loads((case / "expect.toml").read_text(encoding="utf-8"))
    source, = case.glob("input.*")
    data = source.read_bytes()
    verdicts = fivefifty.diagnose(data.decode("utf-8") if source.suffix == ".txt" else data, own_domains=expected.get("own_domains", ()))
    wanted = expected.get("verdict", [])
    assert len(verdicts) == expected.get("verdicts", len(wanted)), [verdict.failure.final_recipient for verdict in verdicts]
    if (case / "world.toml").exists():
        offline = verdicts
        verdicts = [verdict for verdict, _ in recorded_case.proved(verdicts, data, *recorded_case.read(case / "world.toml"))]
        assert not any(now.suppress and not before.suppress for before, now in zip(offline, verdicts, strict=True))
        assert not any(one.outcome == "crashed" for verdict in verdicts for one in verdict.findings)
    for verdict, fields in zip(verdicts, wanted, strict=False):
        for name, value in fields.items():
            got, good = fits(verdict, name, value)
            assert good, f"{name}: {got!r}, expected {value!r} (rule {verdict.rule})"
