"""What we conclude about one recipient: the cause, whose problem it is, how sure that is, and why."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .model import Failure, Finding

if TYPE_CHECKING:
    from .fixes import Fix


@dataclass(frozen=True, slots=True)
class Verdict:
    """One recipient's verdict.

    `cause` comes from the closed list (`fivefifty causes`).  With standing "open" it is the first of several readings that the
    text leaves; `alternatives` are the others and `decide` names the test that would tell them apart.
    `suppress` is true only where this evidence speaks about the address itself.
    """

    failure: Failure
    kind: str  # failure | notice | not_a_bounce
    cause: str
    owner: str
    standing: str  # stated | likely | open (offline); proved | disputed come with live checks
    alternatives: tuple[str, ...] = ()
    decide: str = ""
    permanent: bool = False
    suppress: bool = False
    retry: bool = False
    rule: str = ""
    provider: str = ""  # who received or refused, an id of knowledge/providers
    because: tuple[str, ...] = ()  # why, in sentences, each resting on words of the report
    words: tuple[str, ...] = ()  # the words of the reply (folded) the rule rests on
    findings: tuple[Finding, ...] = ()
    source: str = ""
    index: int = 0

    @property
    def fix(self) -> Fix:
        """What to do: made when asked for, because a stream of a million verdicts does not need a million letters."""
        from .fixes import fix_for

        return fix_for(self)
