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
    words: tuple[str, ...] = ()  # the words of the reply (folded) the rule rests on
    findings: tuple[Finding, ...] = ()
    dispute: str = ""  # for standing "disputed": what contradicts the reply, in words
    source: str = ""
    index: int = 0

    @property
    def fix(self) -> Fix:
        """What to do: made when asked for, because a stream of a million verdicts does not need a million letters."""
        from .fixes import fix_for

        return fix_for(self)

    @property
    def because(self) -> tuple[str, ...]:
        """Why, in sentences; each rests on words or codes of the report."""
        failure, told = self.failure, []
        said_by = failure.remote_mta or ("the reporting system itself" if failure.layers else "")
        if self.words:
            quoted = " … ".join(f"\u201c{word.strip('*')}\u201d" for word in self.words)
            told.append(f"The words {quoted}{f', said by {said_by},' if said_by else ''} decide (rule {self.rule}).")
        elif self.rule:
            told.append(f"The status {failure.status} has this meaning there (rule {self.rule}).")
        elif self.standing != "stated":
            codes = " ".join(str(code) for code in (failure.reply_code or "", failure.status) if code)
            told.append(f"No known wording fits; only the codes ({codes}) speak, and a code alone proves little." if codes else "Neither a known wording nor a code was found.")
        if failure.phase:
            told.append(f"It was refused at the step {failure.phase} of the SMTP dialogue.")
        if failure.stage == "expired":
            told.append("The sending server gave up after its queue time; the last answer it had is what is judged.")
        return tuple(told)
