"""The knowledge files agree with each other."""
from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest

from fivefifty.causes import all_causes
from fivefifty.knowledge import SHIPPED
from fivefifty.model import OWNERS, PHASES, STANDINGS

FILES = {str(path.relative_to(SHIPPED)): tomllib.loads(path.read_text("utf-8")) for path in sorted(SHIPPED.rglob("*.toml"))}
CAUSES = {one.id for one in all_causes()}
SOURCES = set(FILES["sources.toml"])
PROVIDERS = {name[len("providers/") : -5] for name in FILES if name.startswith("providers/")}
STATUS = FILES["status.toml"]
TRUST = {"standard", "vendor", "archive", "code", "community", "secondary"}

# RFC 3463 and the registry: highest detail number of each subject
REGISTERED = {0: 0, 1: 10, 2: 4, 3: 6, 4: 7, 5: 6, 6: 10, 7: 30}
RFC_5321 = {211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550, 551, 552, 553, 554, 555}


def rules() -> Iterator[tuple[str, dict]]:
    for name, parsed in FILES.items():
        if name.startswith("rules/"):
            for entry in parsed.get("rule", ()):
                yield name, entry


def provider_causes(name: str, parsed: dict) -> Iterator[str]:
    for entry in parsed.get("code", ()):
        yield from (one.strip() for one in entry.get("cause", "").split("|") if one.strip())
    yield from (key for key in parsed.get("fix", {}) if key != "default")


def as_list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]


def every(value: object, key: str) -> Iterator[object]:
    """Every value of that key, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            else:
                yield from every(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from every(inner, key)


@pytest.mark.parametrize("name", FILES)
def test_every_source_is_in_the_bibliography(name):
    if name == "sources.toml":
        return
    used = {one for value in every(FILES[name], "source") for one in as_list(value)}
    used = {one.strip() for value in used for one in value.split(",") if one.strip()}
    assert used <= SOURCES, f"not in sources.toml: {sorted(used - SOURCES)}"


def test_the_bibliography_is_whole():
    for key, entry in FILES["sources.toml"].items():
        assert {"title", "where", "date", "trust"} <= set(entry), key
        assert entry["trust"] in TRUST, key


def test_rules_name_causes_that_exist():
    for name, entry in rules():
        named = {entry["cause"], *entry.get("alternatives", ())}
        assert named <= CAUSES, f"{name}: {entry['id']}: {sorted(named - CAUSES)}"
        assert entry.get("standing", "stated") in STANDINGS, entry["id"]
        assert set(entry.get("phase", ())) <= set(PHASES), entry["id"]


def test_an_open_rule_says_what_would_decide():
    for name, entry in rules():
        if entry.get("standing") == "open":
            assert entry.get("alternatives") and entry.get("decide"), f"{name}: {entry['id']}"


def test_rules_name_providers_that_exist():
    if not PROVIDERS:
        pytest.skip("no providers yet")
    for name, entry in rules():
        assert set(entry.get("provider", ())) <= PROVIDERS, f"{name}: {entry['id']}"


def test_rule_ids_are_unique():
    ids = [entry["id"] for _, entry in rules()]
    assert len(ids) == len(set(ids)), sorted({id for id in ids if ids.count(id) > 1})


def test_rules_do_not_switch_suppression_on_where_the_cause_forbids_it():
    may = {one.id for one in all_causes() if one.suppress} | {"address.domain"}
    for name, entry in rules():
        assert not entry.get("suppress") or entry["cause"] in may, f"{name}: {entry['id']}"


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_providers_name_causes_that_exist(name):
    parsed = FILES[f"providers/{name}.toml"]
    assert set(provider_causes(name, parsed)) <= CAUSES, sorted(set(provider_causes(name, parsed)) - CAUSES)
    assert parsed.get("id", name) == name


def test_causes_are_whole():
    ids = [entry["id"] for entry in FILES["causes.toml"]["cause"]]
    assert len(ids) == len(set(ids))
    for entry in FILES["causes.toml"]["cause"]:
        assert entry["owner"] in OWNERS and entry["fix"], entry["id"]
        assert {one["against"] for one in entry.get("decide", ())} <= CAUSES - {entry["id"]}, entry["id"]


def test_every_registered_enhanced_code_is_there():
    codes = [entry["code"] for entry in STATUS["enhanced"]]
    assert len(codes) == len(set(codes))
    assert set(codes) == {f"X.{subject}.{detail}" for subject, last in REGISTERED.items() for detail in range(last + 1)}


def test_every_reply_code_of_the_standard_is_there():
    codes = [entry["code"] for entry in STATUS["reply"]]
    assert len(codes) == len(set(codes)) and set(codes) >= RFC_5321
    assert all(200 <= code < 600 for code in codes)


def test_status_names_causes_that_exist():
    beside = {key for entry in STATUS["enhanced"] for key in entry if key.startswith("with_")}
    assert {int(key[5:]) for key in beside} <= {entry["code"] for entry in STATUS["reply"]}
    for key in ("causes", "causes_4", "causes_5", "replied_4", "replied_5", "policy_4", "policy_5", *beside):
        for value in every(STATUS, key):
            assert value and set(value) <= CAUSES, value
    for entry in STATUS["clash"]:
        assert entry["cause"] in CAUSES | {""} and entry["codes"], entry
    for key in ("standing", "standing_4", "standing_5"):
        assert set(every(STATUS, key)) <= {"likely", "open"}


def test_phases_are_those_of_the_dialogue():
    assert {entry["name"] for entry in STATUS["phase"]} == {"", *PHASES}
    families = {id.split(".")[0] for id in CAUSES} | CAUSES
    for entry in STATUS["phase"]:
        never = tuple(entry.get("never", ()))
        assert set(never) <= families
        kept = [one for key in ("causes_4", "causes_5", "policy_4", "policy_5") for one in entry[key]]
        assert not never or not [one for one in kept if one.startswith(never)], entry["name"]


def test_clashes_and_tokens_name_providers_that_exist():
    if not PROVIDERS:
        pytest.skip("no providers yet")
    for key in ("clash", "token"):
        assert {entry["provider"] for entry in STATUS[key]} <= PROVIDERS
