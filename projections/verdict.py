"""The verdict on an order: the worst of its obligations, never without what stands behind it."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct, UnsetType

from projections import cease, erase
from projections.case import Case
from projections.finding import (
    Finding,
    Gap,
    Level,
    StoreCoverage,
    Verdict,
    Word,
    lowest,
    worst,
)
from projections.order import Obligation, deadline_at
from projections.status import Status, status_at


class Judgment(Struct, frozen=True):
    """What holds of an order. While it is not in force, `verdict` is only what would hold if it were."""

    status: Status
    verdict: Verdict
    evidence: Level
    word: Word
    findings: tuple[Finding, ...]


def judge(case: Case) -> Judgment:
    """Evaluate every obligation of the case's order. Pure: the same case gives the same judgment."""
    found: dict[str, Finding] = {}
    for obligation in case.order.obligations:
        # Dependencies stand before what depends on them, and count with all that binds them in turn.
        found[obligation.id] = _bound(case, obligation, _evaluate(case, obligation), found)
    findings = tuple(found.values())
    return Judgment(
        status=status_at(case),
        verdict=worst(one.verdict for one in findings),
        evidence=lowest(one.evidence for one in findings),
        word=_weakest_word(findings),
        findings=findings,
    )


def headline(judgment: Judgment) -> str:
    """One sentence that can't be quoted without its ground."""
    would = "" if judgment.status == "in_force" else "not in force; would be "
    said = f"{would}{judgment.verdict.replace('_', ' ')} {_on_word(judgment.word)}"
    stores = {one.store: one for finding in judgment.findings for one in finding.coverage}
    return f"{said}, over {_stores(stores)}"


def _on_word(word: Word) -> str:
    return {
        "nobody": "on nobody's word",
        "controller": "on the controller's own word",
        "assessor": "on the word of an assessor whom the order names",
    }[word]


def _stores(stores: dict[str, StoreCoverage]) -> str:
    """How many stores were declared, and who looked into how many."""
    if not stores:
        return "no declared store"
    count = "the 1 store it declared" if len(stores) == 1 else f"the {len(stores)} stores it declared"
    looked = [one for one in stores.values() if one.looked]
    if not looked:
        return f"{count}, and nobody has looked into {'it' if len(stores) == 1 else 'them'}"
    assessed = sum(1 for one in looked if one.assessor)
    own = len(looked) - assessed
    parts = [f"{assessed or 'none'} of them looked into by an assessor"]
    if own:
        parts.append(f"{own} by the controller itself")
    return f"{count}, {', '.join(parts)}"


def _weakest_word(findings: tuple[Finding, ...]) -> Word:
    order: tuple[Word, ...] = ("nobody", "controller", "assessor")
    return min((one.word for one in findings), key=order.index)


EVALUATORS: Final[dict[str, Callable[[Case, Obligation], Finding]]] = {
    "cease_collecting": cease.evaluate,
    "erase": erase.evaluate,
}


def _evaluate(case: Case, obligation: Obligation) -> Finding:
    return EVALUATORS.get(obligation.type, _not_evaluated)(case, obligation)


def _not_evaluated(case: Case, obligation: Obligation) -> Finding:
    """`obligation.not_evaluated`: these rules don't read this type, so nothing is shown."""
    deadline = deadline_at(case.order, obligation)
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        verdict=erase.decide(False, True, case.as_of > deadline),
        deadline=deadline,
        evidence="E0",
        word="nobody",
        counts={},
        digests={},
        coverage=(),
        gaps=(Gap("obligation.not_evaluated", obligation.type),),
        irregularities=(),
        out_of_scope=(),
    )


def _bound(case: Case, obligation: Obligation, finding: Finding, found: dict[str, Finding]) -> Finding:
    """Add what binds an obligation from outside: others it depends on, and an oath it demands.

    `dependency.not_carried_out`, `oath.missing` (no event of these rules carries an oath),
    `recurrence.not_evaluated` (these rules look at an obligation once, not again and again).
    """
    gaps = [
        Gap("dependency.not_carried_out", other)
        for other in obligation.depends_on
        if found[other].verdict != "carried_out"
    ]
    if obligation.oath != "none":
        gaps.append(Gap("oath.missing", obligation.oath))
    if not isinstance(obligation.recurrence, UnsetType):
        gaps.append(Gap("recurrence.not_evaluated", obligation.recurrence))
    if not gaps:
        return finding
    verdict = worst([finding.verdict, erase.decide(False, True, case.as_of > finding.deadline)])
    return msgspec.structs.replace(finding, verdict=verdict, gaps=(*finding.gaps, *gaps))
