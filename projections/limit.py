"""The obligation to limit retention (DOMAIN §5): nothing in scope is kept past its term (`retention`)."""

import msgspec

from projections import coverage
from projections.case import Case
from projections.erase import decide, doubtful, level_of, weak_evidence, word_of
from projections.finding import Finding, Gap, lowest
from projections.holdings import Holding
from projections.lives import Copy
from projections.moments import DAY_US, SECOND_US
from projections.order import Obligation
from projections.retention import Terms
from projections.scope import Standing
from projections.survey import Reached, Survey, reached, walk

COUNTS = (
    "in_scope",
    "past_retention",
    "no_term",
    "erased_past_term",
    "exempt",
    "held",
    "unknown_residency",
    "out_of_scope",
)


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether no live copy in scope is past the term that its collection, its activity, a rule or the order
    itself (`retention_days`) gave it.

    Carried out: none is, each has a term, and every store in scope was looked into since the order and since
    the last copy past its term was erased there. Outstanding: before the deadline something of that is
    missing. Breached: after the deadline one live copy is past its term. Cannot be proved: after the deadline
    a copy has no term at all (`retention.no_term`), or a look is missing, also since what was erased past its
    term was restored or used. What was erased late is listed with the days (`retention.late`), and is no
    breach any more. What the authority exempts or holds is left alone.
    """
    survey = walk(case, obligation, _visit)
    stores = case.stores_of(obligation.scope)
    doubts = (survey.last_erasure, survey.last_contradiction)
    covered = tuple(coverage.look(case, one, max(at.get(one, -1) for at in doubts)) for one in stores)
    levels = {one.store: level_of(survey, one) for one in covered}
    gaps = (
        *coverage.gaps(case, obligation.scope, covered),
        *_gaps(survey),
        *doubtful(case, survey, covered),
        *weak_evidence(obligation, lowest(levels.values())),
    )
    past = case.as_of > survey.deadline
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        verdict=decide(survey.is_amiss, bool(gaps), past),
        deadline=survey.deadline,
        evidence=lowest(levels.values()),
        word=word_of(levels),
        counts=survey.counts.counts(COUNTS),
        digests={"past_retention": survey.live.digest()},
        coverage=coverage.rated(covered, levels),
        gaps=gaps,
        irregularities=(*survey.listed(), *coverage.exceptions(case, stores)),
        out_of_scope=survey.out_of_scope(),
        last_act=max(survey.last_erasure.values(), default=-1),
    )


def _visit(survey: Survey, standing: Standing, holding: Holding, handles: list[str]) -> None:
    terms = survey.case.terms(survey.obligation.retention_days)
    one = reached(survey, standing, holding, handles)
    if one is None:
        return
    for some, ends_us in _apart(terms, one.handles, one.holding):
        for store, copy in one.copies:
            _count(survey, one, some, ends_us, store, copy)
        if one.uses:
            ended = [(store, copy) for store, copy in one.copies if _ended_past_term(copy, ends_us)]
            survey.count_contradictions(msgspec.structs.replace(one, handles=some, copies=ended))
    if one.standing.reach == "unknown":
        for store, copy in one.copies:
            survey.counts.add("unknown_residency", one.handles if copy.state == "live" else [], store)


def _apart(terms: Terms, handles: list[str], holding: Holding) -> list[tuple[list[str], int | None]]:
    """The handles of one state, by their term: pairwise lineage sets them apart."""
    if not terms.depends_on_handle(holding):
        return [(handles, terms.ends_us(handles[0], holding))]
    apart: dict[int | None, list[str]] = {}
    for handle in handles:
        apart.setdefault(terms.ends_us(handle, holding), []).append(handle)
    return [(some, ends_us) for ends_us, some in apart.items()]


def _count(
    survey: Survey, one: Reached, handles: list[str], ends_us: int | None, store: str, copy: Copy
) -> None:
    if copy.state == "absent":
        return
    if copy.erasure is not None:
        _count_erased(survey, handles, ends_us, store, copy)
        return
    counts, case = survey.counts, survey.case
    counts.add("in_scope", handles, store)
    due, exempt, held = survey.due(handles, one.holding)
    counts.add("exempt", exempt, store)
    counts.add("held", held, store)
    if ends_us is None:
        counts.add("no_term", due, store)
    elif ends_us <= case.as_of * SECOND_US:
        counts.add("past_retention", due, store)
        survey.count_amiss(one.standing, len(due))
        survey.live.add(due, store)
        survey.note_holds(due, store)


def _count_erased(survey: Survey, handles: list[str], ends_us: int | None, store: str, copy: Copy) -> None:
    """An erasure before the term, or under another obligation, is none of this one's."""
    erasure = copy.erasure
    assert erasure is not None
    if ends_us is None or not _ended_past_term(copy, ends_us):
        return
    survey.assert_erased(store, erasure)
    survey.counts.add("erased_past_term", handles, store)
    due_us = max(ends_us, survey.deadline * SECOND_US)
    if erasure.time_us > due_us:
        survey.note("retention.late", erasure, store, len(handles), -(-(erasure.time_us - due_us) // DAY_US))


def _ended_past_term(copy: Copy, ends_us: int | None) -> bool:
    return copy.erasure is not None and ends_us is not None and copy.erasure.time_us >= ends_us


def _gaps(survey: Survey) -> list[Gap]:
    counts = survey.counts
    gaps = survey.undeclared_gaps()
    if counts["no_term"]:
        gaps.append(Gap("retention.no_term", "", counts["no_term"]))
    gaps += survey.residency_gaps(counts["unknown_residency"])
    return gaps
