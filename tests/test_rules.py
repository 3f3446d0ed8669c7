"""Each rule's own examples are its tests: it must win on its examples and not on its counter-examples."""
import tomllib

import pytest

from fivefifty.knowledge import SHIPPED, rulebook
from fivefifty.parse.reply import context_of
from fivefifty.rules import fold, holds

ENTRIES = [
    (path.stem, entry)
    for path in sorted((SHIPPED / "rules").glob("*.toml"))
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", ())
]
IDS = [entry["id"] for _, entry in ENTRIES]


def text_of(example):
    return example if isinstance(example, str) else example["text"]


@pytest.mark.parametrize("family, entry", ENTRIES, ids=IDS)
def test_rule_wins_on_its_examples(family, entry):
    book = rulebook()
    for example in entry["examples"]:
        folded = fold(text_of(example))
        match = book.match(folded, context_of(example))
        assert match is not None, f"no rule fits {folded!r}"
        assert match.rule.id == entry["id"] or match.rule.cause == entry["cause"], f"{match.rule.id} ({match.rule.cause}, rank {match.rule.rank}) wins over it on {folded!r}"
        assert not match.rivals, f"rivals of equal rank on {folded!r}: {[(r.id, r.cause) for r in match.rivals]}"


@pytest.mark.parametrize("family, entry", ENTRIES, ids=IDS)
def test_rule_holds_on_its_examples_and_every_alternative_has_one(family, entry):
    texts = entry.get("text") or []
    alternatives = texts if texts and isinstance(texts[0], list) else [texts] if texts else []
    folded = [fold(text_of(example)) for example in entry["examples"]]
    for fragments in alternatives:
        assert any(holds(fragments, text) for text in folded), f"no example for {fragments}"
    book, rule = rulebook(), entry["id"]
    for example in entry["examples"]:
        found = book.matches(fold(text_of(example)), context_of(example))
        assert rule in {match.rule.id for match in found}, f"does not fit its own example {text_of(example)!r}"


@pytest.mark.parametrize("family, entry", [(f, e) for f, e in ENTRIES if e.get("counter_examples")])
def test_rule_does_not_win_on_its_counter_examples(family, entry):
    for example in entry["counter_examples"]:
        match = rulebook().match(fold(text_of(example)), context_of(example))
        assert match is None or match.rule.id != entry["id"], f"wins on {text_of(example)!r}"
