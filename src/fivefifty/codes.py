"""What reply codes, enhanced status codes and providers' own codes mean.

`from_codes` is the last resort of the classifier: a code alone never states a cause.  `explain_code` answers a person who
has nothing but a code.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import knowledge
from .causes import cause as cause_of
from .causes import deciding_test, near, plain

Reading = tuple[str, str, tuple[str, ...]]  # cause, standing, alternatives

_STATUS = re.compile(r"(?<![\w.])([245x](?:/[45])?)\.(\d{1,3})\.(\d{1,4}|x)(?:(x{1,2})|-(\d{1,4}))?(?![\w]|\.\d)", re.IGNORECASE)
_REPLY = re.compile(r"(?<![\w.#/-])([2-5]\d\d)(?:/([2-5]\d\d))?(?!\w|\.\d)")
_PAIR = re.compile(r"\b([A-Za-z]{2,4})[ #]{1,2}(\d{3,6})\b")  # "AUP 1130" is one code
_RANGE = re.compile(r"([a-z#:_]*?)(\d+)-(\d+)")
_PARTS = re.compile(r"[\s,/]+")
_MANY = 12  # providers' meanings shown for a bare reply code


@lru_cache(maxsize=1)
def _status_table() -> dict[str, Mapping[str, Any]]:
    return {entry["code"]: entry for entry in knowledge.table("status.toml")["enhanced"]}


@lru_cache(maxsize=1)
def _reply_table() -> dict[int, Mapping[str, Any]]:
    return {entry["code"]: entry for entry in knowledge.table("status.toml")["reply"]}


@lru_cache(maxsize=1)
def _phase_table() -> dict[str, Mapping[str, Any]]:
    return {entry["name"]: entry for entry in knowledge.table("status.toml")["phase"]}


# --- The fallback of the classifier ----------------------------------------------------------------------------------


def _class_of(status: str, reply_code: int) -> int:
    """2, 4 or 5; the reply counts more, because the server itself said it."""
    digit = reply_code // 100 or int(status[:1] if status[:1].isdigit() else 0)
    return digit if digit in (2, 4, 5) else 0


def _by_status(status: str, reply_code: int, digit: int) -> tuple[list[str], str]:
    """What the registry's meaning leaves; ([], "") where the code says next to nothing."""
    _, subject, detail = [*status.split("."), "", ""][:3]
    table = _status_table()
    entry = table.get(f"X.{subject}.{detail}")
    known = entry is not None
    if entry is None:
        entry = table.get(f"X.{subject}.0")
    if entry is None or entry.get("generic"):
        return [], ""
    together = entry.get(f"with_{reply_code}")
    if together and known:
        return together, "open" if len(together) > 1 else "likely"
    spoken = entry.get(f"replied_{digit}") if reply_code else None
    if spoken:
        return spoken, "open"
    return entry[f"causes_{digit}"], entry[f"standing_{digit}"] if known else "open"


def _by_phase(status: str, digit: int, phase: Mapping[str, Any]) -> tuple[list[str], str]:
    about_policy = status[1:3] == ".7"  # RFC 3463, section 3.8
    causes: list[str] = phase[f"policy_{digit}" if about_policy else f"causes_{digit}"]
    return causes, "open" if about_policy or digit == 5 else phase["standing_4"]


def _read(status: str, reply_code: int, phase: str) -> tuple[list[str], str]:
    digit = _class_of(status, reply_code)
    at = _phase_table().get(phase) or _phase_table()[""]
    causes, standing = _by_status(status, reply_code, digit) if status else ([], "")
    entry = _reply_table().get(reply_code)
    # a status of x.7.x says "policy"; the reply code beside it says less than that
    if not causes and entry and status[1:3] != ".7" and not (entry.get("generic") and at["name"]):
        causes, standing = entry["causes"], entry["standing"]
    if causes:
        never = tuple(at.get("never", ()))
        possible = [one for one in causes if not one.startswith(never)] if never else causes
        if possible:
            return possible, standing if possible[0] == causes[0] else "open"
    return _by_phase(status, digit, at)


