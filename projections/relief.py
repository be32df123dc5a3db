"""Relief: what an authority allows to be kept in spite of an obligation: exemptions and legal holds.

`relief.own_key`: only the key that signed the order gives relief. A controller's own hold, another
authority's, and an exemption by anybody else are kept in the ledger and relieve of nothing (DOMAIN §5). They
are listed: `exemption.foreign`; `hold.own` and `hold.foreign` where they would have kept a copy that is due.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from projections import vocabulary as v
from projections.case import Case
from projections.finding import Irregularity
from projections.holdings import Trait
from projections.moments import last_second
from projections.proceedings import Exemption, Hold, Release


class Relief(Struct, frozen=True):
    """What one obligation leaves alone: named records, and whole categories with those below them."""

    exempt: frozenset[str]
    categories: tuple[str, ...]
    held: frozenset[str]

    def exempts(self, handle: str, categories: tuple[str, ...]) -> bool:
        """Whether an exemption covers a record: by its handle, or because all its categories are exempt.

        `relief.whole_class`: a record that is something else besides is not what the law obliges to keep.
        """
        if handle in self.exempt:
            return True
        if not self.categories or not categories:
            return False
        return all(any(v.covers(allowed, one) for allowed in self.categories) for one in categories)


class Leave:
    """What one obligation allows, from which entry on: an exemption allows no act that stands before it."""

    def __init__(self, case: Case, obligation: str) -> None:
        self._records: dict[str, int] = {}
        self._classes: dict[str, int] = {}
        for one in _granted(case, obligation):
            for handle in one.records:
                self._records.setdefault(handle, one.index)
            if one.category_class:
                self._classes.setdefault(one.category_class, one.index)

    def __bool__(self) -> bool:
        return bool(self._records or self._classes)

    def allows(self, index: int, handles: list[str], traits: Iterable[Trait]) -> list[bool]:
        """Of each of these records, which have these traits, whether it may be used at an entry."""
        classes = tuple(name for name, since in self._classes.items() if since < index)
        said = [trait.categories for trait in traits if trait.index < index] if classes else []
        relief = Relief(frozenset(), classes, frozenset())
        if relief.exempts("", tuple({name for categories in said for name in categories})):
            return [True] * len(handles)
        return [self._records.get(handle, index) < index for handle in handles]


def relief_of(case: Case, obligation: str) -> Relief:
    """The relief from an obligation that stands at the case's moment."""
    granted = _granted(case, obligation)
    return Relief(
        exempt=frozenset(handle for one in granted for handle in one.records),
        categories=tuple(sorted({one.category_class for one in granted if one.category_class})),
        held=frozenset(handle for hold in holds_in_force(case) for handle in hold.records),
    )


def _granted(case: Case, obligation: str) -> list[Exemption]:
    """The exemptions from an obligation that count, in log order."""
    return [
        one
        for one in case.docket.proceedings.exemptions
        if (one.order, one.obligation) == (case.order.id, obligation) and _counts(case, one)
    ]


def holds_in_force(case: Case) -> Iterator[Hold]:
    """`relief.until`: the authority's holds that neither ended nor were released by it: then what they kept
    is due again. What is placed again under the same id is added to it; a release ends all placed before it.
    """
    proceedings = case.docket.proceedings
    ended = {one.hold: one.index for one in proceedings.releases if _counts(case, one)}
    for hold in proceedings.holds:
        lasts = hold.index > ended.get(hold.hold, -1) and case.as_of <= last_second(hold.until)
        if lasts and _counts(case, hold):
            yield hold


def foreign_exemptions(case: Case, obligation: str) -> list[Irregularity]:
    """`exemption.foreign`: from this obligation, and not under the key that signed the order. No effect."""
    return [
        Irregularity("exemption.foreign", one.index, one.time_us, case.name_of(one.by))
        for one in case.docket.proceedings.exemptions
        if one.index < case.size
        and (one.order, one.obligation) == (case.order.id, obligation)
        and not _counts(case, one)
    ]


def idle_holds(case: Case) -> dict[str, list[tuple[str, Hold]]]:
    """The holds that keep nothing, by each record that they name, each with its rule."""
    found: dict[str, list[tuple[str, Hold]]] = {}
    for hold in case.docket.proceedings.holds:
        if hold.index < case.size and not _counts(case, hold):
            own = case.docket.posters[hold.by].role != "authority"
            for handle in hold.records:
                found.setdefault(handle, []).append(("hold.own" if own else "hold.foreign", hold))
    return found


def _counts(case: Case, one: Exemption | Hold | Release) -> bool:
    """Said below the case's size, under the order's own key, before anybody had stolen it."""
    return one.index < case.size and one.by in case.authority and case.believes(one.by, one.time_us)
