"""Every folder of tests/cases is a case: input.* in, expect.toml out.  Adding one needs no Python.

expect.toml holds one [[verdict]] table for each expected verdict, in order; only the fields named are compared.  Names of
Verdict fields stand alone, fields of its Failure have the prefix "failure_".  `verdicts = 0` means: not a bounce.
`own_domains` is given to `diagnose`.
"""
import tomllib
from pathlib import Path

import pytest

import fivefifty

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/expect.toml"))


def value_of(verdict, name):
    found = verdict
    for step in name.split("."):
        found = getattr(found, step)
    return list(found) if isinstance(found, tuple) else found


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case):
    expected = tomllib.loads((case / "expect.toml").read_text(encoding="utf-8"))
    source, = case.glob("input.*")
    data = source.read_bytes()
    verdicts = fivefifty.diagnose(data.decode("utf-8") if source.suffix == ".txt" else data, own_domains=expected.get("own_domains", ()))
    wanted = expected.get("verdict", [])
    assert len(verdicts) == expected.get("verdicts", len(wanted)), [verdict.failure.final_recipient for verdict in verdicts]
    for verdict, fields in zip(verdicts, wanted, strict=False):
        for name, value in fields.items():
            got = value_of(verdict, name.replace("failure_", "failure.", 1))
            assert got == value, f"{name}: {got!r}, expected {value!r} (rule {verdict.rule})"
