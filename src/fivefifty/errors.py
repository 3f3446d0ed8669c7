"""Our exceptions: a reference to search for, what happened, where, and what to do about it."""
from __future__ import annotations


class FivefiftyError(Exception):
    """Base of all our exceptions.

    `reference` is stable (kebab-case), `what` one sentence, `context` where it happened and `hint` the way out.
    """

    reference = "fivefifty-error"

    def __init__(self, what: str, context: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.context = context
        self.hint = hint

    def __str__(self) -> str:
        where = f" ({self.context})" if self.context else ""
        hint = f"\n  {self.hint}" if self.hint else ""
        return f"{self.what}{where}{hint}"


class KnowledgeError(FivefiftyError):
    """A knowledge file is wrong: it names the file and the entry."""

    reference = "knowledge"


class InputError(FivefiftyError):
    """An input could not be read; the other inputs go on."""

    reference = "input"


class StoreError(FivefiftyError):
    """The store could not do it; nothing was kept of what was asked, and it may be asked again."""

    reference = "store"