@lru_cache(maxsize=4096)
def from_codes(status: str, reply_code: int, phase: str) -> Reading:
    """The cause that the codes alone suggest: "likely" or "open", never stated, with what else it may be.

    `phase` is where the server said it: before RCPT nothing is about the address, before the mail nothing about its content.
    """
    digit = _class_of(status, reply_code)
    if digit == 2:
        return "notice.success", "likely", ()
    if digit == 0:
        return "unknown", "open", ()
    causes, standing = _read(status, reply_code, phase)
    return causes[0], standing, tuple(causes[1:])


# --- For a person with nothing but a code ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegistryMeaning:
    """What a standard says about a code."""

    code: str
    name: str
    meaning: str
    rfc: str = ""
    note: str = ""
    is_not: str = ""


@dataclass(frozen=True, slots=True)
class ProviderMeaning:
    """What one provider means by a code.  `cause` is "" where only the words beside it decide."""

    provider: str
    name: str
    code: str
    meaning: str
    cause: str = ""
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeExplanation:
    """All that is known about a code.  `known` is false where neither a standard nor a provider names it."""

    asked: str
    known: bool
    digits: str = ""  # what class and subject alone say
    registry: tuple[RegistryMeaning, ...] = ()
    providers: tuple[ProviderMeaning, ...] = ()
    more: int = 0  # providers' meanings left out
    causes: tuple[str, ...] = ()
    standing: str = "open"
    first_fix: str = ""
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stands in the text: RFC codes, and tokens of a provider's own."""

    statuses: tuple[str, ...] = ()
    replies: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()


def _key(token: str) -> str:
    """A token without its ornaments: "AS(201806281)" and "as201806281" are the same."""
    return "".join(char for char in token.lower() if char.isalnum())


def _looks_coded(word: str) -> bool:
    return any(char.isdigit() or char in ":_#" for char in word) or (word.isupper() and 2 <= len(word) <= 8)


def _parse(text: str) -> _Asked:
    statuses = tuple(dict.fromkeys(".".join(found.group(1, 2, 3)).upper() for found in _STATUS.finditer(text)))
    rest = _STATUS.sub(" ", text)
    replies = tuple(dict.fromkeys(int(found[1]) for found in _REPLY.finditer(rest)))
    words = [word.strip("[](){}<>\"'.,;:") for word in _REPLY.sub(" ", rest).split()]
    words += [found[1] + found[2] for found in _PAIR.finditer(rest)]
    return _Asked(statuses, replies, tuple(dict.fromkeys(word for word in words if _looks_coded(word))))


def _token_fits(written: str, key: str) -> bool:
    """Whether a provider's token covers this one: the same, within a range (AUP#1100-1150), or a stem with a number behind it."""
    if _key(written) == key or ("#" in written and _key(written.partition("#")[2]) == key):
        return True
    span = _RANGE.fullmatch(written.lower())
    if span is None:
        return not written[-1:].isdigit() and "#" in written and key.rstrip("0123456789") == _key(written)
    digits = key[len(_key(span[1])) :]
    return key.startswith(_key(span[1])) and digits.isdigit() and int(span[2]) <= int(digits) <= int(span[3])


def _status_fits(written: re.Match[str], status: str) -> bool:
    """Whether a provider's code as written (a range, an x, "4/5.7.30") covers this status."""
    digit, subject, detail = status.lower().split(".")
    if written[2] != subject or (digit not in written[1].lower() and "x" not in (digit, written[1].lower())):
        return False
    low, many, high = written[3].lower(), written[4], written[5]
    if "x" in (detail, low):
        return True
    if many:
        return detail.startswith(low) and len(detail) == len(low) + len(many)
    return int(low) <= int(detail) <= int(high or low)


def _codes_in(entry: Mapping[str, Any]) -> list[str]:
    return [*entry.get("token", ()), *entry.get("codes", ()), str(entry.get("match", ""))]


def _entry_fits(entry: Mapping[str, Any], asked: _Asked) -> bool:
    written = _codes_in(entry)
    if any(_status_fits(found, status) for one in written for found in _STATUS.finditer(one) for status in asked.statuses):
        return True
    if not asked.tokens:
        return False
    words = (word.strip("[]().,;") for word in _PARTS.split(str(entry.get("match", ""))))
    tokens = [*entry.get("token", ()), *entry.get("codes", ())] or [word for word in words if _looks_coded(word) and not word.isalpha()]
    tokens = [token for token in tokens if not _STATUS.search(token) and not _REPLY.fullmatch(token)]
    return any(_token_fits(token, _key(one)) for one in asked.tokens for token in tokens)


