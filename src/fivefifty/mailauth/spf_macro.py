"""SPF macro-strings (RFC 7208 7): reading them, and expanding them for one message."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

LONGEST_NAME = 253  # RFC 7208 7.3: of a name in presentation form
_MACRO = re.compile(r"%(?:\{([slodiphcrtv])([0-9]*)(r?)([-.+,/_=]*)\}|([%_-]))", re.IGNORECASE)
_LITERAL = re.compile(r"[\x21-\x24\x26-\x7e]+")  # RFC 7208 12: macro-literal
_LITERAL_OR_SPACE = re.compile(r"[\x20-\x24\x26-\x7e]+")  # explain-string
_FIXED = {"%": "%", "_": " ", "-": "%20"}
_MANY_PARTS = 128  # a name holds fewer labels: more digits mean "all"


class SyntaxProblem(ValueError):
    """A record, or a part of one, that is not written as RFC 7208 12 says; the text says what is wrong."""


class Macro(NamedTuple):
    """One macro-expand with a letter (RFC 7208 7.1)."""

    letter: str  # lower case
    parts: int  # right-hand parts to keep; 0: all
    reverse: bool
    delimiters: str  # "" for the dot alone
    escape: bool  # the letter was upper case: URL escaping


MacroString = tuple["str | Macro", ...]


def _macro(found: re.Match[str], in_explanation: bool) -> str | Macro:
    letter, digits, reverse, delimiters, fixed = found.groups()
    if fixed:
        return _FIXED[fixed]
    if letter.lower() in "crt" and not in_explanation:  # RFC 7208 7.2
        raise SyntaxProblem(f'the macro "{found[0]}" is only allowed in the text of an explanation')
    if digits and not digits.strip("0"):  # RFC 7208 7.3: the value MUST be nonzero
        raise SyntaxProblem(f'the macro "{found[0]}" keeps zero parts')
    digits = digits.lstrip("0")
    parts = min(int(digits[:4] or 0), _MANY_PARTS) if len(digits) < 4 else _MANY_PARTS
    return Macro(letter.lower(), parts, bool(reverse), "" if delimiters == "." else delimiters, letter.isupper())


def _read(text: str, in_explanation: bool) -> tuple[MacroString, bool]:
    """The literals and macros, and whether the last of them is a macro-expand."""
    literal = _LITERAL_OR_SPACE if in_explanation else _LITERAL
    parts: list[str | Macro] = []
    at, in_macro = 0, False
    while at < len(text):
        found = literal.match(text, at) if text[at] != "%" else _MACRO.match(text, at)
        if found is None:
            raise SyntaxProblem(_why_not(text, at))
        in_macro = text[at] == "%"
        parts.append(_macro(found, in_explanation) if in_macro else found[0])
        at = found.end()
    return tuple(parts), in_macro


def macro_string(text: str, in_explanation: bool = False) -> MacroString:
    """The literals and macros of a macro-string (explain-string: spaces are allowed, and the letters c, r and t)."""
    return _read(text, in_explanation)[0]


def _why_not(text: str, at: int) -> str:
    if text[at] == "%":
        return f'"{text[at : at + 12]}" is not a macro: a "%" begins "%{{letter}}", "%%", "%_" or "%-"'
    return f"the character {text[at]!a} may not stand in a record"


def domain_spec(text: str) -> MacroString:
    """A domain-spec: a macro-string that ends in a macro or in a top label (RFC 7208 7.1)."""
    if not text:
        raise SyntaxProblem("the name is missing")
    parts, ends_in_macro = _read(text, False)
    if not ends_in_macro and not _has_toplabel(text):
        raise SyntaxProblem(f'"{text[:100]}" is not a name with at least two labels and a proper last one')
    return parts


def _has_toplabel(text: str) -> bool:
    """Whether it ends in "." toplabel [ "." ]: letters, digits and inner hyphens, and not digits alone."""
    _, dot, label = text.removesuffix(".").rpartition(".")
    if not dot or not label.replace("-", "").isalnum() or label.isdigit():
        return False
    return label[0] != "-" and label[-1] != "-"


def _escaped(value: str) -> str:
    """URL escaping of all but the unreserved characters (RFC 3986 2.3)."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "-._~") else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "replace")) for one in value)


def _expanded(macro: Macro, value: str) -> str:
    if macro.parts or macro.reverse or macro.delimiters:
        pieces = re.split(f"[{re.escape(macro.delimiters)}]", value) if macro.delimiters else value.split(".")
        if macro.reverse:
            pieces.reverse()
        value = ".".join(pieces[-macro.parts :] if macro.parts else pieces)  # RFC 7208 7.3: rejoined with dots
    return _escaped(value) if macro.escape else value


def expand(parts: MacroString, values: Mapping[str, str]) -> str:
    """The text with each macro replaced by `values[letter]`, transformed."""
    return "".join(part if isinstance(part, str) else _expanded(part, values[part.letter]) for part in parts)


def as_name(text: str) -> str:
    """An expanded domain-spec as the name to ask for: no final dot, and without the labels on the left that are too many."""
    name = text.removesuffix(".")
    if len(name) > LONGEST_NAME:  # RFC 7208 7.3
        name = name[name.find(".", len(name) - LONGEST_NAME - 1) + 1 :]
    return name


def letters(parts: MacroString) -> frozenset[str]:
    """The macro letters used."""
    return frozenset(part.letter for part in parts if not isinstance(part, str))
