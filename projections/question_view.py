"""A view of a whole log at one moment: what standing questions are answered from.

Entries below `size` count, all of them: questions have no order, and so no witnesses of their own. What is
said is taken as said; only an erasure must be the store's own operator's, as everywhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal

from projections.case import Population
from projections.docket import Docket, Edge, discredited
from projections.holdings import Held, Holding, Parted, Trait, Use
from projections.lives import Copy, read_copy
from projections.moments import DAY_US, SECOND_US
from projections.processing import Activity

Origin = Literal["collected", "held", "derived", "undeclared"]
Consent = Literal["given", "given_later", "withdrawn", "missing"]


class View:
    """The log's state at (`as_of`, `size`). What is worked out for one question serves the others."""

    def __init__(
        self, held: Held, docket: Docket, edges: Mapping[int, Edge], *, as_of: int, size: int
    ) -> None:
        self.held = held
        self.docket = docket
        self.edges = edges
        self.as_of = as_of
        self.size = size
        self._population = Population(held)
        # By identity, which nothing else can take: the holdings stay in `held`, or end with their part.
        self._live: dict[int, bool] = {}

    @property
    def as_of_us(self) -> int:
        """The moment, in Unix microseconds."""
        return self.as_of * SECOND_US

    def groups(self) -> Iterator[tuple[Holding, list[str]]]:
        """Every handle of the log, those that share a state together; part by part where not all are in
        memory, and then what was read of a part ends with it."""
        for groups in self._population.parts():
            yield from groups
            if isinstance(self.held, Parted):
                self._live.clear()

    def copies(self, holding: Holding, size: int | None = None) -> Iterable[Copy]:
        """The record's copies, store by store."""
        size = self.size if size is None else size
        for name, moves in holding.copies.items():
            yield read_copy(moves, self.docket.stores.get(name), self.docket, self._gone, size)

    def is_live(self, holding: Holding) -> bool:
        """Whether any copy of the record is in a store."""
        known = self._live.get(id(holding))
        if known is None:
            known = self._live[id(holding)] = self._was_live(holding, self.size)
        return known

    def traits(self, holding: Holding) -> list[Trait]:
        """What was said of the record in its present life: since it was last in no store at all."""
        said = [trait for trait in holding.traits if trait.index < self.size]
        for place in range(len(said) - 1, 0, -1):
            if not self._was_live(holding, said[place].index):
                return said[place:]
        return said

    def declared(self, trait: Trait) -> Activity | None:
        """What was declared of the activity when the record was collected: a later declaration blesses
        nothing that came before it."""
        said = (one for one in self._activities.get(trait.activity, ()) if one.index < trait.index)
        return max(said, key=lambda one: one.index, default=None)

    def retained_until(self, trait: Trait) -> int | None:
        """The time (us) until which a collection may be kept, by its word or its activity's; None: no end."""
        if trait.retention_us:
            return trait.retention_us
        declared = self.declared(trait)
        if declared is None or declared.retention_days < 0:
            return None
        return trait.time_us + declared.retention_days * DAY_US

    def consent(self, holding: Holding, trait: Trait) -> Consent:
        """Whether consent to the activity stands for the record, and stood when it was collected."""
        state: Consent = "missing"
        for use in self.uses(holding):
            if (
                use.ref == trait.activity
                and use.kind == "consented"
                and state not in ("given", "given_later")
            ):
                state = "given" if use.index < trait.index else "given_later"
            elif use.ref == trait.activity and use.kind == "withdrew":
                state = "withdrawn"
        return state

    def uses(self, holding: Holding) -> Iterable[Use]:
        """What was done with the record and asked about it, in log order."""
        return (use for use in holding.uses if use.index < self.size)

    def _was_live(self, holding: Holding, size: int) -> bool:
        return any(copy.state == "live" for copy in self.copies(holding, size))

    @cached_property
    def _activities(self) -> dict[str, list[Activity]]:
        found: dict[str, list[Activity]] = {}
        for one in self.docket.processing.activities:
            found.setdefault(one.activity, []).append(one)
        return found

    @cached_property
    def _gone(self) -> dict[int, int]:
        return discredited(self.docket, self.size)


def origin(trait: Trait) -> Origin:
    """How the record came: collected, or there already when the ledger began."""
    return "collected" if trait.source_kind else "held"
