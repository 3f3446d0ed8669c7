"""Reply texts with everything taken out that changes from mail to mail, so that a thousand refusals are one line.

`550 5.1.1 <jane@example.org>: unknown (id 4Kq0Yb1z2c)` and its nine hundred sisters become `550 5.1.1 <recipient>: unknown (id <id>)`.
Reply codes, enhanced status, the codes and lists that rules know, and words stay.

A text is taken apart at its spaces, and what became of each piece is remembered: the pieces of replies are few, and only ids are new.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from . import knowledge

MAX_TEXT = 1_000  # characters of a template
MAX_READ = 8_000  # characters that are looked at
REMEMBERED = 20_000  # pieces

_PIECE = re.compile(
    r"(?P<address>[^\s<>()\[\]{}:;,\"'|\\@=/]{1,128}@[\w.-]{1,255})"
    r"|(?P<time>(?<![\w.-])\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])|(?<![\w.:])\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?(?![\w:]))"
    r"|(?P<peer>(?<![\w.-])[\w.-]{1,255}\[(?:IPv6:)?(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){2,7})\])"
    r"|(?P<ip>(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\w)|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?:\.\d{1,3}){0,3}(?![\w:])))"
    r"|(?P<below>\w[\w.-]{0,200}\.<domain>)"
    r"|(?P<word>\w(?:[\w.-]*\w)?)"
)
_STATUS = re.compile(r"(?:[245]\d\d-)?[245]\.\d{1,3}\.\d{1,4}")
_NAMED = re.compile(r"[A-Za-z_-]{1,16}\d{1,4}|\d{1,3}[A-Za-z-]{1,10}|[A-Za-z]{1,6}[_-]\d{1,6}")  # S3150, 8bit, OU-001, level2
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,12}[A-Za-z]{2,24}")
_NUMBER = re.compile(r"[\d.,]+")
_DATE = re.compile(r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?:\d{4}|<number>)|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{1,2}) <time>(?: [+-](?:\d{4}|<number>)| (?:UTC|GMT))?(?: (?:\d{4}|<number>))?")
_UNITS = frozenset("second seconds sec secs s minute minutes min mins hour hours hrs day days byte bytes b kb mb gb kib mib gib kb/sec ms octets seconds. seconds, minutes. minutes, hours. days. bytes. bytes, bytes)".split())
_KEPT_IPS = ("127.", "4.16.")  # answers of blocklists, and a code of Yahoo that looks like an address
_BEFORE = frozenset("._-+")  # in front of an address these belong to it
_PLACE = {"address": "<address>", "time": "<time>", "ip": "<ip>", "below": "<host>.<domain>"}


class Reduced(NamedTuple):
    """A text without what changes; `removed` are the pieces, in lower case, and `whole` keeps all of it, line by line."""

    template: str
    whole: str
    removed: tuple[str, ...]


@lru_cache(maxsize=1)
def fragments() -> tuple[str, ...]:
    """Every fragment that rules and marks of providers and lists look for, as written."""
    written = [fragment for rule in knowledge.rulebook().rules for text in (*rule.texts, rule.absent) for fragment in text]
    for entry in knowledge.folder("providers").values():
        written += [*entry.get("marks", ()), *entry.get("hints", ()), *(mark for one in entry.get("list", ()) for mark in one.get("marks", ()))]
    return tuple(written)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """The words with digits that rules and providers' marks know: they stay."""
    written = fragments()
    words = {word.strip(".-") for one in written for word in re.findall(r"[\w.-]+", one.lower())}
    return frozenset(word for word in words if any(char.isdigit() for char in word))


@lru_cache(maxsize=1)
def _receivers() -> frozenset[str]:
    """The ends of the names of providers' servers."""
    return frozenset(name for entry in knowledge.folder("providers").values() for name in entry.get("mx", ()))


def template_of(text: str, recipient: str = "") -> str:
    """The template of a text; `recipient` is the address it was said about."""
    return reduced(text, recipient).template


def reduced(text: str, recipient: str = "", peer: str = "") -> Reduced:
    """The template, and what was taken out to make it; `peer` is a "host[ip]" known to stand in many texts, which need not be searched for then."""
    text = text[:MAX_READ]
    removed: list[str] = []
    if peer and f" {peer}" in text:
        text = text.replace(f" {peer}", f" {_peer(peer)}")
        removed.append(peer.lower())
    if recipient:
        text = _without(text, recipient, removed)
    if "\n" not in text:
        whole, out = _line(text)
        return Reduced(whole[:MAX_TEXT], whole, (*removed, *out))
    lines = []
    for one in text.split("\n"):
        whole, out = _line(one)
        lines.append(whole)
        removed += out
    whole = "\n".join(lines)
    return Reduced(" ".join(whole.split())[:MAX_TEXT], whole, tuple(removed))


@lru_cache(maxsize=1_000)  # without recipient and host many texts are the same
def _line(text: str) -> tuple[str, tuple[str, ...]]:
    words = text.split()
    found = [*map(_PIECES.__getitem__, words)]
    removed = [piece for _, out in found if out for piece in out]
    plain = [one for one, _ in found]
    if not _UNITS.isdisjoint(words):
        _measures(words, plain, removed)
    line = " ".join(plain)
    return (_DATE.sub("<time>", line) if "<time>" in line else line), tuple(removed)


