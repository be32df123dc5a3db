"""Survey: one walk over the copies that an obligation to erase reaches, and what became of each."""

from collections.abc import Callable, Sequence
from functools import cached_property

from msgspec import Struct

from projections.assertion import asserted, in_custody
from projections.backups import Backups
from projections.case import Case
from projections.clock import Clock, Timing
from projections.contradiction import used_when_gone
from projections.finding import Gap, Irregularity
from projections.holdings import Holding, Move, Use
from projections.lives import METHOD_RANK, Copy
from projections.moments import DAY_US, SECOND_US
from projections.order import Obligation, deadline_at
from projections.proceedings import Hold
from projections.relief import Leave, idle_holds, relief_of
from projections.scope import Standing, is_artefact, reaches
from projections.sums import Sums
from projections.walking import Walk, walk_parts

# Derived data by what it is kept in: an opening balance of templates names no lineage.
DERIVED_KINDS = frozenset({"index", "model"})
# Not shown as a count of its own: it stands in the gap `residency.unknown`.
USED_UNKNOWN = "used_unknown"


class Reached(Struct, frozen=True):
    """Records in scope that share standing and state, with their copies in the scope's stores.

    `anywhere`: they are asked about wherever they are, so also where nobody said in which store.
    """

    standing: Standing
    holding: Holding
    handles: list[str]
    copies: list[tuple[str, Copy]]
    anywhere: bool

    @property
    def uses(self) -> tuple[Use, ...]:
        """What was done with them; what was never in the scope's stores was not used there."""
        had = self.anywhere or any(copy.state != "absent" for _, copy in self.copies)
        return self.holding.uses if had else ()


