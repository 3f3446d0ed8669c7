"""The rulebook: from the words of a reply to a cause.

A rule says which fragments must stand in a text, in which order, and under which conditions.  The
receiver's own text outranks everything else; what only the codes say is left to `status.toml` (`fallback`).
Matching is linear in the text: an index over one rare word per alternative picks the few rules worth trying,
and every trial is `str.find`.
"""
from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from .errors import KnowledgeError

MAX_TEXT = 6_000  # characters of one reply that are looked at; RFC 5321 replies are far shorter

_WORD = re.compile(r"\w+")
_SPACED = bytes(code if chr(code).isalnum() or code == 0x5F else 0x20 for code in range(128)) + bytes(128)  # ASCII with all but \w blanked
# The class stands in front of the look-behind: the engine then skips to the digits instead of trying every character.
_CODE = re.compile(r"([245](?<!\S.)\d\d)[ -]#?(?:([245]\.\d{1,3}\.\d{1,4})\b)?")
_QUOTES = (("\u2018", "'"), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u00a0", " "), ("\u2011", "-"), ("\uff1a", ":"))
_DENSE = "\u2e80"  # from here on scripts are written without spaces between words
_HAS_DENSE = re.compile("[\u2e80-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Rule:
    """One wording and what it means.  `texts` holds the alternatives; each is fragments in order."""

    id: str
    cause: str
    rank: int
    texts: tuple[tuple[str, ...], ...] = ()
    absent: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    reply_code: tuple[int, ...] = ()
    phase: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    remote_mta: tuple[str, ...] = ()
    standing: str = "stated"
    alternatives: tuple[str, ...] = ()
    decide: str = ""
    suppress: bool | None = None
    permanent: bool | None = None
    fix: tuple[str, ...] = ()
    note: str = ""
    source: tuple[str, ...] = ()
    family: str = ""
    bound: int = 0  # how many conditions it has beside its text


class Context(NamedTuple):
    """What is known beside the text when a rule is tried."""

    status: str = ""
    reply_code: int = 0
    phase: str = ""
    provider: str = ""
    remote_mta: str = ""


class Match(NamedTuple):
    """A rule that holds, and the words of the folded text it rests on."""

    rule: Rule
    words: tuple[str, ...] = ()
    rivals: tuple[Rule, ...] = ()  # of equal rank, another cause, and not part of the winner's words


def _weight(found: Found) -> tuple[int, str]:
    """How much of the text a rule accounts for; the id makes the order the same every time."""
    rule, words = found
    return sum(map(len, words)) + 4 * rule.bound, rule.id


@lru_cache(maxsize=16)
def words_in(folded: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The words of a folded text, in order and as a set; kept a moment, because several readers ask for the same text."""
    # several times faster than the pattern, and nearly every reply is ASCII
    in_order = tuple(folded.encode().translate(_SPACED).decode().split() if folded.isascii() else _WORD.findall(folded))
    return in_order, frozenset(in_order)


@lru_cache(maxsize=16)
def fold(text: str) -> str:
    """The form in which texts and fragments meet: lower case, single spaces, plain quotes, codes said once.

    A multi-line reply repeats its code in each line (RFC 5321 4.2.1) and relays join the lines, so that the
    code stands in the middle of sentences; those repetitions are taken out.  Kept a moment, as the words are.
    """
    text = text[:MAX_TEXT]
    if not text.isascii():
        for typographic, plain in _QUOTES:  # many times faster than `translate`
            text = text.replace(typographic, plain)
    text = " ".join(text.lower().split())
    first = _CODE.search(text)
    if first is None:
        return text
    reply_code, status = first[1], first[2]
    end = first.end()
    if reply_code + "-" not in text[end:] and (not status or status not in text[end:]):
        return text
    again = re.compile(rf"(?<!\S){reply_code}[ -]#?(?:{re.escape(status) if status else '[245][.][0-9]+[.][0-9]+'}\b ?)?" + (rf"|(?<!\S){re.escape(status)} " if status else ""))
    return " ".join((text[:end] + " " + again.sub(" ", text[end:])).split())


# Plain tuples of text and numbers: the garbage collector leaves them alone, and there are some twenty thousand of them.
Fragment = tuple[str, bool, bool]  # text; whether its head must be a word edge; whether its tail must
Entry = tuple[int, int, int, tuple[str, ...], tuple[Fragment, ...]]  # rank below zero, numbers of the rule and of its alternative, words that must stand, fragments
Found = tuple[Rule, tuple[str, ...]]  # a rule that holds, and the alternative that stands in the text


def _in_word(char: str) -> bool:
    return char.isalnum() and char < _DENSE


def _words_begin_plainly(folded: str) -> bool:
    """Whether a fragment's edge in this text is an edge of a word: "_" and dense scripts are letters in a word, but none at an edge."""
    return folded.isascii() and "_" not in folded


def end_of(fragment: Fragment, text: str, start: int) -> int:
    """Index behind the first occurrence in `text` from `start` on, or -1."""
    bare, head, tail = fragment
    at = text.find(bare, start)
    while at >= 0:
        end = at + len(bare)
        if (not head or at == 0 or not _in_word(text[at - 1])) and (not tail or end == len(text) or not _in_word(text[end])):
            return end
        at = text.find(bare, at + 1)
    return -1


@lru_cache(maxsize=20_000)
def fragment_of(written: str) -> Fragment:
    """A fragment as written in a rule: a `*` at an edge lifts the condition that a word must start or end there."""
    bare = written.strip("*")
    return bare, written[:1] != "*" and _in_word(bare[0]), written[-1:] != "*" and _in_word(bare[-1])


def holds(fragments: Iterable[str], text: str) -> bool:
    """Whether all fragments stand in `text` (folded) in this order."""
    return _all_in(tuple(fragment_of(one) for one in fragments), text)


def _all_in(fragments: Iterable[Fragment], text: str) -> bool:
    at = 0
    for fragment in fragments:
        at = end_of(fragment, text, at)
        if at < 0:
            return False
    return True


def _none_in(fragments: Iterable[Fragment], text: str) -> bool:
    near = [one for one in fragments if one[0] in text]
    return not near or all(end_of(one, text, 0) < 0 for one in near)


def ends_with_host(host: str, suffixes: Iterable[str]) -> bool:
    """Whether `host` is one of the names or below one of them."""
    host = host.lower().rstrip(".")
    return any(host == suffix or host.endswith("." + suffix) for suffix in suffixes)


def _status_fits(status: str, wanted: Iterable[str]) -> bool:
    return any(status == one or (one[0] == "x" and status[1:] == one[1:]) for one in wanted)


def _conditions_hold(rule: Rule, context: Context) -> bool:
    if rule.status and not (context.status and _status_fits(context.status, rule.status)):
        return False
    if rule.reply_code and context.reply_code not in rule.reply_code:
        return False
    if rule.provider and context.provider not in rule.provider:
        return False
    if rule.phase and context.phase not in rule.phase:
        return False
    return not rule.remote_mta or ends_with_host(context.remote_mta, rule.remote_mta)


Key = str | tuple[str, str]


def _keys_of(fragments: Iterable[str]) -> set[Key]:
    """What a text must contain if it contains the fragments: whole words, and words that stand side by side."""
    keys: set[Key] = set()
    for fragment in fragments:
        words = _words_of(fragment)
        keys.update(words)
        keys.update(zip(words, words[1:], strict=False))
    return keys


def _words_of(fragment: str) -> list[str]:
    """The whole words a text must contain if it contains the fragment (none for dense scripts)."""
    words = _WORD.findall(fragment)
    if fragment[:1] == "*":
        words = words[1:]
    if fragment[-1:] == "*":
        words = words[:-1]
    return [word for word in words if word < _DENSE and not any(char >= _DENSE for char in word)]


# Words of nearly every bounce are a poor index even where few rules use them.
_COMMON = dict.fromkeys("the to of a is in for not and your mail message address server recipient user this you be com 550 from smtp mailbox unknown rejected was by been or s service 0 1 4 7 554".split(), 50)


_PREFIX = 3  # letters
_head_of = itemgetter(slice(_PREFIX))  # of a word


def _pair_of(fragments: tuple[str, ...]) -> str:
    """Two neighbouring letters of a dense script that stand in one of the fragments."""
    for fragment in sorted(fragments, key=len, reverse=True):
        for at in range(len(fragment) - 1):
            if fragment[at] >= _DENSE and fragment[at + 1] != "*":
                return fragment[at : at + 2]
    return ""


def _prefix_of(fragments: tuple[str, ...]) -> str:
    """The first letters of a fragment like "greylist*", or "" where none has an open end and enough letters."""
    for fragment in fragments:
        words: list[str] = _WORD.findall(fragment) if fragment[-1:] == "*" else []
        whole = fragment[:1] != "*" or len(words) > 1  # the last word's head is a word's head in the text too
        if words and whole and len(words[-1]) >= _PREFIX and words[-1] < _DENSE:
            return words[-1][:_PREFIX]
    return ""


Absent = tuple[dict[str, list[Fragment]], tuple[Fragment, ...], tuple[Fragment, ...]]  # by one word of each; fragments without a whole word; all


def _absent_of(rule: Rule) -> Absent:
    """The fragments a rule forbids, made ready: most texts have none of the words, and then no fragment need be looked for."""
    words = [max(_words_of(one), key=len, default="") for one in rule.absent]
    fragments = tuple(fragment_of(one) for one in rule.absent)
    by_word: dict[str, list[Fragment]] = {}
    for one, word in zip(fragments, words, strict=True):
        by_word.setdefault(word, []).append(one)
    return by_word, tuple(by_word.pop("", ())), fragments


def _best_of(highest: list[Found]) -> Match:
    """Of rules of one rank the one that accounts for most of the text; those of another cause are its rivals."""
    if len(highest) == 1:
        return Match(*highest[0])
    rule, words = max(highest, key=_weight)
    said = " ".join(words)
    return Match(rule, words, tuple(other for other, theirs in highest if other.cause != rule.cause and not all(word in said for word in theirs)))


@dataclass(slots=True)
class Rulebook:
    """All rules, indexed.  `match` is the only question it answers."""

    rules: tuple[Rule, ...]
    by_word: dict[Key, list[Entry]] = field(default_factory=dict)  # by a word, or by two words side by side
    by_prefix: dict[str, list[Entry]] = field(default_factory=dict)  # the first letters of a word whose end is open
    by_pair: dict[str, list[Entry]] = field(default_factory=dict)  # two letters of a script that is written without spaces
    always: list[Entry] = field(default_factory=list)  # without anything to index: few
    by_status: dict[str, list[Rule]] = field(default_factory=dict)
    indexed: bool = False
    absent: dict[str, Absent] = field(default_factory=dict)  # by the rule's id, made when first asked for
    upper: dict[int, Rulebook] = field(default_factory=dict)  # by the lowest rank, made when first asked for

    def __post_init__(self) -> None:
        for rule in self.rules:
            if not rule.texts:
                self._file_by_status(rule)
        if self.indexed:
            return
        counts: dict[Key, int] = {}
        for rule in self.rules:
            for fragments in rule.texts:
                for key in _keys_of(fragments):
                    counts[key] = counts.get(key, 0) + (_COMMON.get(key, 1) if isinstance(key, str) else 1)
        for number, rule in enumerate(self.rules):
            for alternative, fragments in enumerate(rule.texts):
                self._file(number, alternative, fragments, counts)

    def stored(self) -> tuple[Any, ...]:
        """The book as plain data, for `restored`."""
        names = [one.name for one in fields(Rule)]
        return [tuple(getattr(rule, name) for name in names) for rule in self.rules], self.by_word, self.by_prefix, self.by_pair, self.always

    @classmethod
    def restored(cls, data: tuple[Any, ...]) -> Rulebook:
        """The book that was `stored`; the index need not be made again."""
        rules, by_word, by_prefix, by_pair, always = data
        return cls(tuple(Rule(*one) for one in rules), by_word, by_prefix, by_pair, always, indexed=True)

    def _file(self, number: int, alternative: int, fragments: tuple[str, ...], counts: Mapping[Key, int]) -> None:
        keys = _keys_of(fragments)
        # two words side by side are far rarer in texts than the rarer of them
        filed_under = min(keys, key=lambda key: (isinstance(key, str), counts[key], str(key)), default="")
        own = (filed_under,) if isinstance(filed_under, str) else filed_under
        others = [key for key in keys if isinstance(key, str) and key not in own]
        words = sorted(others, key=lambda word: (counts[word], -len(word), word))[:4]
        # interned: a word is one object wherever it stands, so that those of most texts stay in the processor's cache
        entry = (-self.rules[number].rank, number, alternative, tuple(map(sys.intern, words)), tuple(fragment_of(one) for one in fragments))
        if keys:
            self.by_word.setdefault(filed_under, []).append(entry)
        elif (prefix := _prefix_of(fragments)):
            self.by_prefix.setdefault(prefix, []).append(entry)
        elif any(char >= _DENSE for fragment in fragments for char in fragment):
            self.by_pair.setdefault(_pair_of(fragments), []).append(entry)
        else:
            self.always.append(entry)

    def _file_by_status(self, rule: Rule) -> None:
        for status in rule.status:
            for one in ("4" + status[1:], "5" + status[1:]) if status[0] == "x" else (status,):
                self.by_status.setdefault(one, []).append(rule)

    def match(self, folded: str, context: Context, at_least: int = 0) -> Match | None:
        """The rule that decides this folded text, or None; rules of a rank below `at_least` are not asked."""
        found: list[Found] = []
        rank, rules = at_least, self.rules
        for minus, number, alternative, _, fragments in sorted(self._candidates(folded)):  # the highest rank first
            if -minus < rank:
                break
            rule = rules[number]
            if _all_in(fragments, folded) and self._holds(rule, folded, context):
                found.append((rule, rule.texts[alternative]))
                rank = rule.rank
        for rule in self.by_status.get(context.status, ()):
            if rule.rank >= rank and self._holds(rule, folded, context):
                found = [*(found if rule.rank == rank else ()), (rule, ())]
                rank = rule.rank
        return _best_of(found) if found else None

    def from_rank(self, rank: int) -> Rulebook:
        """The rules of that rank and above as a book of their own: few, and so looked through sooner."""
        book = self.upper.get(rank)
        if book is None:
            book = self.upper[rank] = Rulebook(tuple(rule for rule in self.rules if rule.rank >= rank))
        return book

    def _holds(self, rule: Rule, folded: str, context: Context) -> bool:
        """Whether a rule whose text fits holds in everything else it asks for."""
        if rule.bound and not _conditions_hold(rule, context):
            return False
        if not rule.absent:
            return True
        by_word, wordless, every = self.absent.get(rule.id) or self.absent.setdefault(rule.id, _absent_of(rule))
        if not _words_begin_plainly(folded):
            return _none_in(every, folded)
        near = [one for word in by_word.keys() & words_in(folded)[1] for one in by_word[word]]
        return _none_in((*near, *wordless) if near else wordless, folded)

    def matches(self, folded: str, context: Context) -> list[Match]:
        """Every rule that holds for the text, in no order."""
        rules = self.rules
        found: list[Found] = [(rules[one[1]], rules[one[1]].texts[one[2]]) for one in self._candidates(folded) if _all_in(one[4], folded)]
        found += [(rule, ()) for rule in self.by_status.get(context.status, ())]
        return [Match(rule, words) for rule, words in found if self._holds(rule, folded, context)]

    def _candidates(self, folded: str) -> list[Entry]:
        """The alternatives that may stand in the text: every word they are filed under does."""
        in_order, words = words_in(folded)
        stand, by_word, by_prefix, by_pair = words.issuperset, self.by_word, self.by_prefix, self.by_pair
        candidates = [entry for key in by_word.keys() & words for entry in by_word[key] if stand(entry[3])]
        candidates += [entry for key in by_word.keys() & pairwise(in_order) for entry in by_word[key] if stand(entry[3])]
        for prefix in by_prefix.keys() & map(_head_of, words) if _words_begin_plainly(folded) else filter(folded.__contains__, by_prefix):
            candidates += by_prefix[prefix]
        if self.always:
            candidates += [entry for entry in self.always if entry[4][0][0] in folded]
        if not folded.isascii() and _HAS_DENSE.search(folded):
            for pair in by_pair.keys() & {folded[at : at + 2] for at in range(len(folded) - 1) if folded[at] >= _DENSE}:
                candidates += by_pair[pair]
        return candidates


_RULE_KEYS = {
    "id", "cause", "rank", "text", "absent", "status", "reply_code", "phase", "provider", "remote_mta", "standing",
    "alternatives", "decide", "suppress", "permanent", "fix", "note", "source", "examples", "counter_examples", "disabled", "regex",
}


def make_rule(entry: Mapping[str, Any], family: str, rank: int) -> Rule:
    """A Rule from its TOML table; `KnowledgeError` names what is wrong with it."""
    name = f"{family}: {entry.get('id', '?')}"
    unknown = set(entry) - _RULE_KEYS
    if unknown:
        raise KnowledgeError(f"unknown keys {sorted(unknown)}", name)
    for key in ("id", "cause", "source", "examples"):
        if not entry.get(key):
            raise KnowledgeError(f"a rule without {key} does not load", name)
    text = entry.get("text", [])
    texts = tuple(tuple(one) for one in text) if text and isinstance(text[0], list) else ((tuple(text),) if text else ())
    for fragments in texts:
        for fragment in fragments:
            if not fragment.strip("*") or fragment != " ".join(fragment.lower().split()):
                raise KnowledgeError(f"fragment {fragment!r} is empty or not in folded form (lower case, single spaces)", name)
    if not texts and not entry.get("status"):
        raise KnowledgeError("a rule needs text or status", name)
    bound = sum(bool(entry.get(key)) for key in ("status", "reply_code", "phase", "provider", "remote_mta"))
    return Rule(
        bound=bound, id=entry["id"], cause=entry["cause"], rank=int(entry.get("rank", rank)), texts=texts, family=family,
        absent=tuple(entry.get("absent", ())), status=tuple(entry.get("status", ())),
        reply_code=tuple(entry.get("reply_code", ())), phase=tuple(entry.get("phase", ())),
        provider=tuple(entry.get("provider", ())), remote_mta=tuple(entry.get("remote_mta", ())),
        standing=entry.get("standing", "stated"), alternatives=tuple(entry.get("alternatives", ())),
        decide=entry.get("decide", ""), suppress=entry.get("suppress"), permanent=entry.get("permanent"),
        fix=tuple(entry.get("fix", ())), note=entry.get("note", ""), source=tuple(entry.get("source", ())),
    )
