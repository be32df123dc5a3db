"""A case: one order, seen at one moment, over one size of the log. All that a judgment looks at."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from msgspec import UnsetType

from projections.clock import Clock, read_clock
from projections.docket import Docket, Edge, IssuedOrder, Store, discredited
from projections.holdings import EMPTY, Held, Holding, Parted, parts_of
from projections.lives import Copy, read_copy
from projections.looks import Inventory
from projections.order import Order, Scope
from projections.proceedings import Proceedings
from projections.processing import Processing
from projections.reconciling import Compared, Glance
from projections.retention import Terms
from projections.scope import UNKNOWN, Reader, Standing, posters_under
from projections.series import Series
from projections.sharing import Sharing
from projections.status import Life, life_of
from projections.tally import Listener, Tally
from signing.setdigest import SetDigest

if TYPE_CHECKING:
    from projections.running import Running
    from projections.walking import Walks


T = TypeVar("T")
Groups = list[tuple[Holding, list[str]]]
"""States, each with the handles of those who are in it."""
Gone = tuple[tuple[int, int], ...]
"""Discredited posters, each with the recorded time (us) from which it was."""


class Case:
    """What an order's evaluation may look at: entries below `size`, as of `as_of` (Unix seconds).

    Everything derived here is remembered, since the obligations of one order share most of it.
    """

    def __init__(
        self,
        held: Held,
        docket: Docket,
        edges: Mapping[int, Edge],
        issued: IssuedOrder,
        *,
        as_of: int,
        size: int,
        running: "Running | None" = None,
        known: "Known | None" = None,
    ) -> None:
        """`running`: the sums kept from one judgment to the next, if they are of this very case. `known`:
        what was worked out of the same log before."""
        self.docket = docket
        self.running = running
        self.walks: Walks | None = None
        """Those that its judgment takes together, if it does."""
        self.issued = issued
        self.as_of = as_of
        self.size = size
        self._listener: Listener | None = None
        self._held = held
        self._population = Population(held)
        self._edges = edges
        self.known = Known() if known is None else known
        self._readers: dict[Scope, Reader] = {}
        self._terms: dict[int | UnsetType, Terms] = {}

    @property
    def order(self) -> Order:
        return self.issued.order

    @cached_property
    def clock(self) -> Clock:
        known = None if self.running is None else self.running.proved
        return read_clock(self.docket.anchors, self.order.trust, known)

    @cached_property
    def on_records(self) -> "Case":
        """The same case with no more of the docket than may bear on what single records add to a verdict.

        A walk sees nothing else, so whoever keeps its sums knows for how long they hold.
        """
        return self.narrowed(self.as_of)

    def narrowed(self, as_of: int) -> "Case":
        """See `on_records`. `as_of`: the same moment, perhaps watched."""
        docket = bearing_on_records(self.docket, self.order.id)
        narrow = Case(self._held, docket, self._edges, self.issued, as_of=as_of, size=self.size)
        narrow.life = self.life
        narrow._listener = self._listener
        narrow._readers = self._readers
        narrow._terms = self._terms
        narrow._population = self._population
        return narrow

    def go_on_from(self, before: "Case") -> None:
        """Use, and add to, what was worked out of the same order before."""
        self._readers, self._terms = before._readers, before._terms

    @property
    def followers(self) -> list[Reader | Terms]:
        """What remembers what derivations hand on."""
        return [*self._readers.values(), *self._terms.values()]

    def terms(self, ordered_days: int | UnsetType) -> Terms:
        """Until when what may be kept, where an order sets so many days."""
        if ordered_days not in self._terms:
            declared = self.docket.processing.activities
            self._terms[ordered_days] = Terms(self._held, self._edges, declared, self.size, ordered_days)
        return self._terms[ordered_days]

    @cached_property
    def life(self) -> Life:
        """When the order was in force, and what was not."""
        return life_of(self)

    @cached_property
    def authority(self) -> frozenset[int]:
        """Posters under the key that signed the order."""
        return posters_under(self.docket, [self.docket.posters[self.issued.by].vkey or ""])

    @cached_property
    def first_issued(self) -> int:
        """The entry of the order's first version under this key: a variation begins nothing anew."""
        versions = (one for one in self.docket.orders if one.order.id == self.order.id)
        return min(one.index for one in versions if one.by in self.authority)

    @cached_property
    def assessors(self) -> frozenset[int]:
        """Posters under a key that the order names. Any other auditor counts as the controller's own."""
        return posters_under(self.docket, self.order.trust.assessors)

    @cached_property
    def discredited(self) -> dict[int, int]:
        """Posters whose key was compromised, each with the recorded time (us) from which it was."""
        return discredited(self.docket, self.size)

    def believes(self, by: int, time_us: int) -> bool:
        """Whether what poster `by` said at `time_us` was said under a key that nobody had stolen yet."""
        return by not in self.discredited or time_us < self.discredited[by]

    @cached_property
    def stores(self) -> dict[str, Store]:
        """The stores declared below `size`, retired ones too: retiring a store erases nothing."""
        return {name: store for name, store in self.docket.stores.items() if store.index < self.size}

    @cached_property
    def looks(self) -> dict[str, list[Inventory]]:
        """The inventories below `size`, store by store."""
        found: dict[str, list[Inventory]] = {}
        for one in self.docket.looks.inventories:
            if one.index < self.size:
                found.setdefault(one.store, []).append(one)
        return found

    def stores_of(self, scope: Scope) -> list[str]:
        return sorted(name for name in self.stores if not scope.stores or name in scope.stores)

    @property
    def edges(self) -> Mapping[int, Edge]:
        """The derivations, by their entry, those from `size` on too."""
        return self._edges

    def holding(self, handle: str) -> Holding:
        """All that the log says of a handle."""
        return self._held.get(handle, EMPTY)

    def name_of(self, by: int) -> str:
        return self.docket.posters[by].name

    def tally(self) -> Tally:
        """What an evaluator counts with, so that whom it counts can be listed."""
        return Tally(self._listener)

    def listened(self, listener: Listener) -> "Case":
        """The same case, all that was worked out included, whose tallies tell whom they count."""
        listening = copy.copy(self)
        listening._listener = listener
        listening.running = listening.walks = None
        listening.__dict__.pop("on_records", None)
        return listening

    def beside(self, issued: IssuedOrder) -> "Case":
        """Another order, seen at the same moment over the same entries."""
        return self.moved(issued, as_of=self.as_of, size=self.size)

    def moved(self, issued: IssuedOrder, *, as_of: int, size: int) -> "Case":
        """An order over the same records at another place: which of them share a state is known."""
        other = Case(self._held, self.docket, self._edges, issued, as_of=as_of, size=size, known=self.known)
        other._population = self._population
        return other

    @property
    def is_heard(self) -> bool:
        """Whether somebody is told what is counted, or what the moment is compared with."""
        return self._listener is not None or type(self.as_of) is not int

    @property
    def records(self) -> tuple[int, int]:
        """How many records there are, and how many states among them: counted for each two digits with which
        a handle begins, as they are walked where not all are in memory (`Parted`)."""
        records, states = 0, 0
        for part in parts_of(self._held):
            records += len(part)
            states += len({(handle[:2], id(holding)) for handle, holding in part.items()})
        return records, states

    def population(self, scope: Scope) -> Iterator[tuple[Standing, Holding, list[str]]]:
        """Every handle of the log, in groups that share standing and state."""
        return chain.from_iterable(self.population_in_parts(scope))

    def population_in_parts(self, scope: Scope) -> Iterator[Iterator[tuple[Standing, Holding, list[str]]]]:
        """The same part by part, where not all are in memory. A part ends with the next."""
        for groups in self.groups():
            yield self.apart(scope, groups)
            self.end_part(scope)

    def apart(
        self, scope: Scope, groups: Iterable[tuple[Holding, list[str]]]
    ) -> Iterator[tuple[Standing, Holding, list[str]]]:
        """Records that share a state, in groups that share their standing too."""
        reader = self.reader(scope)
        for holding, handles in groups:
            if not holding.derived:
                # Most of a large log.
                yield reader.own(holding) or UNKNOWN, holding, handles
                continue
            if not reader.depends_on_handle(holding):
                yield reader.standing(handles[0], holding), holding, handles
                continue
            apart: dict[Standing, list[str]] = {}
            for handle in handles:
                apart.setdefault(reader.standing(handle, holding), []).append(handle)
            for standing, some in apart.items():
                yield standing, holding, some

    def standing(self, handle: str, scope: Scope) -> Standing | None:
        """Where a record stands to a scope; None when the log does not know it."""
        holding = self._held.get(handle)
        found = None if holding is None else self.reader(scope).standing(handle, holding)
        self.end_part(scope)
        return found

    @property
    def parted(self) -> Parted | None:
        """The holdings, where they are read part by part."""
        return self._held if isinstance(self._held, Parted) else None

    def groups(self) -> Iterator[Groups]:
        """The states, each with those who are in it; part by part where not all are in memory."""
        return self._population.parts()

    def each(self, work: Callable[[Groups], T]) -> Iterator[T]:
        """Work on the same, perhaps in a copy of this process: nothing but what is returned comes back."""
        return self._population.each(work)

    def end_part(self, scope: Scope) -> None:
        """Forget what was read of the records of a part."""
        if self.parted is not None:
            self.reader(scope).forget()

    def reader(self, scope: Scope) -> Reader:
        """One for all obligations of one scope: what it has read of a record, it remembers."""
        if scope not in self._readers:
            self._readers[scope] = Reader(
                scope,
                self._held,
                self._edges,
                self.size,
                ordered=self.first_issued,
                authority=self.authority,
                moved_by=self.authority | self.assessors,
                believes=self.believes,
            )
        return self._readers[scope]

    def copies(self, holding: Holding) -> list[tuple[str, Copy]]:
        """The copies of a record, store by store, at this case's size."""
        stores, docket, gone, size = self.stores, self.docket, self.discredited, self.size
        return [
            (name, read_copy(moves, stores.get(name), docket, gone, size))
            for name, moves in holding.copies.items()
        ]

    @cached_property
    def gone(self) -> Gone:
        """The same, as a value."""
        return tuple(sorted(self.discredited.items()))


