"""Scope: which records an order reaches, from what the log says of residency, lineage and the data itself.

A record is `in`, `out` or `unknown`. Only a statement on one of the scope's bases takes a record out; any
statement that names the scope's territory, on whatever basis, brings it in. Artefacts follow their inputs:
one input in scope is enough, and an input nobody knows makes them unknown. What was held or collected is no
mere artefact: lineage can bring it in, and never takes it out.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET, Struct, UnsetType

from projections.docket import Docket, Edge
from projections.holdings import EMPTY, Held, Holding, ResidencyFact
from projections.moments import SECOND_US, first_second, last_second
from projections.order import Scope
from projections.vocabulary import covers

if TYPE_CHECKING:
    from projections.case import Case

Reach = Literal["in", "out", "unknown"]
LINEAGE = "lineage"
TEMPLATE = "user.biometric"


class Standing(Struct, frozen=True):
    """Where a record stands to a scope, and on whose word (`by`: a poster's number) and basis."""

    reach: Reach
    basis: str = ""
    by: int = -1


UNKNOWN = Standing("unknown")


class Reader:
    """Answers for one scope at one size of the log; remembers what it worked out.

    `authority` is the number of the posters under the key that signed the order; `moved_by` those whose word
    may move a record out after the order (that authority and its assessors); `ordered` the entry at which the
    order was first issued.
    """

    def __init__(
        self,
        scope: Scope,
        held: Held,
        edges: Mapping[int, Edge],
        size: int,
        *,
        ordered: int,
        authority: frozenset[int],
        moved_by: frozenset[int],
        believes: Callable[[int, int], bool],
    ) -> None:
        self._scope = scope
        self._held = held
        self._edges = edges
        self._size = size
        self._ordered = ordered
        self._authority = authority
        self._moved_by = moved_by
        self._believes = believes
        self._narrowed = _is_narrowed(scope)
        self._own: dict[int, Standing | None] = {}
        self._single: dict[tuple[int, str, tuple[str, ...], bool], Standing] = {}
        self._categories: dict[tuple[str, ...], bool] = {}
        self._of_edge: dict[int, Standing | dict[str, Standing]] = {}
        for index in sorted(index for index in edges if index < size):
            self.follow(index)

    def grow(self, case: "Case") -> None:
        """Go on at a later size, where nobody whose word counted has lost it, and more posters may be known.
        What the new entries touched, `follow` looks at again."""
        self._size = case.size
        self._authority, self._moved_by = case.authority, case.authority | case.assessors
        self._own.clear()  # known by identity, which may be another's by now

    def forget(self) -> None:
        """Let go of what was read of records that are no longer in memory: another may take their place."""
        self._own.clear()

    def follow(self, index: int) -> bool:
        """Look again at what a derivation hands on; whether that is something else than before."""
        before, found = self._of_edge.get(index), self._follow(index, self._edges[index])
        self._of_edge[index] = found
        return before != found

    def standing(self, handle: str, holding: Holding) -> Standing:
        """Where the record stands, through its own residency and that of all it was derived from."""
        if not holding.derived:
            return self.own(holding) or UNKNOWN
        return self._before(handle, holding, self._size)

    def depends_on_handle(self, holding: Holding) -> bool:
        """Whether handles with this state may stand differently (pairwise lineage)."""
        if not holding.derived:
            return False
        return any(self._edges[i].artefacts for i in holding.derived if i < self._size)

    def own(self, holding: Holding) -> Standing | None:
        """What was said of the record itself; None when nothing was."""
        key = id(holding)
        if key in self._own:
            return self._own[key]
        own = self._own[key] = self._read(holding)
        return own

    def _follow(self, index: int, edge: Edge) -> Standing | dict[str, Standing]:
        """What this derivation hands on. Pairwise lineage hands each artefact its own inputs' standing.

        An input counts with what had gone into it by then, so derivations can't run in circles.
        """
        if not edge.inputs:
            # What was made before the scope's time of collection began can't hold what was collected in it.
            if self._before_period(edge.time_us):
                return Standing("out", "collected", edge.by)
            # Unknown lineage is in scope, also where unknown residency would leave it out.
            spared = self._scope.unknown_residency == "out_of_scope"
            return Standing("in" if spared else "unknown", LINEAGE, edge.by)
        reached = [Standing(self._hand_on(edge, one, index), LINEAGE, edge.by) for one in edge.inputs]
        if edge.artefacts:
            return dict(zip(edge.artefacts, reached, strict=True))
        return max(reached, key=_rank)

    def _hand_on(self, edge: Edge, handle: str, index: int) -> Reach:
        """What an input gives to what was made of it. A stolen key's word on lineage takes nothing out."""
        reach = self._input(edge, handle, index).reach
        return "unknown" if reach == "out" and not self._believes(edge.by, edge.time_us) else reach

    def _input(self, edge: Edge, handle: str, index: int) -> Standing:
        """Where an input stands to what was made of it. A template is biometric though its image is not."""
        holding = self._held.get(handle, EMPTY)
        standing = self._before(handle, holding, index)
        made = TEMPLATE if edge.kind == "template" else ""
        if standing.basis == "category" and any(covers(own, made) for own in self._scope.categories):
            return self._read(holding, categories=False) or UNKNOWN
        return standing

    def _before(self, handle: str, holding: Holding, size: int) -> Standing:
        own = self.own(holding)
        edges = [index for index in holding.derived if index < size]
        if not edges:
            return own or UNKNOWN
        if own is not None and own.reach == "in":
            return own
        handed = max((self._handed(index, handle) for index in edges), key=_rank)
        return handed if is_artefact(holding, self._size) else max(handed, own or UNKNOWN, key=_rank)

    def _handed(self, index: int, handle: str) -> Standing:
        found = self._of_edge[index]
        return found[handle] if isinstance(found, dict) else found

    def _read(self, holding: Holding, *, categories: bool = True) -> Standing | None:
        excluded = self._outside_by_kind(holding, categories)
        if excluded is not None:
            return excluded
        if not self._scope.residency:
            return Standing("in")
        residency = holding.residency
        if len(residency) == 1:
            # Of most records one thing was said, once, and of many the same.
            return self._alone(residency[0]) if residency[0].index < self._size else None
        said = [fact for fact in residency if fact.index < self._size]
        if not said:
            return None
        return self._residency(said, holding)

    def _alone(self, fact: ResidencyFact) -> Standing:
        """The word of somebody on somebody of whom nothing else was said."""
        key = (fact.by, fact.basis, fact.codes, self._believes(fact.by, fact.time_us))
        if key not in self._single:
            self._single[key] = self._latest([fact])
        return self._single[key]

    def _residency(self, said: list[ResidencyFact], holding: Holding) -> Standing:
        when = self._scope.residency_when
        if when == "at_collection":
            first = min((trait.index for trait in holding.traits), default=said[0].index)
            said = [fact for fact in said if fact.index <= first] or said[:1]
        if when == "ever":
            for fact in said:
                if self._names(fact):
                    return Standing("in", fact.basis, fact.by)
        return self._latest(said)

    def _latest(self, said: list[ResidencyFact]) -> Standing:
        """The last word on an accepted basis decides; a move out after the order needs a trusted one."""
        was_in = False
        standing = UNKNOWN
        for fact in said:
            if self._names(fact):
                standing = Standing("in", fact.basis, fact.by)
                was_in = True
            elif not self._settles(fact):
                standing = standing if standing.reach == "in" else UNKNOWN
            elif was_in and fact.index > self._ordered and fact.by not in self._moved_by:
                standing = UNKNOWN
            else:
                standing = Standing("out", fact.basis, fact.by)
        return standing

    def _names(self, fact: ResidencyFact) -> bool:
        return any(
            code == own or code.startswith(own + "-") for code in fact.codes for own in self._scope.residency
        )

    def _settles(self, fact: ResidencyFact) -> bool:
        """Whether this can take a record out: it names another place, on an accepted basis, believably."""
        if not fact.codes or self._ambiguous(fact) or not self._believes(fact.by, fact.time_us):
            return False
        return self._accepted(fact)

    def _ambiguous(self, fact: ResidencyFact) -> bool:
        """A country was named where the order reaches one of its parts: it may be there."""
        return any(own.startswith(code + "-") for code in fact.codes for own in self._scope.residency)

    def _accepted(self, fact: ResidencyFact) -> bool:
        """The basis `authority` is the ordering authority's alone to claim."""
        if fact.basis == "authority" and fact.by not in self._authority:
            return False
        return fact.basis in self._scope.residency_bases

    def _outside_by_kind(self, holding: Holding, by_category: bool) -> Standing | None:
        """Out by category, source, time or age, where the scope is narrowed and the log says otherwise."""
        if not self._narrowed:
            return None
        scope = self._scope
        traits = [trait for trait in holding.traits if trait.index < self._size]
        if not traits:
            return None
        if by_category and scope.categories and not any(self._covered(one.categories) for one in traits):
            return Standing("out", "category")
        sources = {trait.source_kind for trait in traits}
        if scope.source_kinds and "" not in sources and sources.isdisjoint(scope.source_kinds):
            return Standing("out", "source_kind")
        if "" not in sources and all(self._outside_period(trait.time_us) for trait in traits):
            return Standing("out", "collected")
        if scope.minors == "only" and all(trait.minor == "no" for trait in traits):
            return Standing("out", "minor")
        return None

    def _covered(self, categories: tuple[str, ...]) -> bool:
        """Whether the scope's categories cover one of these. Few sets of categories serve many records."""
        known = self._categories.get(categories)
        if known is None:
            known = any(covers(own, one) for own in self._scope.categories for one in categories)
            self._categories[categories] = known
        return known

    def _before_period(self, time_us: int) -> bool:
        first = self._scope.collected_from
        return not isinstance(first, UnsetType) and time_us < first_second(first) * SECOND_US

    def _outside_period(self, time_us: int) -> bool:
        """By recorded time: a claimed one would let a poster choose."""
        last = self._scope.collected_to
        if self._before_period(time_us):
            return True
        return not isinstance(last, UnsetType) and time_us >= (last_second(last) + 1) * SECOND_US


def reaches(standing: Standing, scope: Scope) -> bool:
    """`out_of_scope` is the only word that leaves records of unknown residency alone."""
    return standing.reach == "in" or (
        standing.reach == "unknown" and scope.unknown_residency != "out_of_scope"
    )


def is_artefact(holding: Holding, size: int) -> bool:
    """Whether a record came into being by a derivation, as far as the log says below `size`.

    Not if it was held or collected, before or after, nor if it was anywhere before: else a word about lineage
    would turn any record into derived data.
    """
    if not holding.derived or holding.derived[0] >= size:
        return False
    first = holding.derived[0]
    return not any(trait.index < size for trait in holding.traits) and all(
        moves[0].index >= first for moves in holding.copies.values()
    )


def _is_narrowed(scope: Scope) -> bool:
    """Whether anything but residency may leave a record out."""
    period = (scope.collected_from, scope.collected_to)
    return bool(scope.categories or scope.source_kinds) or scope.minors == "only" or period != (UNSET, UNSET)


def posters_under(docket: Docket, vkeys: Iterable[str]) -> frozenset[int]:
    """The numbers of the posters whose key is one of these."""
    wanted = set(vkeys)
    return frozenset(n for n, poster in enumerate(docket.posters) if poster.vkey in wanted)


_ORDER: Mapping[Reach, int] = {"out": 0, "unknown": 1, "in": 2}


def _rank(standing: Standing) -> int:
    return _ORDER[standing.reach]