def _bare_reply_fits(entry: Mapping[str, Any], replies: tuple[int, ...]) -> bool:
    match = str(entry.get("match", ""))
    if _STATUS.search(match):
        return False
    return any(str(reply) in found.groups() for found in _REPLY.finditer(match) for reply in replies)


def _entries() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Provider id, its name and an entry: the clashes first, then every provider's own codes."""
    files = knowledge.folder("providers")
    names = {id: str(parsed.get("name", id)) for id, parsed in files.items()}
    for entry in knowledge.table("status.toml").get("clash", ()):
        yield entry["provider"], names.get(entry["provider"], entry["provider"]), entry
    for id, parsed in files.items():
        for entry in parsed.get("code", ()):
            yield id, names[id], entry


def _first_cause(written: str) -> str:
    """"a | b" is written where the words decide; then the code alone has no cause."""
    return written if written and "|" not in written and "(" not in written else ""


def _meaning(id: str, name: str, entry: Mapping[str, Any]) -> ProviderMeaning:
    codes = entry.get("match") or ", ".join(entry.get("codes") or entry.get("token", ()))
    source = entry.get("source", ())
    says = str(entry.get("says") or entry.get("meaning", ""))
    return ProviderMeaning(id, name, codes, says, _first_cause(entry.get("cause", "")), (source,) if isinstance(source, str) else tuple(source))


def _contradicts(entry: Mapping[str, Any], replies: tuple[int, ...]) -> bool:
    """Whether the entry is written with reply codes and none of those asked for."""
    written = {int(code) for found in _REPLY.finditer(_STATUS.sub(" ", str(entry.get("match", "")))) for code in found.groups() if code}
    return bool(replies and written and not written & set(replies))


def _fitting(asked: _Asked) -> list[ProviderMeaning]:
    entries = list(_entries())
    found = [one for one in entries if _entry_fits(one[2], asked)]
    found = [one for one in found if not _contradicts(one[2], asked.replies)] or found
    if not found and not asked.statuses:
        found = [one for one in entries if _bare_reply_fits(one[2], asked.replies)]
    return [_meaning(*one) for one in found]


def _from_providers(asked: _Asked) -> tuple[list[ProviderMeaning], int]:
    """What providers mean, each meaning once; for a bare reply code every provider has its turn before one is heard again."""
    said: dict[tuple[str, str], ProviderMeaning] = {}
    for one in _fitting(asked):
        said.setdefault((one.provider, one.cause or one.meaning), one)
    meanings = list(said.values())
    if any(not status.endswith(".X") for status in asked.statuses) or asked.tokens:
        return meanings, 0
    turn: dict[str, int] = {}
    order = []
    for one in meanings:
        turn[one.provider] = turn.get(one.provider, -1) + 1
        order.append(turn[one.provider])
    meanings = [one for _, one in sorted(zip(order, meanings, strict=True), key=lambda pair: pair[0])]
    return meanings[:_MANY], max(0, len(meanings) - _MANY)


def _families(tokens: Iterable[str]) -> Iterator[tuple[ProviderMeaning, tuple[str, ...]]]:
    """What the beginning of a provider's token tells; the longest beginning wins."""
    table = sorted(knowledge.table("status.toml").get("token", ()), key=lambda entry: -len(entry["starts"]))
    files = knowledge.folder("providers")
    for token in tokens:
        key = _key(token)
        for entry in table:
            rest = key[len(entry["starts"]) :]
            if key.startswith(entry["starts"]) and rest and (rest.isdigit() or (entry["rest"] == "any" and not token.isalpha())):
                id = entry["provider"]
                name = str(files.get(id, {}).get("name", id))
                yield ProviderMeaning(id, name, token, entry["meaning"]), tuple(entry["causes"])
                break


def _registry(asked: _Asked) -> list[RegistryMeaning]:
    found = [_reply_table()[reply] for reply in asked.replies if reply in _reply_table()]
    for status in asked.statuses:
        _, subject, detail = status.split(".")
        for code, entry in _status_table().items():
            if code == f"X.{subject}.{detail}" or (detail == "X" and code.startswith(f"X.{subject}.")):
                found.append(entry)
    return [
        RegistryMeaning(str(one["code"]), one["name"], one["meaning"], one["rfc"], one.get("note", ""), one.get("is_not", ""))
        for one in found
    ]