class Survey(Sums):
    """The sums of one obligation, and what visits need to add to them.

    `case` is what a walk may look at (`Case.on_records`).
    """

    def __init__(self, case: Case, obligation: Obligation, clock: Clock) -> None:
        super().__init__()
        self.case = case
        self.obligation = obligation
        self.deadline = deadline_at(case.order, obligation)
        self.effective_us = case.order.effective_s * SECOND_US
        self.backups = Backups(case)
        self.relief = relief_of(case, obligation.id)
        self.counts = case.tally()
        self._idle_holds = idle_holds(case)
        self._clock = clock
        self._leave = Leave(case, obligation.id)

    def fresh(self) -> "Survey":
        """One of the same obligation that has seen nothing."""
        survey = Survey.__new__(Survey)
        survey.__dict__.update(self.__dict__)
        survey.begin(self.case.tally())
        return survey

    @cached_property
    def named(self) -> frozenset[str]:
        """The handles that it tells apart from others in the same state."""
        return self.relief.exempt | self.relief.held | self._idle_holds.keys()

    def note(self, rule: str, move: Move | Use | Hold, store: str, copies: int, days_late: int = 0) -> None:
        """List what had no effect, came late, or tells against its poster."""
        by = self.case.name_of(move.by)
        self.record(Irregularity(rule, move.index, move.time_us, by, store, copies, days_late))

    def breach(self, rule: str, count: str, use: Use, one: Reached) -> None:
        """Count and list a use of these records, unless an exemption granted before allowed it.

        Where the scope wants to know first where their subjects reside, it is counted apart and is no breach.
        """
        handles = self._not_allowed(use, one)
        if self.is_asked_first(one.standing):
            self.counts.add(USED_UNKNOWN, handles)
        elif handles:
            self.counts.add(count, handles, use.store, use.index)
            self.note(rule, use, use.store, len(handles))

    def is_asked_first(self, standing: Standing) -> bool:
        """Whether the scope wants to know first where these records' subjects reside: then their being there
        is a gap (`residency.unknown`) and no breach."""
        return standing.reach == "unknown" and self.obligation.scope.unknown_residency == "report"

    def count_amiss(self, standing: Standing, copies: int) -> None:
        """Remember that copies are there which should not be, if that is known."""
        if copies and not self.is_asked_first(standing):
            self.add("amiss", "", copies)

    def _not_allowed(self, use: Use, one: Reached) -> list[str]:
        if not self._leave:
            return one.handles
        allowed = self._leave.allows(use.index, one.handles, one.holding.traits)
        return [handle for handle, is_allowed in zip(one.handles, allowed, strict=True) if not is_allowed]

    def timing(self, act: Move | Use) -> Timing:
        """Whether it was done by the deadline, as far as the witnesses prove it."""
        timing = self._clock.timing(act.index, act.time_us, self.deadline)
        if timing == "time_unproved":
            self.ask(act.index, act.index)
        return timing

    def note_holds(self, handles: list[str], store: str) -> None:
        """`hold.own`, `hold.foreign`: kept by somebody whose word does not count. No effect."""
        if not self._idle_holds:
            return
        for handle in handles:
            for rule, hold in self._idle_holds.get(handle, ()):
                self.note(rule, hold, store, 1)

    def residency_gaps(self, unknown: int) -> list[Gap]:
        """`residency.unknown`, where the scope wants to know first where so many copies' subjects reside;
        `residency.no_method`: nobody in scope is no success while nobody has said where anyone resides, if
        that is what decides."""
        scope, gaps = self.obligation.scope, []
        if unknown and scope.unknown_residency == "report":
            gaps.append(Gap("residency.unknown", "", unknown))
        if scope.residency and not self.somebody and not self.residency_said:
            gaps.append(Gap("residency.no_method"))
        return gaps

    def meet(self, handles: Sequence[str], copies: Sequence[tuple[str, Copy]]) -> None:
        """Remember that somebody is in scope, and copies that are where no store was declared."""
        for store, copy in copies:
            if copy.state == "absent":
                continue
            self.somebody = True
            if store not in self.case.stores:
                self.add("undeclared", store, len(handles))

    def leave_out(self, standing: Standing, handles: Sequence[str], store: str) -> None:
        """Count copies that the order does not reach, by the basis and whose word that is."""
        by = self.case.name_of(standing.by) if standing.by >= 0 else ""
        self.add("out", (standing.basis, by), len(handles))
        self.counts.add("out_of_scope", handles, store)

    def assert_erased(self, store: str, erasure: Move) -> None:
        """Remember an erasure that a look into the store must come after, and what stands behind it."""
        self.raise_to("last_erasure", store, erasure.index)
        self.lower_to("asserted", store, asserted(self.case, erasure))
        self.lower_to("custody", store, in_custody(erasure))

    def count_disclosures(self, one: Reached) -> None:
        """Add these records to the disclosures that they were part of."""
        for use in one.uses:
            if use.kind == "disclosed" and use.index < self.case.size:
                self.add("disclosed", use.index, len(one.handles))

    def count_contradictions(self, one: Reached) -> None:
        """`erasure.contradicted`: used after the erasure, when no copy was live on record."""
        asked, doubtful = {store for store, _ in one.copies}, set()
        for use, stores in used_when_gone(self.case, one.holding):
            for store in asked.intersection(stores):
                self.note("erasure.contradicted", use, store, len(one.handles))
                self.raise_to("last_contradiction", store, use.index)
                doubtful.add(store)
        for store in doubtful:
            self.add("contradicted", store, len(one.handles))

    def count_verifications(self, one: Reached) -> None:
        """`verified_absent`: looked for by name after the erasure, and not found. No level comes of it: who
        looks for what should be gone sees nothing else. `verification.contradicted`: it was live."""
        copies, absent = dict(one.copies), set()
        for use in one.holding.uses:
            if use.kind != "verified" or use.index >= self.case.size or use.store not in copies:
                continue
            if copies[use.store].life_at(use.index) >= 0:
                self.note("verification.contradicted", use, use.store, len(one.handles))
                continue
            erasure = copies[use.store].erasure
            after = erasure is not None and use.index > erasure.index
            if after and self.case.believes(use.by, use.time_us):
                absent.add(use.store)
        for store in sorted(absent):
            self.counts.add("verified_absent", one.handles, store)

    def due(self, handles: list[str], holding: Holding) -> tuple[list[str], list[str], list[str]]:
        """These handles, those apart that the authority's exemptions and holds cover: (due, exempt, held).

        A controller's own hold, or another authority's, relieves of nothing: see `relief`.
        """
        relief = self.relief
        if not (relief.exempt or relief.categories or relief.held):
            return handles, [], []
        traits = [trait for trait in holding.traits if trait.index < self.case.size]
        categories = tuple(sorted({category for trait in traits for category in trait.categories}))
        exempt = [handle for handle in handles if relief.exempts(handle, categories)]
        spared = set(exempt)
        held = [handle for handle in handles if handle not in spared and handle in relief.held]
        spared.update(held)
        return [handle for handle in handles if handle not in spared], exempt, held


