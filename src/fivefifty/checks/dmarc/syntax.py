"""The DMARC record is well-formed."""
from __future__ import annotations

from ...mailauth.dmarc import DmarcPolicy
from ...mailauth.organization import Step
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import author_policy, first_record, publish, rewritten

REFERENCE = "RFC 9989 4.7, 4.8"
WEIGHT = 50


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the record that applies, and one for each record that no receiver reads as DMARC although it was meant so."""
    policy = await author_policy(inquiry)
    found = [_nearly(step) for step in policy.steps if step.nearly and not step.texts]
    if policy.record:
        found.append(_of(policy))
    return found


def _nearly(step: Step) -> Finding:
    return fail(f"_dmarc.{step.domain} has a record that was meant for DMARC, but it does not begin with exactly v=DMARC1, so receivers ignore it.", step.answer,
                about=step.domain, found="\n".join(text[:500] for text in step.nearly[:3]), weight=60,
                advice="Write v=DMARC1 in capitals, first, without quotes in the text and followed by a semicolon.", record=first_record(step.domain))


def _of(policy: DmarcPolicy) -> Finding:
    record, name = policy.record, policy.name
    assert record is not None
    problems = [words for tag, words in record.problems if not (tag == "p" and "p" not in record.tags)]
    facts = {"about": policy.found_at, "found": record.text[:4000], "problems": problems, "unknown_tags": list(record.unknown)}
    corrected = publish(policy.found_at, rewritten(record))
    if record.void:
        return fail(f"The DMARC record at {name} is void: {_about_policy(problems)}; without a usable rua= receivers apply no DMARC at all.", *policy.answers, **facts,
                    advice="Correct the policy; begin with p=none.", record=corrected, weight=70)
    if record.wrong:
        return fail(f"The DMARC record at {name} is read as p=none: {_about_policy(problems)}.", *policy.answers, **facts,
                    advice="Correct the policy; what stands there has no effect.", record=corrected)
    if problems:
        return warn(f"The DMARC record at {name} has a fault: {problems[0]}.", *policy.answers, **facts, advice="Publish the corrected record.", record=corrected,
                    weight=5 if all(words.startswith("the size limit") for words in problems) else 20)
    if record.unknown:
        return warn(f"The DMARC record at {name} has tags that DMARC does not know ({', '.join(record.unknown[:5])}); receivers ignore them.", *policy.answers, **facts,
                    advice="Look for typing errors, or remove them.", record=corrected, weight=5)
    return passed(f"The DMARC record at {name} is well-formed.", *policy.answers, **facts)


def _about_policy(problems: list[str]) -> str:
    return next((words for words in problems if words.startswith(("p=", "sp=", "np="))), "its policy is not valid")
