"""XML from strangers, piece by piece: no document types, no entities of theirs, bounded depth, names and size, broken characters mended."""
from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from xml.etree.ElementTree import XML, Element, ParseError, XMLPullParser

MAX_DEPTH = 40
MAX_CHILD = 1024**2  # characters of one element below the root, comments around it included
MAX_NAMES = 1_000  # different names of elements and attributes; the parser never forgets one
MAX_HEAD = 20_000  # characters in which the contact is looked for
MAX_TEXT = 8_000  # characters of one element that are kept
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_PLAIN = re.compile(r"(?:utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?\d|windows-125\d|cp125\d)\Z")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # XML 1.0 2.2
_BARE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")  # "AT&T", as some reporters write their name
_NUMBERED = re.compile(r"&#(?:(\d{1,7})|x([0-9A-Fa-f]{1,6}));")
_CONTACT = re.compile(r"(<(?:[\w.-]{1,40}:)?extra_contact_info>)([^\0]{0,5000}?)(</(?:[\w.-]{1,40}:)?extra_contact_info>)", re.IGNORECASE)
_START = re.compile(r"<[A-Za-z_][\w.:-]{0,100}(?:\s[^<>]{0,4000})?>")
_FIRST = re.compile(r"<[A-Za-z_:\u0080-\U0010ffff]")


class Refused(Exception):
    """Why a document is not read (any further), in a sentence."""


class _Local(dict[str, str]):
    """The names of elements in lower case and without namespace, by how the parser tells them."""

    def __missing__(self, tag: str) -> str:
        if len(self) >= 10 * MAX_NAMES:
            self.clear()
        local = self[tag] = tag.rpartition("}")[2].rpartition(":")[2].lower()
        return local


LOCAL = _Local()


def text_of(element: Element) -> str:
    """The text of an element, of what is inside of it too."""
    text = "".join(element.itertext()) if len(element) else element.text
    return text.strip()[:MAX_TEXT] if text else ""


def read(bites: Iterable[bytes], child: str) -> Iterator[Element]:
    """The root, of which only the name counts, then its children, one by one; forget each before the next is asked for.

    Nearly all of a report are many children called `child`.  They are cut out at their end tags and parsed by the hundred, twice as fast as event by
    event.  What can't be cut (such a tag in a comment, a broken document) goes through `_stepwise`, which knows more about what is wrong.

    Raises Refused at what is not well-formed or not allowed; what came before has been told then.
    """
    pieces = _mended(bites)
    opening, held = _opened(pieces)
    closing, ends = _closing(opening), _closing(opening, child)
    told = False
    for piece in chain(("",), pieces) if opening else ():
        held += piece
        cut = held.rfind(ends) + len(ends)
        if cut >= len(ends):
            root = _parsed(opening, held[:cut], closing)
            if root is None and not told:
                root = _parsed(opening, _CONTACT.sub(_as_text, held[: min(cut, MAX_HEAD)], 1) + held[MAX_HEAD:cut], closing)
            if root is None:
                break
            if not told:
                yield root
                told = True
            yield from root
            held = held[cut:]
        elif len(held) > MAX_CHILD:
            break
    if not told or held.strip() != closing:
        yield from _stepwise(chain((opening + held,), pieces), not told)


def _stepwise(pieces: Iterable[str], tell_root: bool) -> Iterator[Element]:
    """The same, event by event."""
    parser: XMLPullParser[Any] = XMLPullParser(("start", "end"))
    root: Element | None = None
    names: set[str] = set()
    depth = size = 0
    prolog = ""
    for piece in pieces:
        if root is None:
            prolog = _checked(prolog[-12:] + piece)
        parser.feed(piece)
        size += len(piece)
        try:
            events: Iterator[Any] = parser.read_events()
            for event, element in events:
                if event == "end":
                    depth -= 1
                    if depth == 1 and root is not None:
                        yield element
                        root.remove(element)
                        size = 0
                    continue
                depth += 1
                _bounded(element, depth, names)
                if depth == 1:
                    root = element
                    if tell_root:
                        yield element
        except ParseError as error:
            if depth == 0 and root is not None:  # what stands behind the end of the document is nobody's
                if len(re.findall(rf"</(?:[\w.-]{{1,40}}:)?{re.escape(LOCAL[root.tag])}\s*>", piece, re.IGNORECASE)) > 1:
                    raise Refused("another document stands behind its end, which is not read") from error
                return
            raise Refused(f"it is not well-formed XML ({str(error).partition(':')[0]})") from error
        if size > MAX_CHILD:
            raise Refused(f"one element, or a comment, is larger than {MAX_CHILD // 1024**2} MB; that is an attack, not a report")
    if depth or root is None:
        raise Refused("it is cut off: the end is missing" if root is not None else "there is no XML in it")