Visit = Callable[[Survey, Standing, Holding, list[str]], None]
"""Sums up what some records, which share standing and state, add to a survey."""


def walk(case: Case, obligation: Obligation, visit: Visit, *, alike: bool = False) -> Survey:
    """Visit each group of the population that shares standing and state, once, and sum up. `alike`: whether
    the visit may take together who is alike (see there for what that asks of it)."""
    if case.running is not None:
        return case.running.walk(obligation, visit)
    survey = Survey(case.on_records, obligation, case.clock)
    if case.parted is not None:
        if case.walks is not None:
            return case.walks.walk(Walk(survey, visit, alike))
        walk_parts([Walk(survey, visit, alike)], case.parted)
        return survey
    for standing, holding, handles in survey.case.population(obligation.scope):
        visit(survey, standing, holding, handles)
    return survey


def survey_of(case: Case, obligation: Obligation, *, only_derived: bool = False) -> Survey:
    """What became of each copy that the obligation reaches."""
    # Of who has no uses and was not derived, it asks where each move stands, compares that, and counts copies
    # (`alike`). What it keeps of a place: the last erasure, and the entries that no witness has proved.
    return walk(case, obligation, _count_derived if only_derived else _count_copies, alike=True)


def _count_derived(survey: Survey, standing: Standing, holding: Holding, handles: list[str]) -> None:
    _count_copies(survey, standing, holding, handles, only_derived=True)


def _count_copies(
    survey: Survey, standing: Standing, holding: Holding, handles: list[str], *, only_derived: bool = False
) -> None:
    one = reached(survey, standing, holding, handles, only_derived=only_derived)
    if one is not None:
        for store, copy in one.copies:
            _count(survey, one, store, copy)
        if holding.uses:
            survey.count_disclosures(one)
            survey.count_contradictions(one)
            survey.count_verifications(one)


def reached(
    survey: Survey, standing: Standing, holding: Holding, handles: list[str], *, only_derived: bool = False
) -> Reached | None:
    """These records, if the obligation reaches them; else they are counted `out_of_scope`.

    `only_derived`: artefacts, and what is kept in an index or a model.
    """
    case, obligation = survey.case, survey.obligation
    # What was disclosed was had, also where nobody ever said that it was in a store.
    anywhere = not (only_derived or obligation.scope.stores)
    if not survey.residency_said:
        survey.residency_said = any(fact.codes and fact.index < case.size for fact in holding.residency)
    copies = [one for one in case.copies(holding) if one[1].state != "absent" or one[1].misfits]
    if only_derived or obligation.scope.stores:
        copies = [one for one in copies if is_asked(survey, holding, one[0], only_derived)]
    left_alone = not only_derived and "derived" not in obligation.include
    if (left_alone and is_artefact(holding, case.size)) or not reaches(standing, obligation.scope):
        for store, copy in copies:
            # A stranger's word for an erasure makes no copy, out of scope neither.
            if copy.state != "absent":
                survey.leave_out(standing, handles, store)
        return None
    if not copies and not anywhere:
        return None
    survey.meet(handles, copies)
    return Reached(standing, holding, handles, copies, anywhere)


