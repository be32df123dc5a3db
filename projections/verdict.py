"""The verdict on an order: the worst of its obligations, never without what stands behind it.

Each type of obligation has an evaluator of its own, whose docstring says when it is carried out, outstanding,
breached, or cannot be proved; what binds an obligation from outside is added to its finding (`binding`).

An obligation of best efforts is judged like an absolute one: what was done and what was not stands on record,
whether more could have been done does not, and is for the authority to say. So `modality` changes no verdict;
readers see it in the order.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from projections import (
    attesting,
    cease,
    erase,
    limit,
    notifying,
    offering,
    paying,
    restrict,
    subjects,
    using,
)
from projections.binding import bind
from projections.case import Case
from projections.finding import (
    Finding,
    Gap,
    Irregularity,
    Level,
    StoreCoverage,
    Verdict,
    Word,
    lowest,
    worst,
)
from projections.order import Obligation, deadline_at
from projections.status import Status, exceptions, status_at
from projections.walking import Walks


class Judgment(Struct, frozen=True):
    """What holds of an order. While it is not in force, `verdict` is only what would hold if it were.

    `irregularities` are those of the order's own life; those of an obligation stand in its finding.
    """

    status: Status
    verdict: Verdict
    evidence: Level
    word: Word
    findings: tuple[Finding, ...]
    irregularities: tuple[Irregularity, ...] = ()

    @property
    def listed(self) -> tuple[Irregularity, ...]:
        """All irregularities: the order's own, then each obligation's."""
        return self.irregularities + tuple(one for found in self.findings for one in found.irregularities)


def judge(case: Case) -> Judgment:
    """Evaluate every obligation of the case's order. Pure: the same case gives the same judgment."""
    if case.parted is not None and not case.is_heard:
        case.walks = Walks(case.parted)
        for obligation in case.order.obligations:
            _evaluate(case, obligation)
        case.walks.take()
    found: dict[str, Finding] = {}
    for obligation in case.order.obligations:
        # Dependencies stand before what depends on them, and count with all that binds them in turn.
        found[obligation.id] = bind(case, obligation, _evaluate(case, obligation), found)
    findings = tuple(found.values())
    return Judgment(
        status=status_at(case),
        verdict=worst(one.verdict for one in findings),
        evidence=lowest(one.evidence for one in findings),
        word=_weakest_word(findings),
        findings=findings,
        irregularities=exceptions(case),
    )


def headline(judgment: Judgment) -> str:
    """One sentence that can't be quoted without its ground."""
    would = "" if judgment.status == "in_force" else "not in force; would be "
    said = f"{would}{judgment.verdict.replace('_', ' ')} {_on_word(judgment.word)}"
    return f"{said}, over {_stores(covered(judgment))}"


def covered(judgment: Judgment) -> dict[str, StoreCoverage]:
    """The declared stores that the order reaches, as the headline counts them."""
    return {one.store: one for finding in judgment.findings for one in finding.coverage}


def _on_word(word: Word) -> str:
    return {
        "nobody": "on nobody's word",
        "controller": "on the controller's own word",
        "assessor": "on the word of an assessor whom the order names",
        "authority": "on the authority's word",
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
    order: tuple[Word, ...] = ("nobody", "controller", "assessor", "authority")
    return min((one.word for one in findings), key=order.index)


EVALUATORS: Final[dict[str, Callable[[Case, Obligation], Finding]]] = {
    "answer_subjects": subjects.evaluate,
    "appoint_representative": attesting.evaluate_appointment,
    "attest": attesting.evaluate_attest,
    "cease_collecting": cease.evaluate,
    "cease_offering": offering.evaluate,
    "cease_using": using.evaluate,
    "erase": erase.evaluate,
    "erase_derived": erase.evaluate_derived,
    "independent_assessment": attesting.evaluate_assessment,
    "limit_retention": limit.evaluate,
    "notify_recipients": notifying.evaluate,
    "pay": paying.evaluate,
    "publish": attesting.evaluate_publication,
    "restrict": restrict.evaluate,
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