class Known:
    """The sets that the ledger had, as far as they were asked for. What was moved below a size is said for
    good: a set holds for every later case of one log, where the store and whose word counts are the same."""

    def __init__(self) -> None:
        self.compared: dict[tuple[Glance, Store | None, Gone], Compared] = {}
        self.erased: dict[tuple[int, str, Store | None, int], SetDigest] = {}


class Population:
    """The records of a log, together where they share a state."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def parts(self) -> Iterator[Groups]:
        """Each state, with the handles of those who are in it; part by part where not all are in memory."""
        if isinstance(self._held, Parted):
            yield from (grouped(part.items()) for part in self._held.parts())
        else:
            yield self._groups

    def each(self, work: Callable[[Groups], T]) -> Iterator[T]:
        """Work on the states of each part, as `Parted.each` does."""
        if isinstance(self._held, Parted):
            return self._held.each(lambda part: work(grouped(part.items())))
        return iter([work(self._groups)])

    @cached_property
    def _groups(self) -> Groups:
        return grouped(self._held.items())


def grouped(held: Iterable[tuple[str, Holding]]) -> Groups:
    """Records by their state: equal ones of one event are one object (see `holdings`)."""
    groups: dict[int, tuple[Holding, list[str]]] = {}
    for handle, holding in held:
        group = groups.get(id(holding))
        if group is None:
            groups[id(holding)] = (holding, [handle])
        else:
            group[1].append(handle)
    return list(groups.values())


def bearing_on_records(docket: Docket, order: str) -> Docket:
    """What of a docket may bear on the part that a record has in a verdict on an order.

    Not the anchors: what they prove, a survey says.
    """
    said, shared = docket.proceedings, docket.sharing
    return Docket(
        posters=docket.posters,
        stores=docket.stores,
        orders=Series(one for one in docket.orders if one.order.id == order),
        compromised=docket.compromised,
        proceedings=Proceedings(
            turns=Series(one for one in said.turns if one.order == order),
            exemptions=Series(one for one in said.exemptions if one.order == order),
            holds=said.holds,
            releases=said.releases,
        ),
        sharing=Sharing(backups=shared.backups, expiries=shared.expiries, restores=shared.restores),
        processing=Processing(activities=docket.processing.activities),
    )
