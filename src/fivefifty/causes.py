"""The closed list of causes: what a bounce can be about, whose problem it is, and the way out."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import knowledge
from .errors import KnowledgeError
from .model import OWNERS

PERMANENT = ("yes", "no", "reply")

# How a step reads where the fact is not known; the names are those that a fix may use.
PHRASES: Mapping[str, str] = {
    "sending_ip": "your sending IP",
    "helo_name": "your HELO name",
    "envelope_sender": "your envelope sender",
    "envelope_domain": "the domain of your envelope sender",
    "author_domain": "the domain in your From line",
    "final_recipient": "the recipient",
    "recipient_domain": "the recipient's domain",
    "remote_mta": "the server that refused",
    "remote_ip": "the address of the server that refused",
    "reply": "the server's reply",
    "status": "the enhanced status code",
    "list": "the list named in the reply",
    "provider_name": "this provider",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The one test that tells a cause from another that looks alike."""

    against: str
    test: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `causes.toml`.  `permanent` "reply" means that the class of the reply decides."""

    id: str
    title: str
    owner: str
    summary: str
    permanent: str
    suppress: bool
    retry: bool
    suppress_note: str = ""
    retry_when: str = ""
    evidence: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    refute: tuple[str, ...] = ()
    checks_confirm: tuple[str, ...] = ()
    checks_refute: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    contact: str = ""
    contact_how: str = ""
    give: str = ""
    expect: str = ""
    decide: tuple[Decision, ...] = ()
    source: tuple[str, ...] = ()

    def is_permanent(self, status: str, reply_code: int) -> bool:
        """Whether trying again is pointless; the server's own reply counts more than the report's status."""
        if self.permanent != "reply":
            return self.permanent == "yes"
        if reply_code:
            return 500 <= reply_code < 600  # RFC 5321, section 4.2.1
        return status[:1] == "5"


def _cause_from(entry: Mapping[str, Any]) -> Cause:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    values["decide"] = tuple(Decision(**one) for one in entry.get("decide", ()))
    try:
        made = Cause(**values)
    except TypeError as error:
        raise KnowledgeError(f"a cause is not complete: {error}", f"causes.toml: {entry.get('id', '?')}") from error
    if made.owner not in OWNERS or made.permanent not in PERMANENT:
        raise KnowledgeError("owner or permanent is not one of the known words", f"causes.toml: {made.id}")
    return made


@lru_cache(maxsize=1)
def _by_id() -> dict[str, Cause]:
    causes: dict[str, Cause] = {}
    for entry in knowledge.table("causes.toml")["cause"]:
        made = _cause_from(entry)
        if made.id in causes:
            raise KnowledgeError(f"two causes are called {made.id}", "causes.toml")
        causes[made.id] = made
    return causes


def near(wanted: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of the known names that look like the wanted one."""
    import difflib  # only needed on the way to a hint

    known = list(known)
    close = difflib.get_close_matches(wanted, known, 3, 0.6)
    return tuple(close) or tuple(name for name in known if wanted and wanted in name)[:3]


def cause(id: str) -> Cause:
    """The cause of that id; `KnowledgeError` names near ones."""
    found = _by_id().get(id)
    if found is not None:
        return found
    close = near(id.strip().lower(), _by_id())
    hint = f"Did you mean {' or '.join(close)}?" if close else "`fivefifty causes` lists them all."
    raise KnowledgeError(f"there is no cause called {id!r}", "causes.toml", hint)


def plain(step: str) -> str:
    """A step without the facts of a bounce: "the PTR of {sending_ip}" -> "the PTR of your sending IP"."""
    starts = step.startswith("{")
    for name, phrase in PHRASES.items():
        step = step.replace(" ({" + name + "})", "").replace("{" + name + "}", phrase)  # in brackets it is a remark on what stands before
    return step[:1].upper() + step[1:] if starts else step


@lru_cache(maxsize=1)
def all_causes() -> tuple[Cause, ...]:
    """Every cause, in the order of the file: address first, notices and unknown last."""
    return tuple(_by_id().values())


def deciding_test(first: str, alternatives: Iterable[str]) -> str:
    """The test that best tells `first` from its alternatives, or "" where none is known."""
    others = tuple(alternatives)
    for one, against in [(first, other) for other in others] + [(other, first) for other in others]:
        entry = _by_id().get(one)
        for decision in entry.decide if entry else ():
            if decision.against == against:
                return decision.test
    return ""
