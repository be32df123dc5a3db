"""The prohibition to use (DOMAIN §5): never finally carried out, only so far.

How silence about uses is evidenced: a use leaves no trace but the event that somebody posts of it. So, as
with every prohibition, silence counts only where somebody accounts for the time: each program that is named
in a `collector.attested` must cover the time in force. The ledger can't tell a program that collects from one
that reads; whoever is named must account for itself. What could still be used is counted beside (`usable`):
copies that are live and not restricted.
"""

from projections import cease, status
from projections.case import Case
from projections.conduct import Ground, conclude
from projections.finding import Finding, Gap, Irregularity
from projections.holdings import USES, Use
from projections.moments import SECOND_US
from projections.order import Obligation
from projections.relief import Relief, relief_of
from projections.restriction import restriction_of
from projections.survey import Reached, Survey, reached

COUNTS = ("used", "usable", "collectors")


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether nothing in scope was accessed, searched or disclosed while the order was in force.

    Carried out (so far): nothing was, and every program named so far accounts for the time in force to a day
    before the moment judged. Outstanding: before the deadline, some of it is not accounted for. Breached, for
    good and before any deadline too: a record in scope was used while the order was in force
    (`use.prohibited`), without leave of an exemption granted before. Cannot be proved: such a gap after the
    deadline. It rests on bare words.
    """
    survey = Survey(case, obligation)
    uses = Breaches(survey, "use.prohibited", "used")
    unknown = 0
    for one in reached(survey):
        found = [use for use in one.uses if use.kind in USES and in_force(case, use)]
        if one.standing.reach == "unknown" and obligation.scope.unknown_residency == "report":
            unknown += len(one.handles) if found else 0
            continue
        for use in found:
            uses.add(use, one)
        for store, copy in one.copies:
            if copy.state == "live" and restriction_of(case, one.holding, store, copy) is None:
                survey.counts.add("usable", one.handles, store)
    gaps = cease.unaccounted(case, obligation)
    if unknown:
        gaps.append(Gap("residency.unknown", "", unknown))
    named = sorted({span.collector for span in case.docket.coverage if span.index < case.size})
    survey.counts.add("collectors", named)
    return conclude(
        case,
        obligation,
        Ground("E0", "controller") if named else Ground(),
        survey.counts.counts(COUNTS),
        gaps,
        uses.listed(),
        broken=survey.counts["used"] > 0,
    )


def in_force(case: Case, use: Use) -> bool:
    """Whether something was done while the order was in force, by recorded time, as far as is known."""
    return use.index < case.size and status.in_force_at(case, use.time_us // SECOND_US)


class Breaches:
    """Uses that breach, each entry listed once for all the records that it concerns."""

    def __init__(self, survey: Survey, rule: str, count: str) -> None:
        self._survey = survey
        self._rule = rule
        self._count = count
        self._found: dict[tuple[int, str], Irregularity] = {}
        self._reliefs: dict[int, Relief] = {}

    def add(self, use: Use, one: Reached) -> None:
        """Count a use of these records, unless an exemption granted before allowed it."""
        handles = self._not_allowed(use, one)
        if not handles:
            return
        self._survey.counts.add(self._count, handles, use.store, use.index)
        key = (use.index, use.store)
        before = self._found[key].copies if key in self._found else 0
        by = self._survey.case.name_of(use.by)
        self._found[key] = Irregularity(
            self._rule, use.index, use.time_us, by, use.store, before + len(handles)
        )

    def _not_allowed(self, use: Use, one: Reached) -> list[str]:
        relief = self._reliefs.get(use.index)
        if relief is None:
            survey = self._survey
            relief = relief_of(survey.case, survey.obligation.id, before=use.index)
            self._reliefs[use.index] = relief
        if not (relief.exempt or relief.categories):
            return one.handles
        traits = [trait for trait in one.holding.traits if trait.index < use.index]
        categories = tuple({category for trait in traits for category in trait.categories})
        return [handle for handle in one.handles if not relief.exempts(handle, categories)]

    def listed(self) -> list[Irregularity]:
        """In log order."""
        return [self._found[key] for key in sorted(self._found)]