def _bounded(element: Element, depth: int, names: set[str]) -> None:
    names.add(element.tag)
    names.update(element.attrib)
    if depth > MAX_DEPTH:
        raise Refused(f"elements are nested deeper than {MAX_DEPTH}")
    if len(names) > MAX_NAMES:
        raise Refused(f"it has more than {MAX_NAMES:,} different names; that is an attack, not a report")


def _opened(pieces: Iterator[str]) -> tuple[str, str]:
    """The text up to the root's start tag, with it, and what was read beyond; "" where it does not come soon or hides something."""
    held = ""
    for piece in pieces:
        held += piece
        begin = _START.search(held)
        if begin is not None:
            opening = held[: begin.end()]
            return ("", held) if "<!DOCTYPE" in opening or opening.endswith("/>") else (opening, held[begin.end() :])
        if len(held) > 65_536:
            break
    return "", held


def _as_text(found: re.Match[str]) -> str:
    """A page's code in a field that holds how to reach somebody: "<br>" need not be closed there."""
    return found[1] + found[2].replace("<", "&lt;") + found[3]


def _closing(opening: str, child: str = "") -> str:
    """The end tag of the root, or of a child under the same namespace."""
    name = opening[opening.rfind("<") + 1 :].rstrip(">").split()[0] if opening else ""
    prefix, colon, _ = name.rpartition(":")
    return f"</{prefix}{colon}{child}>" if child else f"</{name}>"


def _parsed(opening: str, text: str, closing: str) -> Element | None:
    try:
        return XML(opening + text + closing)
    except (ParseError, ValueError):
        return None


def _checked(text: str) -> str:
    """What stands before the root."""
    first = _FIRST.search(text)
    if "<!DOCTYPE" in (text[: first.start()] if first else text):
        raise Refused("it declares a document type (DTD); reports have none, attacks do")
    return text


def _mended(bites: Iterable[bytes]) -> Iterator[str]:
    """The text in pieces, with what would stop a parser replaced; an entity is never cut in two."""
    decoder: codecs.IncrementalDecoder | None = None
    held = ""
    for bite in bites:
        for at in range(0, len(bite), 65_536):
            some = bite[at : at + 65_536]
            if decoder is None:
                some = some.lstrip(b" \t\r\n")
                decoder = codecs.getincrementaldecoder(_encoding(some))("replace")
            text = held + decoder.decode(some)
            cut = text.rfind("&", max(len(text) - 12, 0))
            held = "" if cut < 0 or ";" in text[cut:] else text[cut:]
            yield _legal(text[: len(text) - len(held)] if held else text)
    if decoder is not None:
        yield _legal(held + decoder.decode(b"", True))


def _legal(text: str) -> str:
    if "&" in text:
        text = _BARE.sub("&amp;", text)
        if "&#" in text:
            text = _NUMBERED.sub(_numbered, text)
    text = text.removeprefix("\ufeff")
    return _ILLEGAL.sub("\ufffd", text) if _ILLEGAL.search(text) else text


def _numbered(found: re.Match[str]) -> str:
    """A character by its number, where XML knows it (1.0 2.2)."""
    number = int(found[1]) if found[1] else int(found[2], 16)
    return found[0] if number < 0x110000 and not _ILLEGAL.match(chr(number)) else "\ufffd"


def _encoding(head: bytes) -> str:
    """By the mark, else as declared where that is an ordinary encoding, else UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith((b"<\0", b"\0<")):
        return "utf-16-le" if head[:1] == b"<" else "utf-16-be"
    declared = _DECLARED.match(head.removeprefix(b"\xef\xbb\xbf"))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if not _PLAIN.match(name):
        return "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"
