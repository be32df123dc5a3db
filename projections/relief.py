"""Relief: what an authority allows to be kept in spite of an obligation: exemptions and legal holds.

`relief.own_key`: only the key that signed the order gives relief. A controller's own hold, another
authority's, and an exemption by anybody else are kept in the ledger and relieve of nothing (DOMAIN §5).
"""

from collections.abc import Iterator

from msgspec import Struct

from projections import vocabulary as v
from projections.case import Case
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


def relief_of(case: Case, obligation: str, *, before: int | None = None) -> Relief:
    """The relief from an obligation that stands at the case's moment.

    `before`: only exemptions that were granted before that entry, whose act they are to allow.
    """
    granted = [
        one
        for one in case.docket.proceedings.exemptions
        if (one.order, one.obligation) == (case.order.id, obligation)
        and _counts(case, one)
        and (before is None or one.index < before)
    ]
    return Relief(
        exempt=frozenset(handle for one in granted for handle in one.records),
        categories=tuple(sorted({one.category_class for one in granted if one.category_class})),
        held=frozenset(handle for hold in holds_in_force(case) for handle in hold.records),
    )


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


def _counts(case: Case, one: Exemption | Hold | Release) -> bool:
    """Said below the case's size, under the order's own key, before anybody had stolen it."""
    return one.index < case.size and one.by in case.authority and case.believes(one.by, one.time_us)