def _digits(asked: _Asked) -> str:
    """What the digits of an enhanced code, or the first one of a reply code, say by themselves."""
    table = knowledge.table("status.toml")
    classes = {entry["digit"]: entry["name"] for entry in table["class"]}
    subjects = {entry["digit"]: entry["name"] for entry in table["subject"]}
    if asked.statuses:
        digit, subject, _ = asked.statuses[0].split(".")
        name = classes.get(int(digit), "") if digit.isdigit() else ""
        about = subjects.get(int(subject), "a subject no standard defines")
        return f"{name}, about {about}" if name else f"about {about}"
    return str(classes.get(asked.replies[0] // 100, "")) if asked.replies else ""


def _detail_of(code: str) -> int:
    return int(re.findall(r"\d+", code)[-1])


def _near_status(status: str) -> tuple[str, ...]:
    """Known codes of the same class and subject whose last number is closest."""
    digit, subject, detail = status.split(".")
    written = [found[0] for _, _, entry in _entries() for one in _codes_in(entry) for found in _STATUS.finditer(one)]
    known = [code.replace("X", digit) for code in _status_table()] + written
    start = f"{digit}.{subject}."
    alike = [code for code in dict.fromkeys(known) if code.startswith(start) and code[len(start) :].isdigit()]
    aim = int(detail) if detail.isdigit() else 0
    return tuple(sorted(alike, key=lambda code: abs(_detail_of(code) - aim))[:3])


def _near(asked: _Asked) -> tuple[str, ...]:
    """Known codes that look like the one asked for."""
    if asked.statuses:
        return _near_status(asked.statuses[0])
    if asked.tokens:
        tokens = {_key(one): one for _, _, entry in _entries() for one in [*entry.get("token", ()), *entry.get("codes", ())]}
        return tuple(tokens[key] for key in near(_key(asked.tokens[0]), tokens))
    return tuple(str(code) for code in _reply_table() if asked.replies and abs(code - asked.replies[0]) < 5)[:3]


def _causes(asked: _Asked, providers: Iterable[ProviderMeaning], by_family: Iterable[str]) -> tuple[list[str], str]:
    """Most likely first: a provider's own token, then the registry's meaning, then what other providers mean."""
    theirs = [one.cause for one in providers if one.cause]
    if asked.tokens and (theirs or by_family):
        return list(dict.fromkeys([*theirs, *by_family])), "likely"
    status = asked.statuses[0].lower().replace("x.", "5.", 1).replace(".x", ".0") if asked.statuses else ""
    reply_code = asked.replies[0] if asked.replies else 0
    first, standing, others = from_codes(status, reply_code, "")
    if status and "X" + status[1:] not in _status_table() and theirs:
        return list(dict.fromkeys(theirs)), "likely"
    return list(dict.fromkeys([first, *others, *theirs])), standing


def explain_code(text: str) -> CodeExplanation:
    """Everything known about a code: "550", "5.7.350", "550 5.4.1", "5.7.x", "S3150", "TSS04", "AS(201806281)"."""
    asked = _parse(text[:1000])
    registry = _registry(asked)
    providers, more = _from_providers(asked)
    families = [] if providers and not asked.statuses else list(_families(asked.tokens))
    providers += [meaning for meaning, _ in families]
    known = bool(registry or providers)
    causes, standing = _causes(asked, providers, [one for _, names in families for one in names]) if known else ([], "open")
    return CodeExplanation(
        asked=text.strip(), known=known, digits=_digits(asked), registry=tuple(registry), providers=tuple(providers), more=more,
        causes=tuple(causes[:6]), standing=standing, first_fix=_first_fix(causes, standing), near=() if known else _near(asked),
    )


def _first_fix(causes: list[str], standing: str) -> str:
    """The first step; where the cause is open the test that decides, so that nobody acts on a guess."""
    if not causes:
        return ""
    test = deciding_test(causes[0], causes[1:]) if standing == "open" else ""
    steps = cause_of("unknown" if standing == "open" else causes[0]).fix
    return test or plain(next((step for step in steps if not step.startswith("Stop sending to")), steps[0]))  # a code alone is no proof that an address is dead