def is_asked(survey: Survey, holding: Holding, store: str, only_derived: bool) -> bool:
    """Whether an obligation asks about a record's copy in this store, in whatever scope it is otherwise."""
    stores = survey.obligation.scope.stores
    if stores and store not in stores:
        return False
    return not only_derived or is_derived(survey.case, holding) or _keeps_derived(survey.case, store)


def is_derived(case: Case, holding: Holding) -> bool:
    """Whether any derivation made it, whatever was said of it besides."""
    return bool(holding.derived) and holding.derived[0] < case.size


def _keeps_derived(case: Case, store: str) -> bool:
    declared = case.stores.get(store)
    return declared is not None and declared.kind in DERIVED_KINDS


def _count(survey: Survey, one: Reached, store: str, copy: Copy) -> None:
    counts, handles, n = survey.counts, one.handles, len(one.handles)
    for rule, move in copy.misfits:
        survey.note(rule, move, store, n)
        if rule == "erasure.orphan":
            counts.add("orphaned", handles, store)
    if copy.state == "absent":
        return  # A stranger's word for an erasure makes no copy.
    counts.add("in_scope", handles, store)
    if one.standing.reach == "unknown":
        counts.add("unknown_residency", handles, store)
    if copy.lives > 1:
        counts.add("reopened", handles, store)
    due, exempt, held = survey.due(handles, one.holding)
    if copy.erasure is None:
        if exempt or held:
            counts.add("exempt", exempt, store)
            counts.add("held", held, store)
        survey.note_holds(due, store)
        survey.count_amiss(one.standing, len(due))
        _count_live(survey, store, due, derived=is_derived(survey.case, one.holding))
        return
    survey.erased.add(handles, store)
    _count_erased(survey, store, copy.erasure, handles)
    if "backups" in survey.obligation.include:
        _count_backed_up(survey, one.standing, store, copy, due)


def _count_live(survey: Survey, store: str, handles: list[str], *, derived: bool) -> None:
    survey.counts.add("live", handles, store)
    if derived:
        survey.counts.add("derived_live", handles, store)
    survey.live.add(handles, store)


def _count_erased(survey: Survey, store: str, erasure: Move, handles: list[str]) -> None:
    """Count erased copies by when, how and on what ground they were erased."""
    survey.assert_erased(store, erasure)
    if METHOD_RANK[erasure.method] < METHOD_RANK[survey.obligation.min_method]:
        survey.counts.add("below_method", handles, store)
    survey.counts.add(f"erased_{_timing(survey, store, erasure, len(handles))}", handles, store)


def _count_backed_up(survey: Survey, standing: Standing, store: str, copy: Copy, due: list[str]) -> None:
    """What an authority lets stay may stay in backups too."""
    until_us = survey.backups.held_until_us(store, copy) if due else 0
    if until_us:
        survey.counts.add("in_backups", due, store)
        survey.count_amiss(standing, len(due))
        survey.note_holds(due, store)
        survey.add("backed_up", store, len(due))
        survey.raise_to("backed_up_until_us", store, until_us)


def _timing(survey: Survey, store: str, erasure: Move, copies: int) -> str:
    """An act is in time only if the witnesses prove it; the operator's clock alone proves nothing.

    `erasure.late`: recorded after the deadline. `erasure.backdated`: late, but claimed to have been in time.
    """
    timing = survey.timing(erasure)
    if timing == "late":
        deadline_us = survey.deadline * SECOND_US
        days_late = -(-(erasure.time_us - deadline_us) // DAY_US)
        rule = "erasure.backdated" if erasure.claimed_us <= deadline_us else "erasure.late"
        survey.note(rule, erasure, store, copies, days_late)
    return timing