def _measures(words: list[str], plain: list[str], removed: list[str]) -> None:
    """Numbers in front of a unit: sizes and delays."""
    for number, word in enumerate(words):
        if word in _UNITS and number and _NUMBER.fullmatch(words[number - 1]):
            plain[number - 1] = "<number>"
            removed.append(words[number - 1])


class _Pieces(dict[str, tuple[str, tuple[str, ...]]]):
    """What becomes of a piece of text without spaces, and what is taken out of it."""

    def __missing__(self, piece: str) -> tuple[str, tuple[str, ...]]:
        if len(self) >= REMEMBERED:
            self.clear()
        out: list[str] = []
        plain = _reduce(piece, out)
        if out and plain.isascii():
            again = _reduce(plain, out)
            while again != plain and len(out) < 50:  # so that a template's template is itself
                plain, again = again, _reduce(again, out)
        told = self[piece if len(piece) <= 100 else ""] = (plain, tuple(out))
        return told


_PIECES = _Pieces()


def _reduce(piece: str, out: list[str]) -> str:
    if piece.isalpha() or not ("@" in piece or "[" in piece or any(map(str.isdigit, piece))):
        return piece

    def place(found: re.Match[str]) -> str:
        kind, said = found.lastgroup or "", found[0]
        if kind == "word":
            plain = _word(said)
        elif kind == "peer":
            plain = _peer(said)
        elif (kind == "ip" and said.startswith(_KEPT_IPS)) or (kind == "below" and not any(map(str.isdigit, said))):
            plain = said
        else:
            plain = _PLACE[kind]
        if plain != said:
            out.append(said.lower())
        return plain

    return _PIECE.sub(place, piece)


def _peer(said: str) -> str:
    """A host with its address: which of a provider's servers it was says nothing."""
    name = said.partition("[")[0].lower().rstrip(".")
    while name:
        if name in _receivers():
            return f"<host>.{name}[<ip>]"
        name = name.partition(".")[2]
    return "<host>[<ip>]"


def _word(said: str) -> str:
    """A word with digits: a number, a host, an id, or a code that means something."""
    if said.isdecimal():
        return "<number>" if len(said) >= 4 and said not in _known() else said
    if not any(map(str.isdigit, said)) or said.lower() in _known() or _STATUS.fullmatch(said):
        return said
    if _HOST.fullmatch(said):
        return _host(said)
    if len(said) < 6 or _NAMED.fullmatch(said) or _NUMBER.fullmatch(said):
        return said
    return "<id>"


def _host(said: str) -> str:
    """A numbered host as "<host>" and the labels behind the last number."""
    labels = said.split(".")
    kept = len(labels)
    while kept and (labels[kept - 1].lower() in _known() or not any(map(str.isdigit, labels[kept - 1]))):
        kept -= 1
    if not kept:
        return said
    tail = labels[kept:]
    return ".".join(("<host>", *tail)) if len(tail) >= 2 else "<host>"


def _without(text: str, recipient: str, removed: list[str]) -> str:
    """The text without the recipient, as a whole or in parts, however it is spelled."""
    low = text.lower()
    wanted = recipient.lower()
    local, _, domain = wanted.rpartition("@")
    if len(low) != len(text) or (local not in low and domain not in low):
        return text
    if wanted in low:
        text, low = _replaced(text, low, wanted, "<recipient>", removed)
        if "<<recipient>>" in text:
            text = text.replace("<<recipient>>", "<recipient>")
            removed.append("<")  # rules tell "user <" from "user "
            low = text.lower()
    if local and "%40" in low:
        text, low = _replaced(text, low, f"{local}%40{domain}", "<recipient>", removed)
    if domain in low:
        text, low = _replaced(text, low, domain, "<domain>", removed)
    if len(local) > 2 and local in low and local not in _ordinary():
        text, low = _replaced(text, low, local, "<local>", removed)
    return text


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Words of replies: where they are also a local part ("user@"), they stay."""
    return frozenset(word for fragment in fragments() for word in fragment.split())


def _replaced(text: str, low: str, wanted: str, place: str, removed: list[str]) -> tuple[str, str]:
    """`wanted` taken out wherever it stands by itself."""
    at, parts, last = low.find(wanted) if wanted else -1, [], 0  # of "jane@" the domain is nothing
    while at >= 0:
        end = at + len(wanted)
        if _stands_alone(low, at, end, place):
            parts.append(text[last:at])
            last = end
        at = low.find(wanted, end)
    if not last and not parts:
        return text, low
    removed += wanted.rsplit("@", 1)
    text = place.join((*parts, text[last:]))
    return text, text.lower()


def _stands_alone(low: str, at: int, end: int, place: str) -> bool:
    before, after = low[at - 1] if at else " ", low[end : end + 2]
    if after[:1].isalnum() or after[:1] in ("-", "_", "@") or (after[:1] == "." and after[1:].isalnum() and place != "<domain>"):
        return False
    if place == "<domain>":
        return not (before.isalnum() or before in "-_@" or after[:1] == "[")  # a host with its address is told apart as a whole
    return not (before.isalnum() or before in _BEFORE or (place == "<local>" and before == "<" and after[:1] == ">"))
