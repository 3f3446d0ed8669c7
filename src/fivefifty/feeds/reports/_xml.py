"""XML from strangers, as a stream: no document types, no entities of theirs, bounded depth and text, broken characters mended."""
from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from xml.parsers import expat

MAX_DEPTH = 40
MAX_TEXT = 8_000  # characters of one element that are kept
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_PLAIN = re.compile(r"(?:utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?\d|windows-125\d|cp125\d)\Z")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # XML 1.0 2.2
_BARE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")  # "AT&T", as some reporters write their name


class Refused(Exception):
    """Why a document is not read (any further), in a sentence."""


def read(bites: Iterable[bytes], begins: Mapping[str, Callable[[int], None]], end: Callable[[str, str, str], bool]) -> Iterator[None]:
    """Calls `begins[name](depth)` where such an element begins (the root has depth 1), and `end(name, text, name of the element around it)` for every one;
    names in lower case without prefix.  Yields whenever `end` gives true.

    Raises Refused at what is not well-formed or not allowed; what came before has been told then.
    """
    parser = expat.ParserCreate()
    texts: list[str] = []
    path: list[str] = [""]
    pending = 0
    names: dict[str, str] = {}

    def started(name: str, _: object) -> None:
        texts.clear()
        local = names.get(name) or names.setdefault(name, name.rpartition(":")[2].lower())
        path.append(local)
        if local in begins or len(path) > MAX_DEPTH:
            if len(path) > MAX_DEPTH:
                raise Refused(f"elements are nested deeper than {MAX_DEPTH}")
            begins[local](len(path) - 1)

    def ended(_: str) -> None:
        nonlocal pending
        local = path.pop()
        text = ""
        if texts:
            text = (texts[0] if len(texts) == 1 else "".join(texts)).strip()[:MAX_TEXT]
            texts.clear()
        if end(local, text, path[-1]):
            pending += 1

    def told(text: str) -> None:
        if len(texts) < 100:
            texts.append(text if len(text) <= MAX_TEXT else text[:MAX_TEXT])

    def refused(*_: object) -> None:
        raise Refused("it declares a document type (DTD); reports have none, attacks do")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = started, ended, told
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refused
    for piece in _mended(bites):
        try:
            parser.Parse(piece, False)
        except expat.ExpatError as error:
            if len(path) == 1 and names:  # what stands behind the end of the document is nobody's
                yield from (None for _ in range(pending))
                return
            yield from (None for _ in range(pending))
            raise Refused(f"it is not well-formed XML ({expat.ErrorString(error.code)}, line {error.lineno})") from error
        if pending:
            yield from (None for _ in range(pending))
            pending = 0
    if len(path) > 1 or not names:
        raise Refused("it is cut off: the end is missing" if names else "there is no XML in it")


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
            yield _legal(text[: len(text) - len(held)])
    if decoder is not None:
        yield _legal(held + decoder.decode(b"", True))


def _legal(text: str) -> str:
    if "&" in text:
        text = _BARE.sub("&amp;", text)
    text = text.removeprefix("\ufeff")
    return _ILLEGAL.sub("\ufffd", text) if _ILLEGAL.search(text) else text


def _encoding(head: bytes) -> str:
    """By the mark, else as declared where that is an ordinary encoding, else UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    declared = _DECLARED.match(head.removeprefix(b"\xef\xbb\xbf"))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if not _PLAIN.match(name):
        return "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"
